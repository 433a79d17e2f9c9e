//! One step of evolution as a small network: crossover, mutation and the residual connection of section III, over a population that
//! is sorted, the best first.
//!
//! The paper's layers over coordinates are of one width; here all coordinates share their weights, so a block that was trained in some
//! dimension serves in any other.

use crate::Rng;
use crate::policy::softmax;
use nasmyth_surrogate::dot;
use rand::RngExt;

/// Individuals of a population: a block has weights for each rank.
pub(super) const POPULATION: usize = 10;
/// Hidden units of the mutation.
const HIDDEN: usize = 8;

/// A population: a point for each individual.
pub(super) type Points = Vec<Vec<f64>>;

/// The parameters, in order: logits of the crossover by rank, a row for each child; the logit of its share; two weights of the
/// crossover by fitness; weights, biases and output weights of the hidden units, and the output's bias; for each rank how much of the parent,
/// of the crossover and of its mutation a child has.
const BY_RANK: usize = 0;
const SHARE: usize = BY_RANK + POPULATION * POPULATION;
const BY_FITNESS: usize = SHARE + 1;
const MUTATION: usize = BY_FITNESS + 2;
const RESIDUAL: usize = MUTATION + 3 * HIDDEN + 1;
const PARAMS: usize = RESIDUAL + 3 * POPULATION;

/// The weights of a block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block {
    pub params: Vec<f64>,
}

/// What the crossover takes of each individual, for one child.
struct Attention {
    by_rank: Vec<f64>,
    by_fitness: Vec<f64>,
    /// Share of the first.
    share: f64,
}

impl Attention {
    fn weights(&self) -> impl Iterator<Item = f64> + '_ {
        self.by_rank.iter().zip(&self.by_fitness).map(|(r, f)| self.share * r + (1.0 - self.share) * f)
    }
}

impl Block {
    /// Before it has learned anything: a child is the mean of its parent and a crossover in which all have an equal part, and the
    /// mutation is small.
    pub fn new(rng: &mut Rng) -> Self {
        let mut params = vec![0.0; PARAMS];
        params[MUTATION..RESIDUAL].iter_mut().for_each(|weight| *weight = rng.random_range(-0.5..0.5));
        for child in 0..POPULATION {
            params[RESIDUAL + 3 * child..][..2].fill(0.5);
            params[RESIDUAL + 3 * child + 2] = 0.1;
        }
        Self { params }
    }

    /// The children of a population, one for each individual. `fitness` has mean 0 and variance 1, more is better.
    pub fn children(&self, population: &[Vec<f64>], fitness: &[f64]) -> Points {
        let child = |(i, parent): (usize, &Vec<f64>)| {
            let [keep, cross, mutate] = self.residual(i);
            let crossed = crossed(&self.attention(i, fitness), population);
            let mix = |(x, c): (&f64, &f64)| keep * x + cross * c + mutate * self.mutation(*c);
            parent.iter().zip(&crossed).map(mix).collect()
        };
        population.iter().enumerate().map(child).collect()
    }

    /// The gradient with respect to the population of what has the gradient `outer` with respect to the children; that with respect to
    /// the parameters is added to `gradient`. The fitness counts as given.
    pub fn backward(
        &self,
        population: &[Vec<f64>],
        fitness: &[f64],
        outer: &[Vec<f64>],
        gradient: &mut [f64],
    ) -> Points {
        let mut inner: Points = population.iter().map(|x| vec![0.0; x.len()]).collect();
        for (i, (parent, outer)) in population.iter().zip(outer).enumerate() {
            let attention = self.attention(i, fitness);
            let crossed = crossed(&attention, population);
            let [keep, cross, mutate] = self.residual(i);
            let mutated: Vec<f64> = crossed.iter().map(|c| self.mutation(*c)).collect();
            for (k, part) in [parent, &crossed, &mutated].into_iter().enumerate() {
                gradient[RESIDUAL + 3 * i + k] += dot(outer, part);
            }
            let back = |(g, c): (&f64, &f64)| cross * g + self.mutation_backward(*c, mutate * g, gradient);
            let to_crossed: Vec<f64> = outer.iter().zip(&crossed).map(back).collect();
            inner[i].iter_mut().zip(outer).for_each(|(x, g)| *x += keep * g);
            for (x, weight) in inner.iter_mut().zip(attention.weights()) {
                x.iter_mut().zip(&to_crossed).for_each(|(x, g)| *x += weight * g);
            }
            let pulls: Vec<f64> = population.iter().map(|x| dot(x, &to_crossed)).collect();
            self.attention_backward(i, fitness, &attention, &pulls, gradient);
        }
        inner
    }

