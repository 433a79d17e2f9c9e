//! Splits into training, validation and test part.

use crate::error::DataError;
use crate::features::{Subset, Task};
use crate::random::{derive, shuffle};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How samples were divided. The same data, seed and fractions give the same division.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// Seed of the division.
    pub seed: u64,
    /// Share of the samples cut off for testing; not used when `own_test`.
    pub test_fraction: f64,
    /// Share of what remains cut off for validation.
    pub valid_fraction: f64,
    /// Whether the source has its own test part, kept as it is.
    pub own_test: bool,
    /// Number of training samples.
    pub train: usize,
    /// Number of validation samples.
    pub valid: usize,
    /// Number of test samples.
    pub test: usize,
}

/// A [`Split`] with the sample numbers of training, validation and test, one after the other.
pub(crate) struct Division {
    pub(crate) split: Split,
    order: Vec<u32>,
}

/// What to divide and how.
pub(crate) struct Cut<'a> {
    pub(crate) task: &'a Task,
    pub(crate) labels: &'a [f32],
    pub(crate) test: &'a [bool],
    pub(crate) seed: u64,
    pub(crate) test_fraction: f64,
    pub(crate) valid_fraction: f64,
}

impl Division {
    /// Divides class by class (or as a whole for regression). Of a class with n samples a fraction f > 0 cuts
    /// round(f n) of them, but at least one and never all; a class with one sample stays in training.
    pub(crate) fn new(cut: &Cut<'_>, path: &Path) -> Result<Self, DataError> {
        check("test_fraction", cut.test_fraction)?;
        check("valid_fraction", cut.valid_fraction)?;
        let own_test = cut.test.contains(&true);
        let (own, rest): (Vec<u32>, Vec<u32>) =
            (0..cut.labels.len() as u32).partition(|&i| cut.test[i as usize]);
        let (rest, test) = if own_test { (rest, own) } else { cut.apart(rest, cut.test_fraction, "test") };
        let (train, valid) = cut.apart(rest, cut.valid_fraction, "valid");
        let split = Split {
            seed: cut.seed,
            test_fraction: cut.test_fraction,
            valid_fraction: cut.valid_fraction,
            own_test,
            train: train.len(),
            valid: valid.len(),
            test: test.len(),
        };
        check_parts(&split, path)?;
        Ok(Self { split, order: [train, valid, test].concat() })
    }

    /// Sample numbers of a subset.
    pub(crate) fn indices(&self, subset: Subset) -> &[u32] {
        let (train, fit) = (self.split.train, self.split.train + self.split.valid);
        match subset {
            Subset::Train => &self.order[..train],
            Subset::Valid => &self.order[train..fit],
            Subset::Test => &self.order[fit..],
            Subset::Fit => &self.order[..fit],
        }
    }
}

impl Cut<'_> {
    /// Divides `samples` into what stays and what is cut off, both ascending.
    fn apart(&self, samples: Vec<u32>, fraction: f64, purpose: &str) -> (Vec<u32>, Vec<u32>) {
        let (mut stay, mut off) = (Vec::new(), Vec::new());
        for (class, mut members) in self.groups(samples).into_iter().enumerate() {
            shuffle(&mut members, &mut derive(self.seed, purpose, class as u64));
            let cut = share(members.len(), fraction);
            off.extend(members.drain(..cut));
            stay.extend(members);
        }
        stay.sort_unstable();
        off.sort_unstable();
        (stay, off)
    }

    fn groups(&self, samples: Vec<u32>) -> Vec<Vec<u32>> {
        let Task::Classification { classes } = self.task else { return vec![samples] };
        let mut groups = vec![Vec::new(); classes.len()];
        samples.into_iter().for_each(|i| groups[self.labels[i as usize] as usize].push(i));
        groups
    }
}

fn share(members: usize, fraction: f64) -> usize {
    if members < 2 || fraction == 0.0 {
        return 0;
    }
    ((members as f64 * fraction).round() as usize).clamp(1, members - 1)
}

fn check(name: &'static str, value: f64) -> Result<(), DataError> {
    if (0.0..1.0).contains(&value) { Ok(()) } else { Err(DataError::BadFraction { name, value }) }
}

fn check_parts(split: &Split, path: &Path) -> Result<(), DataError> {
    let empty = [
        ("training", split.train, true),
        ("validation", split.valid, split.valid_fraction > 0.0),
        ("test", split.test, split.test_fraction > 0.0),
    ];
    match empty.iter().find(|(_, samples, needed)| *needed && *samples == 0) {
        None => Ok(()),
        Some((part, ..)) => Err(DataError::TooFewSamples {
            path: path.into(),
            got: split.train + split.valid + split.test,
            reason: format!("the {part} part would be empty"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divide(labels: &[f32], classes: usize, test: &[bool]) -> Division {
        let task = Task::Classification { classes: (0..classes).map(|c| c.to_string()).collect() };
        let cut = Cut { task: &task, labels, test, seed: 3, test_fraction: 0.2, valid_fraction: 0.15 };
        Division::new(&cut, Path::new("f")).unwrap()
    }

    #[test]
    fn parts_are_disjoint_complete_and_stratified() {
        let labels: Vec<f32> = (0..1000).map(|i| f32::from(i % 10 == 0)).collect();
        let division = divide(&labels, 2, &[false; 1000]);
        let mut all = [Subset::Fit, Subset::Test].map(|s| division.indices(s).to_vec()).concat();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
        let rare = |s| division.indices(s).iter().filter(|&&i| labels[i as usize] == 1.0).count();
        assert_eq!([Subset::Train, Subset::Valid, Subset::Test].map(rare), [68, 12, 20]);
    }

    #[test]
    fn every_class_stays_in_training() {
        let labels = [0.0, 1.0, 1.0, 2.0, 2.0, 2.0];
        let division = divide(&labels, 3, &[false; 6]);
        let train: Vec<f32> = division.indices(Subset::Train).iter().map(|&i| labels[i as usize]).collect();
        assert_eq!((0..3).filter(|&c| train.contains(&(c as f32))).count(), 3);
    }

    #[test]
    fn an_own_test_part_is_kept() {
        let labels = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0];
        let division = divide(&labels, 2, &[true, true, false, false, false, false]);
        assert_eq!(division.indices(Subset::Test), [0, 1]);
        assert!(division.split.own_test);
    }
}
