//! What a block learns from: cheap functions that stand for the costly one (section III E).

use super::block::{Block, POPULATION, Points};
use crate::Rng;
use nasmyth_surrogate::{Optimizer, OptimizerKind, dot};
use rand::{RngExt, SeedableRng};
use std::f64::consts::{PI, TAU};
use std::sync::OnceLock;

/// Steps of gradient descent, functions of a step, their dimension, and the learning rate, which falls to zero along a cosine.
const STEPS: usize = 600;
const BATCH: usize = 8;
const DIMENSION: usize = 10;
const RATE: f64 = 2e-2;
/// A child's value counts up to so many times the first population's.
const WORST: f64 = 2.0;
/// Generations that are optimised through.
const GENERATIONS: usize = 10;
/// The seed of the training: every run of the strategy has the same block.
const SEED: u64 = 0;
/// Half the width of the usual domain of Rastrigin's function, which is mapped to the box from -1 to 1.
const HALF_WIDTH: f64 = 5.12;

/// The trained block; trained once in a process, which takes less than a second.
pub(super) fn trained() -> &'static Block {
    static TRAINED: OnceLock<Block> = OnceLock::new();
    TRAINED.get_or_init(|| train(GENERATIONS))
}

/// A function over the box from -1 to 1 that is to be small.
#[derive(Clone, Debug)]
pub(super) struct Surrogate {
    optimum: Vec<f64>,
    /// Height of Rastrigin's waves; 0 for the sphere.
    waves: f64,
}

impl Surrogate {
    /// A function with its optimum anywhere.
    pub fn draw(waves: f64, dimension: usize, rng: &mut Rng) -> Self {
        Self { optimum: point(dimension, rng), waves }
    }

    pub fn value(&self, x: &[f64]) -> f64 {
        let term = |z: f64| z * z + self.waves * (1.0 - (TAU * z).cos());
        x.iter().zip(&self.optimum).map(|(x, o)| term(HALF_WIDTH * (x - o))).sum()
    }

    fn gradient(&self, x: &[f64]) -> Vec<f64> {
        let slope = |z: f64| HALF_WIDTH * (2.0 * z + self.waves * TAU * (TAU * z).sin());
        x.iter().zip(&self.optimum).map(|(x, o)| slope(HALF_WIDTH * (x - o))).collect()
    }
}

/// A point of the box.
pub(super) fn point(dimension: usize, rng: &mut Rng) -> Vec<f64> {
    (0..dimension).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// One generation, as it has to be known for the way back.
struct Generation {
    /// Which individual of the population before is the best, the second best ...
    order: Vec<usize>,
    /// Sorted, the best first.
    population: Points,
    fitness: Vec<f64>,
    children: Points,
    /// Whether the child took its parent's place.
    replaced: Vec<bool>,
}

/// Mean 0 and variance 1; zeros for equal values.
pub(super) fn standardised(values: &[f64]) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let centred: Vec<f64> = values.iter().map(|v| v - mean).collect();
    let deviation = (dot(&centred, &centred) / values.len() as f64).sqrt();
    centred.into_iter().map(|v| if deviation > 0.0 { v / deviation } else { 0.0 }).collect()
}

