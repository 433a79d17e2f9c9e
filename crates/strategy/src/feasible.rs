//! Feasible genotypes, however rare they are.

use crate::{Problem, Proposal, Rng};
use nasmyth_space::{Genotype, Space};
use rand::seq::SliceRandom;

/// Random genotypes tried before the walk begins.
const TRIES: usize = 128;
/// Least violating of them that a walk starts from.
const STARTS: usize = 3;
/// Rounds of both before giving up.
const ROUNDS: usize = 3;
/// Steps of one walk.
const STEPS: usize = 400;
/// Neighbours looked at in one step.
const LOOKS: usize = 400;
/// Spaces up to this size are searched exhaustively when all else fails.
const ENUMERABLE: u128 = 100_000;
/// Evaluations that [`smallest`] may use.
const EVALUATIONS: usize = 20_000;

/// Up to `n` proposals of `propose`, each of which counts as known for the next.
pub fn distinct(
    problem: &Problem<'_>,
    n: usize,
    mut propose: impl FnMut(&Problem<'_>) -> Option<Proposal>,
) -> Vec<Proposal> {
    let mut proposals: Vec<Proposal> = Vec::new();
    while proposals.len() < n {
        let known = |g: &Genotype| proposals.iter().any(|p| p.genotype == *g) || (problem.known)(g);
        match propose(&Problem { known: &known, ..*problem }) {
            Some(proposal) => proposals.push(proposal),
            None => break,
        }
    }
    proposals
}

/// A feasible genotype that was not proposed before, or nothing if there seems to be none (for small spaces: if there
/// is none).
///
/// Draws at random first. When that fails, walks from the least violating draws towards feasibility, which finds
/// regions that random draws practically never hit.
pub fn feasible_sample(problem: &Problem<'_>, rng: &mut Rng) -> Option<Genotype> {
    let rounds = if enumerable(problem.space) { 1 } else { ROUNDS };
    for _ in 0..rounds {
        let starts = match draw(problem, rng) {
            Ok(found) => return Some(found),
            Err(starts) => starts,
        };
        if let Some(found) = starts.iter().find_map(|start| feasible_near(problem, start, rng)) {
            return Some(found);
        }
    }
    enumerated(problem, rng)
}

/// Rejection sampling: a fresh genotype, or else the draws that violate least.
fn draw(problem: &Problem<'_>, rng: &mut Rng) -> Result<Genotype, Vec<Genotype>> {
    let mut drawn: Vec<(f64, Genotype)> = Vec::with_capacity(TRIES);
    for _ in 0..TRIES {
        let genotype = problem.space.sample(rng);
        let violation = (problem.violation)(&genotype);
        if violation <= 0.0 && !(problem.known)(&genotype) {
            return Ok(genotype);
        }
        drawn.push((violation, genotype));
    }
    drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
    Err(drawn.into_iter().take(STARTS).map(|(_, genotype)| genotype).collect())
}

/// Walks from `start` along neighbours that violate the limits less, and among feasible ones at random, until a fresh
/// one is met.
pub fn feasible_near(problem: &Problem<'_>, start: &Genotype, rng: &mut Rng) -> Option<Genotype> {
    let mut at = start.clone();
    let mut violation = (problem.violation)(&at);
    let mut evaluations = 0;
    while evaluations < STEPS * 8 {
        if violation <= 0.0 && !(problem.known)(&at) {
            return Some(at);
        }
        let mut around: Vec<Genotype> = problem.space.neighbours(&at).into_iter().collect();
        around.shuffle(rng);
        let better = around.into_iter().take(LOOKS).find_map(|genotype| {
            evaluations += 1;
            let its = (problem.violation)(&genotype);
            (its < violation || (its <= 0.0 && !(problem.known)(&genotype))).then_some((genotype, its))
        });
        (at, violation) = better.unwrap_or_else(|| {
            let genotype = problem.space.mutate(&problem.space.mutate(&at, rng), rng);
            let its = (problem.violation)(&genotype);
            (genotype, its)
        });
        evaluations += 1;
    }
    None
}

fn enumerable(space: &Space) -> bool {
    space.count().is_some_and(|count| count <= ENUMERABLE)
}

/// One of all fresh genotypes of a small space, each with the same chance.
fn enumerated(problem: &Problem<'_>, rng: &mut Rng) -> Option<Genotype> {
    if !enumerable(problem.space) {
        return None;
    }
    let mut fresh: Vec<Genotype> =
        problem.space.enumerate().filter(|genotype| problem.fresh(genotype)).collect();
    fresh.shuffle(rng);
    fresh.pop()
}

/// The genotype with the smallest cost that coordinate descent over neighbours finds from several starts, and its
/// cost; exact for spaces small enough to enumerate. Infinite costs (does not lower) are never returned.
pub fn smallest(space: &Space, cost: &dyn Fn(&Genotype) -> f64, rng: &mut Rng) -> Option<(Genotype, f64)> {
    let mut left = EVALUATIONS;
    if space.count().is_some_and(|count| count <= EVALUATIONS as u128) {
        return least(space.enumerate(), cost);
    }
    let mut starts: Vec<(Genotype, f64)> = std::iter::once(space.default_genotype())
        .chain((0..TRIES).map(|_| space.sample(rng)))
        .map(|genotype| {
            let its = cost(&genotype);
            (genotype, its)
        })
        .collect();
    starts.sort_by(|a, b| a.1.total_cmp(&b.1));
    let found = starts.into_iter().take(STARTS * 2).map(|start| descend(space, cost, start, &mut left));
    found.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, its)| its.is_finite())
}

/// Steps to the cheapest neighbour until none is cheaper.
fn descend(
    space: &Space,
    cost: &dyn Fn(&Genotype) -> f64,
    mut at: (Genotype, f64),
    left: &mut usize,
) -> (Genotype, f64) {
    while *left > 0 {
        let around: Vec<Genotype> = space.neighbours(&at.0).into_iter().take(*left).collect();
        *left = left.saturating_sub(around.len().max(1));
        match least(around.into_iter(), cost) {
            Some(next) if next.1 < at.1 => at = next,
            _ => break,
        }
    }
    at
}

fn least(
    genotypes: impl Iterator<Item = Genotype>,
    cost: &dyn Fn(&Genotype) -> f64,
) -> Option<(Genotype, f64)> {
    let priced = genotypes.map(|genotype| {
        let its = cost(&genotype);
        (genotype, its)
    });
    priced.filter(|(_, its)| its.is_finite()).min_by(|a, b| a.1.total_cmp(&b.1))
}
