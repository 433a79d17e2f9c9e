//! Which sub-networks share weights.

use crate::address::Part;
use nasmyth_space::{Gene, Genotype, Space};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// A split of the space by one gene (few-shot search: Zhao et al. 2021, section 3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The gene's number among the places of the space.
    pub place: usize,
    /// The group of each of its options; a genotype without that gene is in a group of its own.
    pub groups: Vec<u32>,
}

impl Split {
    fn group(&self, gene: Option<Gene>) -> u32 {
        let group = match gene {
            Some(Gene::Index(option)) => self.groups.get(option as usize).copied(),
            _ => None,
        };
        group.unwrap_or_else(|| self.groups.iter().max().map_or(0, |most| most + 1))
    }
}

/// A function from genotypes to parts of the space, each with weights of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Groups that genotypes are thrown into at random (group sharing: Zhang et al. 2020, section 5.1); 0 and 1 are one group.
    pub groups: u32,
    /// Scopes whose layers all parts share (prefix sharing, the same section): layers whose names begin with one of these words.
    pub common: Vec<String>,
    /// Splits, in the order in which they were made.
    pub splits: Vec<Split>,
}

impl Partition {
    /// The part that a genotype belongs to.
    pub fn part(&self, space: &Space, genotype: &Genotype) -> Part {
        let mut part = Part::new();
        if self.groups > 1 {
            part.push((xxh3_64(genotype.to_string().as_bytes()) % u64::from(self.groups)) as u32);
        }
        if !self.splits.is_empty() {
            let genes = space.by_place(genotype);
            part.extend(self.splits.iter().map(|s| s.group(genes.get(s.place).copied().flatten())));
        }
        part
    }

    /// Where a layer of a genotype of this part takes its weights from.
    pub fn of_layer(&self, node: &str, part: &Part) -> Part {
        let common = self.common.iter().any(|word| node.starts_with(word.as_str()));
        if common { Part::new() } else { part.clone() }
    }
}
