//! What a super-network will need before it is trained.

use super::subnetwork::SubNetwork;
use super::{OneShot, OneShotError, Sampling, Task};
use crate::Address;
use nasmyth_engine::{Engine, ParamLayout, Program};
use nasmyth_graph::Role;
use nasmyth_train::{memory_share, training_program};
use std::collections::BTreeMap;

/// Updates whose sub-networks are looked at.
const SAMPLED: u64 = 64;

/// Bytes that a super-network will need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedMemory {
    /// Weights, and what the optimiser remembers of them.
    pub bank: u64,
    /// The largest step: activations, and the weights and gradients of one sub-network.
    pub step: u64,
}

/// What the training of a super-network for `steps` steps will need. The weights of sampled sub-networks are counted, and what they
/// grew by when the number of sub-networks doubled is added for every doubling that is left. Each part of the space that is split
/// off counts anew.
///
/// # Errors
/// [`OneShotError::Memory`] when that is more than this machine gives to a training, with the option that would make it fit; networks
/// that cannot be compiled.
pub fn planned_memory(
    task: Task<'_>,
    settings: &OneShot,
    steps: u64,
    engine: &Engine,
) -> Result<PlannedMemory, OneShotError> {
    let Task { space, data, recipe, seed } = task;
    let partition = settings.partition();
    let paths = settings.sampling.paths(space);
    let mut known: BTreeMap<Address, u64> = BTreeMap::new();
    let numbers = |known: &BTreeMap<Address, u64>| known.values().sum::<u64>();
    let (mut half, mut step) = (0, 0);
    for update in 0..SAMPLED.div_ceil(paths) * 2 {
        for genotype in Sampling::draw(settings.sampling, space, seed, update, None) {
            let network = SubNetwork::new(space, &partition, &genotype)?;
            let program = training_program(&network.graph, data, recipe, engine)?;
            step = step.max(step_bytes(&program, &network.layout));
            let entries = network.layout.entries().iter();
            for (address, entry) in network.addresses.into_iter().zip(entries) {
                let copies = if entry.role == Role::Buffer { 1 } else { 1 + recipe.optimizer.moments() };
                known.insert(address, (copies * entry.range.len()) as u64);
            }
        }
        if update + 1 == SAMPLED.div_ceil(paths) {
            half = numbers(&known);
        }
    }
    let all = numbers(&known);
    let doublings = (steps as f64 / (2 * SAMPLED) as f64).max(1.0).log2();
    let grown = all as f64 + (all - half) as f64 * doublings;
    let parts = parts(settings, task);
    let bank = (grown * parts) as u64 * size_of::<f32>() as u64;
    let share = memory_share();
    if bank.saturating_add(step) > share {
        return Err(OneShotError::Memory { bank, step, share, advice: advice(bank, step, settings) });
    }
    Ok(PlannedMemory { bank, step })
}

/// Bytes of a step of a sub-network: its program's memory, its weights, their gradients, and these summed over sub-networks.
pub fn step_bytes(program: &Program, layout: &ParamLayout) -> u64 {
    program.memory_bytes() as u64 + 3 * size_of::<f32>() as u64 * layout.len() as u64
}

/// Parts with weights of their own, the ones before the split included.
fn parts(settings: &OneShot, task: Task<'_>) -> f64 {
    let split = settings.split.as_ref().map_or(0.0, |plan| {
        let candidates = super::split::candidates(task.space, plan, &[]);
        let groups = |options: u32| if plan.by == super::SplitBy::Options { options } else { 2 };
        candidates.iter().take(plan.count).map(|&(_, options)| f64::from(groups(options))).product()
    });
    f64::from(settings.groups.max(1)) * (1.0 + split)
}

fn advice(bank: u64, step: u64, settings: &OneShot) -> String {
    match (step > bank, settings.split.is_some() || settings.groups > 1) {
        (true, _) => "lower the recipe's batch, or limit the networks (`--limit activations<=...`)",
        (false, true) => "use `--strategy spos`, whose networks share all weights",
        (false, false) => "limit the networks (`--limit weights<=...`), or give a space with fewer widths",
    }
    .to_owned()
}