    fn residual(&self, rank: usize) -> [f64; 3] {
        std::array::from_fn(|k| self.params[RESIDUAL + 3 * rank + k])
    }

    /// Self-attention by rank and by fitness. A query and a key that are linear in the fitness have a product of the form `a f_i f_j + b f_j`
    /// up to what the softmax takes away.
    fn attention(&self, child: usize, fitness: &[f64]) -> Attention {
        let slope = self.params[BY_FITNESS] * fitness[child] + self.params[BY_FITNESS + 1];
        Attention {
            by_rank: softmax(&self.params[BY_RANK + child * POPULATION..][..POPULATION]),
            by_fitness: softmax(&fitness.iter().map(|f| slope * f).collect::<Vec<_>>()),
            share: 1.0 / (1.0 + (-self.params[SHARE]).exp()),
        }
    }

    /// `pulls` is the gradient with respect to the weights.
    fn attention_backward(
        &self,
        child: usize,
        fitness: &[f64],
        attention: &Attention,
        pulls: &[f64],
        gradient: &mut [f64],
    ) {
        let Attention { by_rank, by_fitness, share } = attention;
        let (ranked, fit) = (dot(by_rank, pulls), dot(by_fitness, pulls));
        for (j, (weight, pull)) in by_rank.iter().zip(pulls).enumerate() {
            gradient[BY_RANK + child * POPULATION + j] += share * weight * (pull - ranked);
        }
        gradient[SHARE] += share * (1.0 - share) * (ranked - fit);
        let logits = by_fitness.iter().zip(pulls).zip(fitness);
        let slope: f64 = logits.map(|((w, pull), f)| (1.0 - share) * w * (pull - fit) * f).sum();
        gradient[BY_FITNESS] += slope * fitness[child];
        gradient[BY_FITNESS + 1] += slope;
    }

    /// A coordinate's mutation: a layer of rectified units.
    fn mutation(&self, x: f64) -> f64 {
        let (weights, bias) = self.params[MUTATION..RESIDUAL].split_at(3 * HIDDEN);
        weights.chunks(3).map(|unit| unit[2] * (unit[0] * x + unit[1]).max(0.0)).sum::<f64>() + bias[0]
    }

    fn mutation_backward(&self, x: f64, outer: f64, gradient: &mut [f64]) -> f64 {
        let mut inner = 0.0;
        for unit in 0..HIDDEN {
            let at = MUTATION + 3 * unit;
            let [weight, bias, output] = std::array::from_fn(|k| self.params[at + k]);
            let active = weight * x + bias;
            if active > 0.0 {
                let back = outer * output;
                gradient[at] += back * x;
                gradient[at + 1] += back;
                gradient[at + 2] += outer * active;
                inner += back * weight;
            }
        }
        gradient[RESIDUAL - 1] += outer;
        inner
    }
}

fn crossed(attention: &Attention, population: &[Vec<f64>]) -> Vec<f64> {
    let mut sum = vec![0.0; population.first().map_or(0, Vec::len)];
    for (x, weight) in population.iter().zip(attention.weights()) {
        sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += weight * x);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn gradients_agree_with_differences() {
        let mut rng = Rng::seed_from_u64(1);
        let mut block = Block::new(&mut rng);
        block.params.iter_mut().for_each(|p| *p += rng.random_range(-0.5..0.5));
        let mut points = |n: usize| -> Points {
            (0..POPULATION).map(|_| (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()).collect()
        };
        let (population, outer) = (points(3), points(3));
        let fitness: Vec<f64> = points(1).into_iter().map(|x| x[0]).collect();
        let value = |block: &Block, population: &[Vec<f64>]| -> f64 {
            block.children(population, &fitness).iter().zip(&outer).map(|(x, g)| dot(x, g)).sum()
        };
        let mut gradient = vec![0.0; PARAMS];
        let inner = block.backward(&population, &fitness, &outer, &mut gradient);
        let step = 1e-6;
        for at in 0..PARAMS {
            let moved = |by: f64| {
                let mut block = block.clone();
                block.params[at] += by;
                value(&block, &population)
            };
            let slope = (moved(step) - moved(-step)) / (2.0 * step);
            assert!((slope - gradient[at]).abs() < 1e-6, "parameter {at}: {slope} {}", gradient[at]);
        }
        for (i, j) in [(0, 0), (4, 2), (POPULATION - 1, 1)] {
            let moved = |by: f64| {
                let mut population = population.clone();
                population[i][j] += by;
                value(&block, &population)
            };
            let slope = (moved(step) - moved(-step)) / (2.0 * step);
            assert!((slope - inner[i][j]).abs() < 1e-6, "{slope} {}", inner[i][j]);
        }
    }
}
