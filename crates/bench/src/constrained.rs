//! Synthetic spaces in which cost buys quality, and whose best network within any limit is known exactly.

use crate::BenchError;
use crate::network::chain;
use crate::statistics::mixed;
use nasmyth_space::{Gene, Genotype, Space, SpaceError, Tree};
use std::str::FromStr;

/// Largest cost of an option; costs are whole numbers from 0, so that dynamic programming over them is exact.
const DEAREST: u32 = 100;
/// How much of an option's worth has nothing to do with its cost.
const CHANCE: f64 = 0.5;

/// What is asked for: the size of the space, and how much neighbouring choices depend on each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConstrainedSize {
    /// Choices.
    pub genes: usize,
    /// Options of each.
    pub options: u32,
    /// Spread of what a pair of options of neighbouring choices is worth beside the two; that of a single option is 1.5.
    pub pairs: f64,
}

impl FromStr for ConstrainedSize {
    type Err = BenchError;

    /// `GENESxOPTIONS`, whose qualities add up, or `GENESxOPTIONS:PAIRS`.
    fn from_str(text: &str) -> Result<Self, BenchError> {
        let (size, pairs) = text.split_once(':').unwrap_or((text, "0"));
        let size = size.split_once('x').and_then(|(g, o)| Some((g.parse().ok()?, o.parse().ok()?)));
        match (size, pairs.parse::<f64>()) {
            (Some((genes @ 1..=100, options @ 2..=64)), Ok(pairs)) if (0.0..=100.0).contains(&pairs) => {
                Ok(Self { genes, options, pairs })
            }
            _ => Err(BenchError::Contest {
                what: "planted space",
                expected: "GENESxOPTIONS or GENESxOPTIONS:PAIRS, such as 8x5:0.5, with 1 to 100 genes and 2 to 64 options".to_owned(),
                got: format!("`{text}`"),
            }),
        }
    }
}

/// Choices whose costs add up, and so do their qualities but for what neighbouring choices have in common.
pub struct Constrained {
    space: Space,
    costs: Vec<Vec<u32>>,
    values: Vec<Vec<f64>>,
    /// For each choice but the last: by its option and that of the next.
    pairs: Vec<Vec<Vec<f64>>>,
    /// Qualities of the worst and the best network.
    ends: [f64; 2],
}

impl Constrained {
    /// A space of this size; costs and qualities come from `seed`.
    ///
    /// # Errors
    /// No genes or no options.
    pub fn new(size: ConstrainedSize, seed: u64) -> Result<Self, SpaceError> {
        let ConstrainedSize { genes, options, pairs } = size;
        let names: Vec<String> = (1..=genes).map(|i| format!("gene{i}")).collect();
        let choice = |name: &String| Tree::choice(name, (0..options).map(i64::from));
        let tree = Tree::group(names.iter().map(choice));
        let space = Space::new("constrained", "Choices with costs.", tree, move |reader| {
            let options = names.iter().map(|name| reader.size(name)).collect::<Result<Vec<_>, _>>()?;
            Ok(chain(options)?)
        })?;
        let mut drawn = 0;
        let mut draw = || {
            drawn += 1;
            mixed(seed, drawn)
        };
        let each = |from: &mut dyn FnMut() -> u64| (0..options).map(|_| from()).collect::<Vec<u64>>();
        let costs: Vec<Vec<u32>> = (0..genes)
            .map(|_| each(&mut draw).into_iter().map(|bits| (bits % u64::from(DEAREST + 1)) as u32).collect())
            .collect();
        let worth = |cost: &u32, bits: u64| f64::from(*cost) / f64::from(DEAREST) + CHANCE * unit(bits);
        let values =
            costs.iter().map(|costs| costs.iter().map(|cost| worth(cost, draw())).collect()).collect();
        let pairs = (1..genes)
            .map(|_| {
                (0..options)
                    .map(|_| each(&mut draw).into_iter().map(|bits| pairs * (unit(bits) - 0.5)).collect())
                    .collect()
            })
            .collect();
        let mut planted = Self { space, costs, values, pairs, ends: [0.0, 1.0] };
        let all = planted.bound(1.0);
        let end = |sign: f64| planted.extreme(all, sign).map_or(0.0, |options| planted.raw(&options));
        planted.ends = [end(-1.0), end(1.0)];
        Ok(planted)
    }

