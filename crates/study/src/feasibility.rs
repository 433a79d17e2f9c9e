//! Whether a space holds any network that keeps the limits: decided before a search begins.

use crate::assessor::Assessor;
use nasmyth_device::{Limit, Limits, Meter, format_quantity};
use nasmyth_space::{Genotype, Rng, Space};
use nasmyth_strategy::{Problem, feasible_walk, no_costs, smallest};
use rand::SeedableRng;
use thiserror::Error;

/// Why no network of a space can be used.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Infeasible {
    /// A limit that no network found keeps.
    #[error("{}", explain(limit, *value, genotype, *alone))]
    Limit {
        /// The limit that binds.
        limit: Limit,
        /// The smallest value of its cost: of all networks found if it binds `alone`, else of the network found that is
        /// nearest to keeping all limits.
        value: u64,
        /// The network with that value.
        genotype: Genotype,
        /// Whether the limit cannot be kept even without the others.
        alone: bool,
    },
    /// The model of a device knows too little of this space.
    #[error(
        "what networks of this space cost cannot be told, so nothing keeps {limit}: {reason}. Calibrate the device with networks of this space \
         (`nasmyth device calibrate --space`)"
    )]
    Unpredictable {
        /// The limit.
        limit: Limit,
        /// What the model says of one of the networks.
        reason: String,
    },
    /// No genotype tried gives a network.
    #[error("space `{space}` gave no network at all; the last error was: {reason}")]
    NoNetwork {
        /// Name of the space.
        space: String,
        /// What lowering said.
        reason: String,
    },
}

fn explain(limit: &Limit, value: u64, genotype: &Genotype, alone: bool) -> String {
    let (name, value) = (&limit.cost, format_quantity(value, limit.cost.unit()));
    if alone {
        return format!(
            "no network of this space keeps {limit}: the smallest that was found has {name} {value} (genotype {genotype}). \
             Raise the limit to at least {value}, or take a space with smaller networks"
        );
    }
    format!(
        "no network of this space keeps all limits at once; {limit} binds: the network nearest to keeping them all has \
         {name} {value} (genotype {genotype}). Raise this limit, or loosen the others"
    )
}

/// Random genotypes tried first: most limits are not hard.
const TRIES: usize = 64;

/// Finds one network that keeps the limits, in a bounded effort of a few thousand evaluations.
///
/// # Errors
/// The limit that binds, and the smallest network that was found. "None" is certain for spaces that are small enough to
/// look at every network; for others it is what descent from several starts says.
pub fn feasibility(space: &Space, limits: &Limits, meter: &Meter) -> Result<Genotype, Infeasible> {
    let assessor = Assessor::new(space.clone(), limits.clone(), meter.clone());
    let violation = |genotype: &Genotype| assessor.violation(genotype);
    let problem = Problem { space, violation: &violation, known: &|_| false, costs: &no_costs };
    let mut rng = Rng::seed_from_u64(0);
    let drawn = (0..TRIES).map(|_| space.sample(&mut rng)).find(|genotype| problem.feasible(genotype));
    if let Some(found) = drawn {
        return Ok(found);
    }
    if let Some(infeasible) = binding_alone(&assessor, limits, &mut rng) {
        return Err(infeasible);
    }
    match feasible_walk(&problem, &mut rng) {
        Some(found) => Ok(found),
        None => nearest(&assessor, limits, &mut rng),
    }
}

/// The limit that the smallest network for it exceeds most.
fn binding_alone(assessor: &Assessor, limits: &Limits, rng: &mut Rng) -> Option<Infeasible> {
    let smallest_for = |limit: &Limit| {
        let cost = |genotype: &Genotype| match assessor.graph(genotype) {
            Ok(graph) => assessor.broken(limit, &graph).unwrap_or(0) as f64,
            Err(_) => f64::INFINITY,
        };
        let (genotype, _) = smallest(assessor.space(), &cost, 0.0, rng)?;
        let value = assessor.broken(limit, &assessor.graph(&genotype).ok()?)?;
        Some((limit.clone(), value, genotype))
    };
    let broken: Vec<(Limit, u64, Genotype)> = limits.0.iter().filter_map(smallest_for).collect();
    if let Some((limit, _, genotype)) = broken.iter().find(|(_, value, _)| *value == u64::MAX) {
        let reason =
            assessor.graph(genotype).map_or_else(|reason| reason, |graph| assessor.untold(limit, &graph));
        return Some(Infeasible::Unpredictable { limit: limit.clone(), reason });
    }
    let worst = broken.into_iter().max_by(|a, b| a.0.excess(a.1).total_cmp(&b.0.excess(b.1)));
    worst.map(|(limit, value, genotype)| Infeasible::Limit { limit, value, genotype, alone: true })
}

/// The network nearest to keeping all limits; if it keeps them, the answer after all.
fn nearest(assessor: &Assessor, limits: &Limits, rng: &mut Rng) -> Result<Genotype, Infeasible> {
    let cost = |genotype: &Genotype| assessor.violation(genotype);
    let no_network =
        |reason: String| Infeasible::NoNetwork { space: assessor.space().name().to_owned(), reason };
    let default = assessor.space().default_genotype();
    let Some((genotype, _)) = smallest(assessor.space(), &cost, 0.0, rng) else {
        return Err(no_network(assessor.graph(&default).err().unwrap_or_default()));
    };
    let graph = assessor.graph(&genotype).map_err(no_network)?;
    let broken = limits.0.iter().filter_map(|limit| Some((limit, assessor.broken(limit, &graph)?)));
    match broken.max_by(|a, b| a.0.excess(a.1).total_cmp(&b.0.excess(b.1))) {
        Some((limit, value)) => {
            Err(Infeasible::Limit { limit: limit.clone(), value, genotype, alone: false })
        }
        None => Ok(genotype),
    }
}