/// One generation: children, of which each takes the place of its parent if it is better (section III D).
fn generation(block: &Block, surrogate: &Surrogate, before: &[Vec<f64>]) -> (Generation, Points) {
    let values: Vec<f64> = before.iter().map(|x| surrogate.value(x)).collect();
    let mut order: Vec<usize> = (0..before.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let population: Points = order.iter().map(|&i| before[i].clone()).collect();
    let fitness = standardised(&order.iter().map(|&i| -values[i]).collect::<Vec<_>>());
    let mut next = population.clone();
    let mut replaced = Vec::with_capacity(next.len());
    let children = block.children(&population, &fitness);
    for (rank, child) in children.iter().enumerate() {
        replaced.push(surrogate.value(child) < values[order[rank]]);
        if replaced[rank] {
            next[rank].clone_from(child);
        }
    }
    (Generation { order, population, fitness, children, replaced }, next)
}

/// A population after so many generations.
#[cfg(test)]
pub(super) fn evolve(block: &Block, surrogate: &Surrogate, start: Points, generations: usize) -> Points {
    (0..generations).fold(start, |population, _| generation(block, surrogate, &population).1)
}

/// A block that makes the mean value of a population small within so many generations. It learns from spheres: the slope of Rastrigin's
/// waves says nothing of where their optimum is.
pub(super) fn train(generations: usize) -> Block {
    let mut rng = Rng::seed_from_u64(SEED);
    let mut block = Block::new(&mut rng);
    let mut rule = Optimizer::of(OptimizerKind::adamw(), block.params.len());
    for step in 0..STEPS {
        let mut gradient = vec![0.0; block.params.len()];
        for _ in 0..BATCH {
            let surrogate = Surrogate::draw(0.0, DIMENSION, &mut rng);
            let start = (0..POPULATION).map(|_| point(DIMENSION, &mut rng)).collect();
            add_gradient(&block, &surrogate, start, generations, &mut gradient);
        }
        let falling = 0.5 * (1.0 + (PI * step as f64 / STEPS as f64).cos());
        gradient.iter_mut().for_each(|g| *g /= BATCH as f64);
        rule.step(&mut block.params, &gradient, RATE * falling, 0.0);
    }
    block
}

/// Adds the gradient of the logarithm of the last population's mean value, plus the mean value of all children, up to [`WORST`], relative to
/// the first population's.
fn add_gradient(
    block: &Block,
    surrogate: &Surrogate,
    start: Points,
    generations: usize,
    gradient: &mut [f64],
) {
    let sum = |points: &[Vec<f64>]| points.iter().map(|x| surrogate.value(x)).sum::<f64>();
    let scaled = |points: &[Vec<f64>], scale: f64| -> Points {
        points.iter().map(|x| surrogate.gradient(x).into_iter().map(|g| scale * g).collect()).collect()
    };
    let first = sum(&start);
    let mut history = Vec::with_capacity(generations);
    let mut population = start;
    for _ in 0..generations {
        let (made, next) = generation(block, surrogate, &population);
        history.push(made);
        population = next;
    }
    let mut outer = scaled(&population, 1.0 / sum(&population));
    for Generation { order, population, fitness, children, replaced } in history.iter().rev() {
        let counts = if sum(children) < WORST * first { 1.0 / (first * generations as f64) } else { 0.0 };
        let mut to_children = scaled(children, counts);
        let mut kept = outer.clone();
        for (rank, &replaced) in replaced.iter().enumerate() {
            if replaced {
                to_children[rank].iter_mut().zip(&outer[rank]).for_each(|(g, o)| *g += o);
                kept[rank].fill(0.0);
            }
        }
        let mut inner = block.backward(population, fitness, &to_children, gradient);
        inner.iter_mut().flatten().zip(kept.iter().flatten()).for_each(|(x, g)| *x += g);
        order.iter().zip(inner).for_each(|(&i, g)| outer[i] = g);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_through_generations_agrees_with_differences() {
        let mut rng = Rng::seed_from_u64(3);
        let block = Block::new(&mut rng);
        let surrogate = Surrogate::draw(0.0, 3, &mut rng);
        let start: Points = (0..POPULATION).map(|_| point(3, &mut rng)).collect();
        let sum = |points: &[Vec<f64>]| points.iter().map(|x| surrogate.value(x)).sum::<f64>();
        let loss = |block: &Block| {
            let (mut population, mut loss) = (start.clone(), 0.0);
            for _ in 0..2 {
                let (made, next) = generation(block, &surrogate, &population);
                loss += (sum(&made.children) / sum(&start)).min(WORST) / 2.0;
                population = next;
            }
            loss + sum(&population).ln()
        };
        let mut gradient = vec![0.0; block.params.len()];
        add_gradient(&block, &surrogate, start.clone(), 2, &mut gradient);
        // The second generation's fitness, which counts as given, feels the parameters, too: the two agree but for that.
        let (mut dots, mut squares) = (0.0, [0.0; 2]);
        for (at, expected) in gradient.iter().enumerate() {
            let moved = |by: f64| {
                let mut block = block.clone();
                block.params[at] += by;
                loss(&block)
            };
            let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            dots += slope * expected;
            squares = [squares[0] + slope * slope, squares[1] + expected * expected];
        }
        let cosine = dots / (squares[0] * squares[1]).sqrt();
        assert!(cosine > 0.99, "{cosine}");
    }

    /// Mean over functions of the best value that an optimiser is left with after ten generations.
    fn mean_best(waves: f64, optimise: &mut dyn FnMut(&Surrogate, Points, &mut Rng) -> f64) -> f64 {
        let mut rng = Rng::seed_from_u64(77);
        let functions = 100;
        let best = |_| {
            let surrogate = Surrogate::draw(waves, DIMENSION, &mut rng);
            let start = (0..POPULATION).map(|_| point(DIMENSION, &mut rng)).collect();
            optimise(&surrogate, start, &mut rng)
        };
        (0..functions).map(best).sum::<f64>() / f64::from(functions)
    }

    fn least(surrogate: &Surrogate, points: &[Vec<f64>]) -> f64 {
        points.iter().map(|x| surrogate.value(x)).fold(f64::INFINITY, f64::min)
    }

    /// A genetic algorithm: tournaments of two, uniform crossover, normal mutations, the better half survives.
    fn genetic(surrogate: &Surrogate, mut population: Points, rng: &mut Rng) -> f64 {
        for _ in 0..GENERATIONS {
            population.sort_by(|a, b| surrogate.value(a).total_cmp(&surrogate.value(b)));
            population.truncate(POPULATION);
            let children = (0..POPULATION).map(|_| {
                let mut parent = || rng.random_range(0..POPULATION).min(rng.random_range(0..POPULATION));
                let (one, other) = (parent(), parent());
                let gene = |j: usize| {
                    let from = if rng.random_bool(0.5) { one } else { other };
                    population[from][j] + if rng.random_bool(0.1) { 0.2 * normal(rng) } else { 0.0 }
                };
                (0..DIMENSION).map(gene).collect()
            });
            let children: Points = children.collect();
            population.extend(children);
        }
        least(surrogate, &population)
    }

    /// An evolution strategy with a step size of its own for each coordinate, updated from the better half (separable CMA-ES, without paths).
    fn separable(surrogate: &Surrogate, mut population: Points, rng: &mut Rng) -> f64 {
        let mut best = least(surrogate, &population);
        for _ in 0..GENERATIONS {
            population.sort_by(|a, b| surrogate.value(a).total_cmp(&surrogate.value(b)));
            let elite = &population[..POPULATION / 2];
            let moments = |j: usize| {
                let mean = elite.iter().map(|x| x[j]).sum::<f64>() / elite.len() as f64;
                let spread = elite.iter().map(|x| (x[j] - mean).powi(2)).sum::<f64>() / elite.len() as f64;
                (mean, spread.sqrt())
            };
            let moments: Vec<(f64, f64)> = (0..DIMENSION).map(moments).collect();
            let mut draw = || moments.iter().map(|(mean, spread)| mean + spread * normal(rng)).collect();
            population = (0..POPULATION).map(|_| draw()).collect();
            best = best.min(least(surrogate, &population));
        }
        best
    }

    fn normal(rng: &mut Rng) -> f64 {
        (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
    }

    #[test]
    fn it_leaves_less_than_others_of_functions_that_it_has_not_seen() {
        let shallow = train(3);
        // Spheres with other optima, then Rastrigin's function, which it has not learned from.
        for waves in [0.0, 10.0] {
            let learned = |block: &Block, generations: usize| {
                mean_best(waves, &mut |surrogate, start, _| {
                    least(surrogate, &evolve(block, surrogate, start, generations))
                })
            };
            let random = mean_best(waves, &mut |surrogate, start, rng| {
                let more = (0..GENERATIONS * POPULATION).map(|_| point(DIMENSION, rng));
                least(surrogate, &start.into_iter().chain(more).collect::<Points>())
            });
            let (deep, shallow) = (learned(trained(), GENERATIONS), learned(&shallow, 3));
            let others = [mean_best(waves, &mut genetic), mean_best(waves, &mut separable)];
            println!("waves {waves} b2opt {deep} {shallow} random {random} {others:?}");
            assert!(deep < 0.9 * random && deep <= shallow, "{deep} {random} {shallow}");
            assert!(waves > 0.0 || others.iter().all(|other| deep < *other), "{deep} {others:?}");
        }
    }

    #[test]
    fn the_best_is_never_lost() {
        let mut rng = Rng::seed_from_u64(5);
        let surrogate = Surrogate::draw(10.0, DIMENSION, &mut rng);
        let mut population: Points = (0..POPULATION).map(|_| point(DIMENSION, &mut rng)).collect();
        for _ in 0..20 {
            let before = least(&surrogate, &population);
            population = evolve(trained(), &surrogate, population, 1);
            assert!(least(&surrogate, &population) <= before);
        }
    }
}