    /// The genotypes.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The cost of each option of each choice.
    pub fn costs(&self) -> &[Vec<u32>] {
        &self.costs
    }

    /// The option of each choice.
    pub fn options(genotype: &Genotype) -> Vec<usize> {
        let option = |gene: &Gene| if let Gene::Index(i) = gene { *i as usize } else { 0 };
        genotype.genes().iter().map(option).collect()
    }

    /// What a network costs.
    pub fn cost(&self, options: &[usize]) -> u32 {
        options.iter().zip(&self.costs).map(|(&option, costs)| costs[option]).sum()
    }

    /// Its quality: 0 that of the worst network, 1 that of the best one, whatever they cost.
    pub fn quality(&self, options: &[usize]) -> f64 {
        let [worst, best] = self.ends;
        (self.raw(options) - worst) / (best - worst).max(f64::MIN_POSITIVE)
    }

    /// The limit that lies this share of the way from the lowest to the highest cost.
    pub fn bound(&self, share: f64) -> u32 {
        let sum = |end: fn(&[u32]) -> u32| self.costs.iter().map(|costs| f64::from(end(costs))).sum::<f64>();
        let lowest = sum(|costs| costs.iter().copied().min().unwrap_or(0));
        let highest = sum(|costs| costs.iter().copied().max().unwrap_or(0));
        (lowest + share * (highest - lowest)).floor() as u32
    }

    /// The best network that costs at most `bound`; `None` if there is none.
    pub fn optimum(&self, bound: u32) -> Option<Vec<usize>> {
        self.extreme(bound, 1.0)
    }

    /// The mean quality of networks whose choices are drawn from these distributions, by each probability: the gradient of the
    /// multilinear extension.
    pub fn gradient(&self, p: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let scale = (self.ends[1] - self.ends[0]).max(f64::MIN_POSITIVE);
        let mut gradient = self.values.clone();
        for (i, pairs) in self.pairs.iter().enumerate() {
            for (j, row) in pairs.iter().enumerate() {
                for (k, worth) in row.iter().enumerate() {
                    gradient[i][j] += p[i + 1][k] * worth;
                    gradient[i + 1][k] += p[i][j] * worth;
                }
            }
        }
        gradient.iter_mut().flatten().for_each(|slope| *slope /= scale);
        gradient
    }

    fn raw(&self, options: &[usize]) -> f64 {
        let alone = options.iter().zip(&self.values).map(|(&option, values)| values[option]).sum::<f64>();
        let pair = |(pair, table): (&[usize], &Vec<Vec<f64>>)| table[pair[0]][pair[1]];
        alone + options.windows(2).zip(&self.pairs).map(pair).sum::<f64>()
    }

    /// The network within the bound whose quality times `sign` is largest: dynamic programming from the last choice to the first over
    /// what is left of the bound and the option before.
    fn extreme(&self, bound: u32, sign: f64) -> Option<Vec<usize>> {
        let (genes, left) = (self.costs.len(), bound as usize + 1);
        // For each choice, option of the one before, and rest of the bound: the best of what follows, and the option for it.
        let mut tables: Vec<Vec<Vec<(f64, usize)>>> = Vec::with_capacity(genes);
        for gene in (0..genes).rev() {
            let before = if gene == 0 { 1 } else { self.costs[gene - 1].len() };
            let mut table = vec![vec![(f64::NEG_INFINITY, 0); left]; before];
            for (previous, row) in table.iter_mut().enumerate() {
                for (rest, best) in row.iter_mut().enumerate() {
                    for (option, &cost) in self.costs[gene].iter().enumerate() {
                        let Some(rest) = rest.checked_sub(cost as usize) else { continue };
                        let follows = tables.last().map_or(0.0, |next| next[option][rest].0);
                        let pair = if gene == 0 { 0.0 } else { self.pairs[gene - 1][previous][option] };
                        let value = sign * (self.values[gene][option] + pair) + follows;
                        if value > best.0 {
                            *best = (value, option);
                        }
                    }
                }
            }
            tables.push(table);
        }
        let (mut rest, mut previous) = (bound as usize, 0);
        let mut options = Vec::with_capacity(genes);
        for (gene, table) in tables.iter().rev().enumerate() {
            let (value, option) = table[previous][rest];
            if value == f64::NEG_INFINITY {
                return None;
            }
            rest -= self.costs[gene][option] as usize;
            previous = option;
            options.push(option);
        }
        Some(options)
    }
}

