//! Synthetic spaces whose best network is known because it was put there.

use crate::Benchmark;
use crate::statistics::{mixed, normal};
use nasmyth_graph::Graph;
use nasmyth_graph::ops::Linear;
use nasmyth_space::{Gene, Genotype, Space, SpaceError, Tree};

/// Categories with an optimum: a gene at its planted option earns its weight, neighbouring genes that both are at theirs earn as
/// much again, and every signal has noise.
pub struct Planted {
    space: Space,
    options: u32,
    target: Vec<u32>,
    weights: Vec<f64>,
    noise: f64,
}

impl Planted {
    /// `genes` genes of `options` options; the optimum and the weights come from `seed`, signals have this standard deviation.
    ///
    /// # Errors
    /// No genes or no options.
    pub fn new(genes: usize, options: u32, noise: f64, seed: u64) -> Result<Self, SpaceError> {
        let names: Vec<String> = (1..=genes).map(|i| format!("gene{i}")).collect();
        let choice = |name: &String| Tree::choice(name, (0..options).map(i64::from));
        let tree = Tree::group(names.iter().map(choice));
        let space = Space::new("planted", "Categories with a planted optimum.", tree, move |genes| {
            let mut graph = Graph::new("planted");
            let mut at = graph.input(&[1])?;
            for name in &names {
                at = graph.push(Linear::new(genes.size(name)? + 1), &[at])?;
            }
            graph.output(at);
            Ok(graph)
        })?;
        let draw = |i: usize| mixed(seed, i as u64);
        Ok(Self {
            space,
            options,
            target: (0..genes).map(|i| (draw(i) % u64::from(options.max(1))) as u32).collect(),
            weights: (0..genes).map(|i| 0.5 + (draw(genes + i) % 1000) as f64 / 1000.0).collect(),
            noise,
        })
    }

    /// The best genotype.
    pub fn optimum(&self) -> Genotype {
        Genotype::new(self.target.iter().map(|&t| Gene::Index(t)))
    }

    fn value(&self, genotype: &Genotype) -> f64 {
        let hits: Vec<bool> =
            genotype.genes().iter().zip(&self.target).map(|(g, t)| *g == Gene::Index(*t)).collect();
        let alone = hits.iter().zip(&self.weights).filter(|(hit, _)| **hit).map(|(_, w)| w).sum::<f64>();
        let pairs =
            hits.windows(2).zip(&self.weights).filter(|(h, _)| h[0] && h[1]).map(|(_, w)| w).sum::<f64>();
        alone + pairs
    }

    fn number(&self, genotype: &Genotype) -> u64 {
        let digit = |g: &Gene| if let Gene::Index(i) = g { u64::from(*i) } else { 0 };
        genotype.genes().iter().fold(0, |n, g| n * u64::from(self.options) + digit(g))
    }
}

impl Benchmark for Planted {
    fn name(&self) -> String {
        format!("planted {}x{}", self.target.len(), self.options)
    }
    fn space(&self) -> &Space {
        &self.space
    }
    fn signal(&self, genotype: &Genotype, _: usize, seed: u64) -> Option<f64> {
        Some(self.value(genotype) + self.noise * normal(seed, self.number(genotype)))
    }
    fn score(&self, genotype: &Genotype) -> Option<f64> {
        Some(self.value(genotype))
    }
    fn class(&self, genotype: &Genotype) -> Option<u64> {
        Some(self.number(genotype))
    }
    fn best(&self) -> f64 {
        self.value(&self.optimum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_better_than_what_was_planted() {
        let planted = Planted::new(4, 3, 0.0, 7).unwrap();
        let values = planted.space.enumerate().map(|g| planted.value(&g));
        assert_eq!(values.fold(f64::NEG_INFINITY, f64::max), planted.best());
        assert_eq!(planted.score(&planted.optimum()), Some(planted.best()));
    }
}
