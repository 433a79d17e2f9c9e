//! Whether the options of a space do anything, looked at before a search.
//!
//! An option that destroys what it reads wastes the part of the search that samples it, and with shared weights it misleads the rest. Wu,
//! Saxena and Jain ("Poisoning the Search Space in Neural Architecture Search", 2021; "Towards One Shot Search Space Poisoning in Neural
//! Architecture Search", AAAI 2022) ruin a search so with dropout of everything and convolutions that are stretched beyond the image.
//!
//! Each option is measured where it stands in a network, with a classifier of its own behind it:
//!
//! - **signal**: how much of the variance of the outputs over samples is the same when the noise of training is drawn anew;
//! - **gradient**: what reaches the weights before the option, as a share of what reaches the classifier;
//! - **learned**: by how much a short training lowers the loss below that of a classifier that sees nothing, as a share of what
//!   one that reads the option's input learns.

mod lab;
mod parts;

pub use lab::Measured;

use crate::one_shot::{OneShotError, Task};
use lab::Lab;
use nasmyth_engine::Engine;
use nasmyth_estimator::StopFlag;
use nasmyth_graph::VerifiedGraph;
use nasmyth_space::{Gene, Rng, Space, Value};
use nasmyth_train::TrainError;
use parts::{Part, parts};
use rand::SeedableRng;
use std::collections::BTreeMap;
use std::fmt;

/// Most options of a choice that is looked at: they are compared with each other.
const MOST_OPTIONS: usize = 16;

/// Operators, each at one shape, that are measured at most; those that come later in the space are taken to be sound.
const MOST_MEASURED: usize = 64;

/// An option that does nothing good.
#[derive(Clone, Debug, PartialEq)]
pub struct Useless {
    /// Path of the choice.
    pub path: String,
    /// The option.
    pub value: Value,
    /// What was measured, where it is best.
    pub measured: Measured,
}

impl fmt::Display for Useless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, value, measured } = self;
        write!(f, "{path}={value} does nothing: {measured}")
    }
}

/// The options that are useless wherever they stand in a network. Options without operators of their own (a skip, a zero) are the absence of
/// one and not looked at, nor are steps of a range; options that are numbers are not trained with.
///
/// # Errors
/// A space without networks that fit the data, interruption.
pub fn useless_options(
    task: Task<'_>,
    engine: &Engine,
    stop: &StopFlag,
) -> Result<Vec<Useless>, OneShotError> {
    let mut known: BTreeMap<String, Measured> = BTreeMap::new();
    let mut lab = Lab::new(task, engine);
    let mut useless = Vec::new();
    for (place, gene) in task.space.genes().enumerate() {
        let Some(values) = task.space.options(place).filter(|v| v.len() <= MOST_OPTIONS) else { continue };
        let graphs = networks(task.space, place, values.len());
        for (option, value) in values.iter().enumerate() {
            let Some(graph) = &graphs[option] else { continue };
            let others: Vec<&VerifiedGraph> = graphs.iter().flatten().collect();
            let mut measurements = Vec::new();
            for part in parts(graph, &others) {
                if stop.stopped() {
                    return Err(TrainError::Interrupted.into());
                }
                measurements.extend(measure(&mut lab, &mut known, graph, &part, is_word(value))?);
            }
            let best = measurements.into_iter().max_by(|a, b| a.worth().total_cmp(&b.worth()));
            if let Some(measured) = best.filter(Measured::is_useless) {
                useless.push(Useless { path: gene.path.clone(), value: value.clone(), measured });
            }
        }
    }
    Ok(useless)
}

/// The useless options that can be left out of a space, as [`Space::without`] takes them: of a choice that has no other options, the last
/// one stays.
pub fn to_leave_out(space: &Space, useless: &[Useless]) -> Vec<String> {
    possible(space, useless.iter().map(|Useless { path, value, .. }| format!("{path}={value}")))
}

/// Those of these options that can be left out together, the first ones first.
pub(crate) fn possible(space: &Space, options: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut left_out: Vec<String> = Vec::new();
    for option in options {
        left_out.push(option);
        if space.without(&left_out).is_err() {
            left_out.pop();
        }
    }
    left_out
}

fn is_word(value: &Value) -> bool {
    matches!(value, Value::Word(_) | Value::Bool(_))
}

/// Networks that differ in the gene at a place only, around the default network if it has that gene; none where an option has no network.
fn networks(space: &Space, place: usize, options: usize) -> Vec<Option<VerifiedGraph>> {
    let default = space.default_genotype();
    let base = match space.by_place(&default)[place] {
        Some(_) => default,
        None => crate::one_shot::with_gene(space, place, &mut Rng::seed_from_u64(place as u64)),
    };
    let genes = space.by_place(&base);
    let network = |option: usize| {
        let gene = |at: usize| {
            if at == place { Gene::Index(option as u32) } else { genes[at].unwrap_or(Gene::Index(0)) }
        };
        space.lower(&space.compose(gene)).ok()?.verify().ok()
    };
    (0..options).map(network).collect()
}

/// What was measured of a part, now or where the same operators stood behind the same shape; nothing when enough has been measured.
fn measure(
    lab: &mut Lab<'_>,
    known: &mut BTreeMap<String, Measured>,
    graph: &VerifiedGraph,
    part: &Part,
    train: bool,
) -> Result<Option<Measured>, OneShotError> {
    if let Some(measured) = known.get(&part.signature) {
        return Ok(Some(*measured));
    }
    if known.len() >= MOST_MEASURED {
        return Ok(Some(Measured::SOUND));
    }
    let measured = lab.measure(graph, part, train)?;
    known.insert(part.signature.clone(), measured);
    Ok(Some(measured))
}
