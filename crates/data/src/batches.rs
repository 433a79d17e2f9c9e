//! An endless, seeded stream of batches.

use crate::augment::Augment;
use crate::dataset::Dataset;
use crate::features::{Features, Subset, Task};
use crate::random::{beta, derive, shuffle};

/// Draws shuffled batches from a subset without end.
///
/// Each epoch is a new permutation of the subset; a batch that reaches its end goes on in the next. What is drawn is
/// a function of seed and position alone. After the first batch nothing is allocated.
pub struct Batches<'a> {
    data: &'a Dataset,
    subset: Subset,
    batch: usize,
    augment: Augment,
    seed: u64,
    position: u64,
    /// The epoch that `order` is for.
    epoch: Option<u64>,
    order: Vec<u32>,
    sample: Vec<f32>,
    target: Vec<f32>,
}

impl<'a> Batches<'a> {
    /// Batches of `batch` samples from `subset`. Panics if the subset is empty or `batch` is 0.
    pub fn new(data: &'a Dataset, subset: Subset, batch: usize, augment: &Augment, seed: u64) -> Self {
        assert!(batch > 0 && !data.is_empty(subset), "batches need a batch size and samples");
        Self {
            data,
            subset,
            batch,
            augment: augment.clone(),
            seed,
            position: 0,
            epoch: None,
            order: (0..data.len(subset) as u32).collect(),
            sample: vec![0.0; data.features().len()],
            target: vec![0.0; data.task().outputs()],
        }
    }

    /// Samples drawn so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Goes to where `position` samples have been drawn.
    pub fn seek(&mut self, position: u64) {
        self.position = position;
    }

    /// Writes the next batch: `x` as `[batch, features.len()]`, raw and augmented; `y` as `[batch, outputs]`, for
    /// classification the probability of each class, for regression the target in the units of the source.
    /// Panics if the length of `x` or `y` is wrong.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self, x: &mut [f32], y: &mut [f32]) {
        assert_eq!(x.len(), self.batch * self.sample.len(), "length of x in Batches::next");
        assert_eq!(y.len(), self.batch * self.target.len(), "length of y in Batches::next");
        let start = self.position;
        for (x, y) in x.chunks_exact_mut(self.sample.len()).zip(y.chunks_exact_mut(self.target.len())) {
            self.draw(x, y);
        }
        if let Some(alpha) = self.augment.mixup.filter(|&alpha| alpha > 0.0) {
            let share = beta(&mut derive(self.seed, "mixup", start), f64::from(alpha)) as f32;
            self.mix(share, x, y);
        }
    }

    fn draw(&mut self, x: &mut [f32], y: &mut [f32]) {
        let index = self.index();
        if self.augment.moves(self.data.features()) {
            self.data.read(self.subset, index, &mut self.sample);
            let mut rng = derive(self.seed, "augment", self.position);
            let mean = &self.data.statistics().mean;
            self.augment.apply(self.data.features(), mean, &mut rng, &self.sample, x);
        } else {
            self.data.read(self.subset, index, x);
        }
        self.write_target(self.data.label(self.subset, index), y);
        self.position += 1;
    }

    /// The sample at the current position.
    fn index(&mut self) -> usize {
        let length = self.order.len() as u64;
        let epoch = self.position / length;
        if self.epoch != Some(epoch) {
            self.order.iter_mut().zip(0..).for_each(|(place, i)| *place = i);
            shuffle(&mut self.order, &mut derive(self.seed, "epoch", epoch));
            self.epoch = Some(epoch);
        }
        self.order[(self.position % length) as usize] as usize
    }

    fn write_target(&self, label: f32, y: &mut [f32]) {
        match self.data.task() {
            Task::Regression { .. } => y[0] = label,
            Task::Classification { classes } => {
                let smoothing = self.augment.label_smoothing;
                y.fill(smoothing / classes.len() as f32);
                y[label as usize] += 1.0 - smoothing;
            }
        }
    }

    /// Mixes each sample with the next one, the last with the first.
    fn mix(&mut self, share: f32, x: &mut [f32], y: &mut [f32]) {
        let numbers = match self.data.features() {
            Features::Table { numbers, .. } => *numbers,
            _ => self.sample.len(),
        };
        mix_rows(x, &mut self.sample, share, numbers);
        let outputs = self.target.len();
        mix_rows(y, &mut self.target, share, outputs);
    }
}

/// Each row becomes `share` of itself and the rest of the next; values from `mixed` on come from the larger share.
fn mix_rows(rows: &mut [f32], first: &mut [f32], share: f32, mixed: usize) {
    let width = first.len();
    first.copy_from_slice(&rows[..width]);
    let mut rest = rows;
    while !rest.is_empty() {
        let (row, after) = rest.split_at_mut(width);
        let next: &[f32] = if after.is_empty() { first } else { &after[..width] };
        for (i, (value, &other)) in row.iter_mut().zip(next).enumerate() {
            if i < mixed {
                *value = share * *value + (1.0 - share) * other;
            } else if share < 0.5 {
                *value = other;
            }
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_mix_with_the_next_and_codes_follow_the_larger_share() {
        let mut rows = [0.0, 1.0, 10.0, 2.0, 20.0, 3.0];
        mix_rows(&mut rows, &mut [0.0; 2], 0.25, 1);
        assert_eq!(rows, [7.5, 2.0, 17.5, 3.0, 5.0, 1.0]);
    }
}