/// A number from 0 to 1.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planted(text: &str, seed: u64) -> Constrained {
        Constrained::new(text.parse().unwrap(), seed).unwrap()
    }

    #[test]
    fn the_optimum_is_that_of_enumeration() {
        for (text, seed) in [("4x3", 1), ("4x3:1", 2), ("5x3:3", 3)] {
            let planted = planted(text, seed);
            let all: Vec<Vec<usize>> = planted.space.enumerate().map(|g| Constrained::options(&g)).collect();
            for share in [0.0, 0.2, 0.5, 1.0] {
                let bound = planted.bound(share);
                let within = all.iter().filter(|options| planted.cost(options) <= bound);
                let best = within.map(|options| planted.quality(options)).fold(f64::NEG_INFINITY, f64::max);
                let optimum = planted.optimum(bound).unwrap();
                assert!(planted.cost(&optimum) <= bound, "{text} {share}");
                assert!((planted.quality(&optimum) - best).abs() < 1e-12, "{text} {share}");
            }
            let qualities = || all.iter().map(|options| planted.quality(options));
            assert!(qualities().fold(f64::INFINITY, f64::min).abs() < 1e-12);
            assert!((qualities().fold(0.0, f64::max) - 1.0).abs() < 1e-12);
            let lowest = all.iter().map(|options| planted.cost(options)).min().unwrap();
            assert_eq!(lowest.checked_sub(1).and_then(|bound| planted.optimum(bound)), None);
        }
    }

    #[test]
    fn the_gradient_is_that_of_the_mean_over_all_networks() {
        let planted = planted("3x3:2", 5);
        let p = vec![vec![0.2, 0.5, 0.3], vec![0.6, 0.1, 0.3], vec![0.25, 0.25, 0.5]];
        let all: Vec<Vec<usize>> = planted.space.enumerate().map(|g| Constrained::options(&g)).collect();
        // Of the raw quality: that of the worst network is no constant where probabilities do not sum to 1.
        let mean = |p: &[Vec<f64>]| {
            let chance = |o: &[usize]| o.iter().zip(p).map(|(&o, p)| p[o]).product::<f64>();
            let scale = planted.ends[1] - planted.ends[0];
            all.iter().map(|options| chance(options) * planted.raw(options) / scale).sum::<f64>()
        };
        let gradient = planted.gradient(&p);
        for (gene, slopes) in gradient.iter().enumerate() {
            let along = |option: usize, by: f64| {
                // From one option to another, so that the sum stays 1.
                let mut p = p.clone();
                p[gene][option] += by;
                p[gene][0] -= by;
                mean(&p)
            };
            for option in 1..slopes.len() {
                let exact = (along(option, 1e-4) - along(option, -1e-4)) / 2e-4;
                assert!((slopes[option] - slopes[0] - exact).abs() < 1e-9, "{gene} {option}");
            }
        }
    }

    #[test]
    fn other_sizes_are_refused() {
        for text in ["8", "0x4", "8x1", "8x5:-1", "8x5:x", "200x4"] {
            assert!(text.parse::<ConstrainedSize>().is_err(), "{text}");
        }
    }
}
