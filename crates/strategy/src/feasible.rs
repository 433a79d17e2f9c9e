//! Feasible genotypes, however rare they are.

use crate::{Problem, Proposal, Rng};
use nasmyth_space::{Genotype, Space};
use rand::seq::SliceRandom;

/// Random genotypes tried before the walk begins.
const TRIES: usize = 128;
/// Least violating of them that a walk starts from.
const STARTS: usize = 3;
/// Rounds of both before giving up.
const ROUNDS: usize = 2;
/// Genotypes that one walk looks at.
const LOOKS: usize = 1_200;
/// Spaces up to this size are searched exhaustively when all else fails.
const ENUMERABLE: u128 = 100_000;
/// Spaces up to this size are searched exhaustively for the smallest network.
const ENUMERABLE_AT_ONCE: u128 = 1_000;

/// Times that [`smallest`] jumps away from the best genotype so far and descends again.
const JUMPS: usize = 30;
/// Mutations of one jump.
const JUMP: usize = 4;

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

/// A feasible genotype that was not proposed before, or nothing if there seems to be none (for spaces of up to 100,000
/// genotypes: if there is none).
///
/// Draws at random first. When that fails, walks from the least violating draws towards feasibility, which finds
/// regions that random draws practically never hit; at last it looks at every genotype of a small space.
pub fn feasible_sample(problem: &Problem<'_>, rng: &mut Rng) -> Option<Genotype> {
    let enumerable = problem.space.count().is_some_and(|count| count <= ENUMERABLE);
    let rounds = if enumerable { 1 } else { ROUNDS };
    let found = (0..rounds).find_map(|_| feasible_walk(problem, rng));
    found.or_else(|| if enumerable { enumerated(problem, rng) } else { None })
}

/// As [`feasible_sample`], without the last resort: at most 3,728 genotypes are looked at.
pub fn feasible_walk(problem: &Problem<'_>, rng: &mut Rng) -> Option<Genotype> {
    match draw(problem, rng) {
        Ok(found) => Some(found),
        Err(starts) => starts.iter().find_map(|start| feasible_near(problem, start, rng)),
    }
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
/// one is met. Where no neighbour is better it takes two random steps.
pub fn feasible_near(problem: &Problem<'_>, start: &Genotype, rng: &mut Rng) -> Option<Genotype> {
    let mut at = start.clone();
    let mut violation = (problem.violation)(&at);
    let mut looks = 1;
    while looks < LOOKS {
        if violation <= 0.0 && !(problem.known)(&at) {
            return Some(at);
        }
        let mut around = problem.space.neighbours(&at);
        around.shuffle(rng);
        let better = around.into_iter().take(LOOKS - looks).find_map(|genotype| {
            looks += 1;
            let its = (problem.violation)(&genotype);
            let fresh = its <= 0.0 && !(problem.known)(&genotype);
            (its < violation || fresh).then_some((genotype, its))
        });
        (at, violation) = better.unwrap_or_else(|| {
            looks += 1;
            let genotype = problem.space.mutate(&problem.space.mutate(&at, rng), rng);
            let its = (problem.violation)(&genotype);
            (genotype, its)
        });
    }
    None
}

/// One of all fresh genotypes of a space, each with the same chance.
fn enumerated(problem: &Problem<'_>, rng: &mut Rng) -> Option<Genotype> {
    let all = problem.space.enumerate();
    let mut fresh: Vec<Genotype> = all.filter(|genotype| problem.fresh(genotype)).collect();
    fresh.shuffle(rng);
    fresh.pop()
}

/// The genotype with the smallest cost that coordinate descent finds, and its cost; exact for spaces of up to 1,000
/// genotypes. Genotypes of infinite cost (that do not lower) are never returned. A cost of `enough` or less ends the
/// search.
///
/// Descends from the default genotype and from the cheapest of random ones, then again and again from a few mutations
/// away from the best (Lourenço, Martin and Stützle 2003: "Iterated Local Search").
pub fn smallest(
    space: &Space,
    cost: &dyn Fn(&Genotype) -> f64,
    enough: f64,
    rng: &mut Rng,
) -> Option<(Genotype, f64)> {
    let priced = |genotype: Genotype| {
        let its = cost(&genotype);
        (genotype, its)
    };
    let cheaper = |a: &(Genotype, f64), b: &(Genotype, f64)| a.1.total_cmp(&b.1);
    if space.count().is_some_and(|count| count <= ENUMERABLE_AT_ONCE) {
        return space.enumerate().map(priced).filter(|(_, its)| its.is_finite()).min_by(cheaper);
    }
    let mut starts: Vec<(Genotype, f64)> = (0..TRIES / 2).map(|_| priced(space.sample(rng))).collect();
    starts.push(priced(space.default_genotype()));
    starts.sort_by(cheaper);
    let mut best = starts.first()?.clone();
    let jumps = (0..JUMPS).map(|_| None);
    for start in starts.into_iter().take(STARTS).map(Some).chain(jumps) {
        if best.1 <= enough {
            break;
        }
        let start = start.unwrap_or_else(|| priced(jump(space, &best.0, rng)));
        let found = descend(space, cost, start);
        if found.1 <= best.1 {
            best = found;
        }
    }
    Some(best).filter(|(_, its)| its.is_finite())
}

fn jump(space: &Space, from: &Genotype, rng: &mut Rng) -> Genotype {
    (0..JUMP).fold(from.clone(), |genotype, _| space.mutate(&genotype, rng))
}

/// Coordinate descent: goes round the neighbours and takes each step that is cheaper, until a whole round has none.
fn descend(space: &Space, cost: &dyn Fn(&Genotype) -> f64, start: (Genotype, f64)) -> (Genotype, f64) {
    let (mut at, mut least) = start;
    let mut around = space.neighbours(&at);
    let (mut position, mut in_vain) = (0, 0);
    while in_vain < around.len() {
        let next = &around[position % around.len()];
        let its = cost(next);
        position += 1;
        in_vain += 1;
        if its < least {
            (at, least, in_vain) = (next.clone(), its, 0);
            around = space.neighbours(&at);
        }
    }
    (at, least)
}
