//! Synthetic spaces whose best network is known because it was put there.

use crate::network::chain;
use crate::statistics::{mixed, normal};
use crate::{BenchError, Benchmark};
use nasmyth_space::{Gene, Genotype, Space, SpaceError, Tree};
use std::str::FromStr;

/// Categories with an optimum: a gene at its planted option earns its weight, neighbouring genes that both are at theirs earn as
/// much again, and every signal has noise.
pub struct Planted {
    space: Space,
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
            let options = names.iter().map(|name| genes.size(name)).collect::<Result<Vec<_>, _>>()?;
            Ok(chain(options)?)
        })?;
        let draw = |i: usize| mixed(seed, i as u64);
        Ok(Self {
            space,
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

    /// Different for different genotypes, but for one chance in 2^64.
    fn number(genotype: &Genotype) -> u64 {
        let digit = |g: &Gene| if let Gene::Index(i) = g { u64::from(*i) } else { 0 };
        genotype.genes().iter().fold(0, |n, g| mixed(n, digit(g)))
    }
}

impl FromStr for Planted {
    type Err = BenchError;

    /// `GENESxOPTIONS`, or `GENESxOPTIONS:NOISE`: the optimum is that of seed 0.
    fn from_str(text: &str) -> Result<Self, BenchError> {
        let (size, noise) = text.split_once(':').unwrap_or((text, "0"));
        let size = size.split_once('x').and_then(|(g, o)| Some((g.parse().ok()?, o.parse().ok()?)));
        match (size, noise.parse::<f64>()) {
            (Some((genes @ 1..=1000, options @ 2..=256)), Ok(noise)) if (0.0..=1e3).contains(&noise) => {
                Ok(Self::new(genes, options, noise, 0)?)
            }
            _ => Err(BenchError::Contest {
                what: "planted space",
                expected: "GENESxOPTIONS or GENESxOPTIONS:NOISE, such as 10x4:0.5, with 1 to 1000 genes and 2 to 256 options".to_owned(),
                got: format!("`{text}`"),
            }),
        }
    }
}

impl Benchmark for Planted {
    fn name(&self) -> String {
        format!("planted space of {} genes", self.target.len())
    }
    fn space(&self) -> &Space {
        &self.space
    }
    fn signal(&self, genotype: &Genotype, _: usize, seed: u64) -> Option<f64> {
        Some(self.value(genotype) + self.noise * normal(seed, Self::number(genotype)))
    }
    fn score(&self, genotype: &Genotype) -> Option<f64> {
        Some(self.value(genotype))
    }
    fn class(&self, genotype: &Genotype) -> Option<u64> {
        Some(Self::number(genotype))
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
