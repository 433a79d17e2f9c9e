//! Means and standard deviations of the training part.

use crate::dataset::Dataset;
use crate::features::{Features, Subset, Task};
use serde::{Deserialize, Serialize};

/// Mean and standard deviation of features and target over the training part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// One for each entry of the last axis; 0 for categories. The padding of short series counts.
    pub mean: Vec<f32>,
    /// One for each entry of the last axis; 1 for categories and for constants, never 0.
    pub std: Vec<f32>,
    /// Mean of a regression target; 0 for classification.
    pub target_mean: f32,
    /// Standard deviation of a regression target, never 0; 1 for classification.
    pub target_std: f32,
}

/// Sums of one channel, relative to its first value, which keeps large offsets from eating the digits.
#[derive(Clone, Copy, Default)]
struct Moments {
    count: u64,
    shift: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f32) {
        if self.count == 0 {
            self.shift = f64::from(value);
        }
        let offset = f64::from(value) - self.shift;
        self.count += 1;
        self.sum += offset;
        self.squares += offset * offset;
    }

    fn mean(&self) -> f32 {
        (self.shift + self.sum / self.count.max(1) as f64) as f32
    }

    fn std(&self) -> f32 {
        let (count, mean) = (self.count.max(1) as f64, self.sum / self.count.max(1) as f64);
        let std = (self.squares / count - mean * mean).max(0.0).sqrt() as f32;
        let negligible = 1e-6 * self.mean().abs().max(f32::MIN_POSITIVE);
        if std > negligible && std.is_finite() { std } else { 1.0 }
    }
}

impl Statistics {
    pub(crate) fn of(data: &Dataset) -> Self {
        let moments = if data.is_bytes() { of_bytes(data) } else { of_floats(data) };
        let mut mean: Vec<f32> = moments.iter().map(Moments::mean).collect();
        let mut std: Vec<f32> = moments.iter().map(Moments::std).collect();
        if let Features::Table { numbers, .. } = data.features() {
            mean[*numbers..].fill(0.0);
            std[*numbers..].fill(1.0);
        }
        let (target_mean, target_std) = of_target(data);
        Self { mean, std, target_mean, target_std }
    }
}

fn of_floats(data: &Dataset) -> Vec<Moments> {
    let mut moments = vec![Moments::default(); data.features().last_axis()];
    let mut sample = vec![0.0; data.features().len()];
    for index in 0..data.len(Subset::Train) {
        data.read(Subset::Train, index, &mut sample);
        for values in sample.chunks_exact(moments.len()) {
            values.iter().zip(&mut moments).for_each(|(&value, moments)| moments.add(value));
        }
    }
    moments
}

/// Exact integer sums for samples of bytes.
fn of_bytes(data: &Dataset) -> Vec<Moments> {
    let channels = data.features().last_axis();
    let mut sums = vec![(0u64, 0u64); channels];
    let train = data.len(Subset::Train);
    for index in 0..train {
        let row = data.bytes(Subset::Train, index);
        for (channel, (sum, squares)) in sums.iter_mut().enumerate() {
            let (s, q) = byte_sums(row, channel, channels);
            *sum += s;
            *squares += q;
        }
    }
    let count = (train * data.features().len() / channels) as u64;
    let moments = |(sum, squares)| Moments { count, shift: 0.0, sum: sum as f64, squares: squares as f64 };
    sums.into_iter().map(moments).collect()
}

fn byte_sums(row: &[u8], channel: usize, channels: usize) -> (u64, u64) {
    let values = row.iter().skip(channel).step_by(channels);
    values.fold((0, 0), |(sum, squares), &v| (sum + u64::from(v), squares + u64::from(v) * u64::from(v)))
}

fn of_target(data: &Dataset) -> (f32, f32) {
    if let Task::Classification { .. } = data.task() {
        return (0.0, 1.0);
    }
    let mut moments = Moments::default();
    (0..data.len(Subset::Train)).for_each(|index| moments.add(data.label(Subset::Train, index)));
    (moments.mean(), moments.std())
}
