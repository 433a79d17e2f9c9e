//! MNIST-1D, generated (Greydanus and Kobak 2024, "Scaling down deep learning with MNIST-1D", arXiv 2011.14439).
//!
//! Ten templates of 12 points stand for the digits. Each sample pads its template, stretches it to 72 points, scales
//! it, rolls it round, puts correlated noise where the template is not, adds white noise, shears it, and keeps 40
//! points. Published test accuracies: linear 32 %, perceptron 68 %, convolutions 94 %, people 96 %.

use super::{Format, Raw, Request};
use crate::error::DataError;
use crate::features::{Features, TaskKind};
use crate::labels::Label;
use crate::random::{Rng, below, derive, normal, shuffle, uniform};
use crate::sink::{Part, Sink};
use crate::source::Source;
use crate::store::Element;

/// Name after `builtin:`.
pub(crate) const NAME: &str = "mnist1d";

const SEED: u64 = 42;
const TRAIN: usize = 4000;
const SAMPLES: usize = 5000;
const STEPS: usize = 40;
const POINTS: usize = 12;
const PADDING: (usize, usize) = (36, 60);
const WIDTH: usize = POINTS + PADDING.1;
const SCALE: f64 = 0.4;
const MAX_ROLL: u64 = 48;
const CORRELATED_NOISE: f64 = 0.25;
const CORRELATION: f64 = 2.0;
const WHITE_NOISE: f64 = 0.02;
const SHEAR: f64 = 0.75;

const TEMPLATES: [[f64; POINTS]; 10] = [
    [5.0, 6.0, 6.5, 6.75, 7.0, 7.0, 7.0, 7.0, 6.75, 6.5, 6.0, 5.0],
    [5.0, 3.0, 3.0, 3.4, 3.8, 4.2, 4.6, 5.0, 5.4, 5.8, 5.0, 5.0],
    [5.0, 6.0, 6.5, 6.5, 6.0, 5.25, 4.75, 4.0, 3.5, 3.5, 4.0, 5.0],
    [5.0, 6.0, 6.5, 6.5, 6.0, 5.0, 5.0, 6.0, 6.5, 6.5, 6.0, 5.0],
    [5.0, 4.4, 3.8, 3.2, 2.6, 2.6, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0],
    [5.0, 3.0, 3.0, 3.0, 3.0, 5.0, 6.0, 6.5, 6.5, 6.0, 4.5, 5.0],
    [5.0, 4.0, 3.5, 3.25, 3.0, 3.0, 3.0, 3.0, 3.25, 3.5, 4.0, 5.0],
    [5.0, 7.0, 7.0, 6.6, 6.2, 5.8, 5.4, 5.0, 4.6, 4.2, 5.0, 5.0],
    [5.0, 4.0, 3.5, 3.5, 4.0, 5.0, 5.0, 4.0, 3.5, 3.5, 4.0, 5.0],
    [5.0, 4.0, 3.5, 3.5, 4.0, 5.0, 5.0, 5.0, 5.0, 4.7, 4.3, 5.0],
];

/// The generator.
pub(crate) struct Mnist1d;

impl Format for Mnist1d {
    fn name(&self) -> &'static str {
        NAME
    }

    fn doc(&self) -> &'static str {
        "builtin:mnist1d, generated: 4,000 + 1,000 series of 40 steps, 10 classes (arXiv 2011.14439)"
    }

    fn detects(&self, source: &Source) -> bool {
        source.builtin() == Some(NAME)
    }

    fn read(&self, source: &Source, request: &Request<'_>) -> Result<Raw, DataError> {
        let features = Features::Series { steps: STEPS, channels: 1 };
        let kind = Some(TaskKind::Classification);
        let mut sink = Sink::new(source.path(), features, Element::F32, kind, request.memory_limit)?;
        for (place, digit) in digits().into_iter().enumerate() {
            let part = if place < TRAIN { Part::Train } else { Part::Test };
            let series = sample(&TEMPLATES[digit], &mut derive(SEED, NAME, place as u64));
            let series: Vec<f32> = series.iter().map(|&v| v as f32).collect();
            sink.push_floats(part, Label::Number(digit as f64), &series)?;
        }
        sink.finish().map(|decoded| Raw::Samples(Box::new(decoded)))
    }
}

