//! One step of evolution as a small network: crossover, mutation and the residual connection of section III, over a population that
//! is sorted, the best first.
//!
//! Two things differ from the paper. Its layers over coordinates are of one width; here all coordinates share their weights, so a
//! block that was trained in some dimension serves in any other. And the weights of the crossover by rank may be negative, so that a child may lie
//! beyond its parents; the residual connection is among them.

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

/// The parameters, in order: for each child the weights of the crossover by rank, then that of the one by fitness; two weights of
/// the latter; for each hidden unit the weights of the crossover and of the parent, its bias and its output weight, then the output's bias; for
/// each child how much of the mutation it has.
const BY_RANK: usize = 0;
const SHARES: usize = BY_RANK + POPULATION * POPULATION;
const BY_FITNESS: usize = SHARES + POPULATION;
const MUTATION: usize = BY_FITNESS + 2;
const STRENGTHS: usize = MUTATION + 4 * HIDDEN + 1;
const PARAMS: usize = STRENGTHS + POPULATION;

/// The weights of a block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block {
    pub params: Vec<f64>,
}

impl Block {
    /// Before it has learned anything: a child is mostly the mean of its parent and of an individual that is as good as likely, and the mutation
    /// is small.
    pub fn new(rng: &mut Rng) -> Self {
        let mut params = vec![0.0; PARAMS];
        for (at, weight) in params[BY_RANK..SHARES].iter_mut().enumerate() {
            let own = if at % POPULATION == at / POPULATION { 0.5 } else { 0.0 };
            *weight = own + 0.5 / POPULATION as f64 + rng.random_range(-0.1..0.1);
        }
        params[SHARES..BY_FITNESS].fill(0.3);
        params[BY_FITNESS + 1] = 1.0;
        params[MUTATION..STRENGTHS - 1].iter_mut().for_each(|weight| *weight = rng.random_range(-0.5..0.5));
        params[STRENGTHS..].fill(0.1);
        Self { params }
    }

    /// The children of a population, one for each individual. `fitness` has mean 0 and variance 1, more is better.
    pub fn children(&self, population: &[Vec<f64>], fitness: &[f64]) -> Points {
        let child = |(i, parent): (usize, &Vec<f64>)| {
            let crossed = self.crossed(i, &self.attention(i, fitness), population);
            let strength = self.params[STRENGTHS + i];
            let mix = |(c, x): (&f64, &f64)| c + strength * self.mutation(*c, *x);
            crossed.iter().zip(parent).map(mix).collect()
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
            let crossed = self.crossed(i, &attention, population);
            let strength = self.params[STRENGTHS + i];
            let mut to_crossed = outer.clone();
            for (j, (c, x)) in crossed.iter().zip(parent).enumerate() {
                gradient[STRENGTHS + i] += outer[j] * self.mutation(*c, *x);
                let [by_crossed, by_parent] = self.mutation_backward(*c, *x, strength * outer[j], gradient);
                to_crossed[j] += by_crossed;
                inner[i][j] += by_parent;
            }
            for (x, weight) in inner.iter_mut().zip(self.weights(i, &attention)) {
                x.iter_mut().zip(&to_crossed).for_each(|(x, g)| *x += weight * g);
            }
            let pulls: Vec<f64> = population.iter().map(|x| dot(x, &to_crossed)).collect();
            self.attention_backward(i, fitness, (&attention, &pulls), gradient);
        }
        inner
    }

    /// Self-attention by fitness, for one child. A query and a key that are linear in the fitness have a product of the form `a f_i f_j +
    /// b f_j` up to what the softmax takes away.
    fn attention(&self, child: usize, fitness: &[f64]) -> Vec<f64> {
        let slope = self.params[BY_FITNESS] * fitness[child] + self.params[BY_FITNESS + 1];
        softmax(&fitness.iter().map(|f| slope * f).collect::<Vec<_>>())
    }

    /// What a child takes of each individual.
    fn weights(&self, child: usize, attention: &[f64]) -> Vec<f64> {
        let by_rank = &self.params[BY_RANK + child * POPULATION..][..POPULATION];
        let share = self.params[SHARES + child];
        by_rank.iter().zip(attention).map(|(by_rank, by_fitness)| by_rank + share * by_fitness).collect()
    }

    fn crossed(&self, child: usize, attention: &[f64], population: &[Vec<f64>]) -> Vec<f64> {
        let mut sum = vec![0.0; population.first().map_or(0, Vec::len)];
        for (x, weight) in population.iter().zip(self.weights(child, attention)) {
            sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += weight * x);
        }
        sum
    }

    /// `pulls` is the gradient with respect to what the child takes of each individual.
    fn attention_backward(
        &self,
        child: usize,
        fitness: &[f64],
        (attention, pulls): (&[f64], &[f64]),
        gradient: &mut [f64],
    ) {
        let by_rank = &mut gradient[BY_RANK + child * POPULATION..][..POPULATION];
        by_rank.iter_mut().zip(pulls).for_each(|(g, pull)| *g += pull);
        let mean = dot(attention, pulls);
        gradient[SHARES + child] += mean;
        let logits = attention.iter().zip(pulls).zip(fitness);
        let slope: f64 = logits.map(|((weight, pull), f)| weight * (pull - mean) * f).sum();
        let slope = self.params[SHARES + child] * slope;
        gradient[BY_FITNESS] += slope * fitness[child];
        gradient[BY_FITNESS + 1] += slope;
    }

    /// A coordinate's mutation, from the crossover and the parent: a layer of rectified units.
    fn mutation(&self, crossed: f64, parent: f64) -> f64 {
        let units = self.params[MUTATION..STRENGTHS - 1].chunks(4);
        let active = |u: &[f64]| u[3] * (u[0] * crossed + u[1] * parent + u[2]).max(0.0);
        units.map(active).sum::<f64>() + self.params[STRENGTHS - 1]
    }

    fn mutation_backward(&self, crossed: f64, parent: f64, outer: f64, gradient: &mut [f64]) -> [f64; 2] {
        let mut inner = [0.0; 2];
        for at in (MUTATION..STRENGTHS - 1).step_by(4) {
            let [by_crossed, by_parent, bias, output] = std::array::from_fn(|k| self.params[at + k]);
            let active = by_crossed * crossed + by_parent * parent + bias;
            if active > 0.0 {
                let back = outer * output;
                let parts = [back * crossed, back * parent, back, outer * active];
                gradient[at..at + 4].iter_mut().zip(parts).for_each(|(g, part)| *g += part);
                inner = [inner[0] + back * by_crossed, inner[1] + back * by_parent];
            }
        }
        gradient[STRENGTHS - 1] += outer;
        inner
    }
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
        for (at, expected) in gradient.iter().enumerate() {
            let moved = |by: f64| {
                let mut block = block.clone();
                block.params[at] += by;
                value(&block, &population)
            };
            let slope = (moved(step) - moved(-step)) / (2.0 * step);
            assert!((slope - expected).abs() < 1e-6, "parameter {at}: {slope} {expected}");
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