/// As many of each digit, in a fixed random order.
fn digits() -> Vec<usize> {
    let mut digits: Vec<usize> = (0..SAMPLES).map(|i| i % TEMPLATES.len()).collect();
    shuffle(&mut digits, &mut derive(SEED, "mnist1d order", 0));
    digits
}

fn sample(template: &[f64; POINTS], rng: &mut Rng) -> Vec<f64> {
    let mut series = standardised(template);
    let padding = PADDING.0 as u64 + below(rng, (PADDING.1 - PADDING.0 + 1) as u64);
    series.resize(POINTS + padding as usize, 0.0);
    let mut series = resampled(&series, WIDTH);
    let scale = 1.0 + SCALE * (uniform(rng) - 0.5);
    series.iter_mut().for_each(|value| *value *= scale);
    series.rotate_right(below(rng, MAX_ROLL) as usize);
    add_noise(&mut series, rng);
    shear(&mut series, SHEAR * (uniform(rng) - 0.5));
    resampled(&series, STEPS)
}

/// Mean 0 and deviation 1, then moved to start at 0 and divided by 6. A tiny offset tells template from padding.
fn standardised(template: &[f64; POINTS]) -> Vec<f64> {
    let mean = template.iter().sum::<f64>() / POINTS as f64;
    let variance = template.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / POINTS as f64;
    template.iter().map(|v| (v - template[0]) / libm::sqrt(variance) / 6.0 + 1e-8).collect()
}

/// Linear interpolation at `length` evenly spaced points, the ends included.
fn resampled(series: &[f64], length: usize) -> Vec<f64> {
    let step = (series.len() - 1) as f64 / (length - 1) as f64;
    let value = |i: usize| {
        let place = i as f64 * step;
        let left = (libm::floor(place) as usize).min(series.len() - 2);
        let share = place - left as f64;
        series[left] * (1.0 - share) + series[left + 1] * share
    };
    (0..length).map(value).collect()
}

/// Correlated noise where the series is zero, white noise everywhere.
fn add_noise(series: &mut [f64], rng: &mut Rng) {
    let rough: Vec<f64> = series.iter().map(|_| CORRELATED_NOISE * normal(rng)).collect();
    for (value, noise) in series.iter_mut().zip(smoothed(&rough, CORRELATION)) {
        let base = if *value == 0.0 { noise } else { *value };
        *value = base + WHITE_NOISE * normal(rng);
    }
}

/// Gaussian filter, cut off at four deviations, with reflected ends (d c b a | a b c d | d c b a).
fn smoothed(series: &[f64], deviation: f64) -> Vec<f64> {
    let radius = (4.0 * deviation + 0.5) as isize;
    let weight = |offset: isize| libm::exp(-0.5 * (offset * offset) as f64 / (deviation * deviation));
    let total: f64 = (-radius..=radius).map(weight).sum();
    let reflected = |i: isize| {
        let last = series.len() as isize - 1;
        series[(if i < 0 {
            -i - 1
        } else if i > last {
            2 * last + 1 - i
        } else {
            i
        }) as usize]
    };
    let at = |i: isize| (-radius..=radius).map(|o| weight(o) * reflected(i + o)).sum::<f64>() / total;
    (0..series.len() as isize).map(at).collect()
}

fn shear(series: &mut [f64], slope: f64) {
    let last = (series.len() - 1) as f64;
    series.iter_mut().enumerate().for_each(|(i, value)| *value -= slope * (i as f64 / last - 0.5));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resampling_keeps_the_ends_and_lines() {
        let line: Vec<f64> = (0..5).map(f64::from).collect();
        let fine = resampled(&line, 9);
        assert_eq!((fine[0], fine[1], fine[8]), (0.0, 0.5, 4.0));
    }

    #[test]
    fn smoothing_keeps_a_constant() {
        assert!(smoothed(&[3.0; 20], 2.0).iter().all(|v| (v - 3.0).abs() < 1e-12));
    }
}
