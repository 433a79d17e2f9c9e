//! Augmentation of training samples.

use crate::features::Features;
use crate::random::{Rng, below, uniform};
use serde::{Deserialize, Serialize};

/// Random changes to training samples. The default changes nothing. Tables know only mixup and smoothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Shift by up to this many pixels (images, both axes) or steps (series); what is uncovered gets the training
    /// mean. Equal to padding and cropping at random.
    pub crop: Option<usize>,
    /// Mirror half of the images left to right.
    pub flip: bool,
    /// Set a square of this side (images) or a window of this many steps (series), its centre anywhere, to the
    /// training mean (DeVries and Taylor 2017, arXiv 1708.04552).
    pub cutout: Option<usize>,
    /// Mix each sample with the next one of the batch by lambda ~ Beta(a, a), one lambda for each batch (Zhang et al.
    /// 2018, arXiv 1710.09412). Category codes cannot be mixed: they are those of the larger share.
    pub mixup: Option<f32>,
    /// Share of the target spread evenly over all classes (Szegedy et al. 2016); classification only.
    pub label_smoothing: f32,
}

impl Augment {
    /// Whether samples are changed one by one.
    pub(crate) fn moves(&self, features: &Features) -> bool {
        let flips = self.flip && matches!(features, Features::Image { .. });
        let table = matches!(features, Features::Table { .. });
        !table && (flips || self.crop.is_some() || self.cutout.is_some())
    }

    /// Writes a changed copy of `sample` to `out`; `mean` has one entry for each channel.
    pub(crate) fn apply(
        &self,
        features: &Features,
        mean: &[f32],
        rng: &mut Rng,
        sample: &[f32],
        out: &mut [f32],
    ) {
        let Some(grid) = Grid::of(features) else { return out.copy_from_slice(sample) };
        let view = View {
            down: if grid.is_image { self.shift(rng) } else { 0 },
            right: self.shift(rng),
            mirror: self.flip && grid.is_image && uniform(rng) < 0.5,
        };
        grid.copy(&view, mean, sample, out);
        if let Some(side) = self.cutout {
            grid.cut(side, mean, rng, out);
        }
    }

    fn shift(&self, rng: &mut Rng) -> isize {
        self.crop.map_or(0, |crop| below(rng, 2 * crop as u64 + 1) as isize - crop as isize)
    }
}

/// Which part of the sample is seen.
struct View {
    down: isize,
    right: isize,
    mirror: bool,
}

/// A sample as rows of columns of channels; a series is one row.
struct Grid {
    rows: usize,
    columns: usize,
    channels: usize,
    is_image: bool,
}

impl Grid {
    fn of(features: &Features) -> Option<Self> {
        match *features {
            Features::Image { height, width, channels } => {
                Some(Self { rows: height, columns: width, channels, is_image: true })
            }
            Features::Series { steps, channels } => {
                Some(Self { rows: 1, columns: steps, channels, is_image: false })
            }
            Features::Table { .. } => None,
        }
    }

    fn at(&self, row: usize, column: usize) -> std::ops::Range<usize> {
        let start = (row * self.columns + column) * self.channels;
        start..start + self.channels
    }

    fn copy(&self, view: &View, mean: &[f32], sample: &[f32], out: &mut [f32]) {
        for row in 0..self.rows {
            for column in 0..self.columns {
                let seen = if view.mirror { self.columns - 1 - column } else { column };
                let from = (shifted(row, view.down, self.rows), shifted(seen, view.right, self.columns));
                out[self.at(row, column)].copy_from_slice(match from {
                    (Some(row), Some(column)) => &sample[self.at(row, column)],
                    _ => mean,
                });
            }
        }
    }

    fn cut(&self, side: usize, mean: &[f32], rng: &mut Rng, out: &mut [f32]) {
        let rows = if self.is_image { window(rng, side, self.rows) } else { 0..1 };
        let columns = window(rng, side, self.columns);
        for row in rows {
            columns.clone().for_each(|column| out[self.at(row, column)].copy_from_slice(mean));
        }
    }
}

fn shifted(place: usize, shift: isize, length: usize) -> Option<usize> {
    place.checked_add_signed(shift).filter(|&place| place < length)
}

/// A window of `side` with its centre anywhere in `0..length`, cut at the ends.
fn window(rng: &mut Rng, side: usize, length: usize) -> std::ops::Range<usize> {
    let centre = below(rng, length as u64) as usize;
    let start = centre.saturating_sub(side / 2);
    start..(centre + side - side / 2).min(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::derive;

    const IMAGE: Features = Features::Image { height: 4, width: 5, channels: 2 };

    fn applied(augment: &Augment, seed: u64) -> Vec<f32> {
        let sample: Vec<f32> = (0..40).map(|i| i as f32).collect();
        let mut out = vec![0.0; 40];
        augment.apply(&IMAGE, &[-1.0, -2.0], &mut derive(seed, "test", 0), &sample, &mut out);
        out
    }

    #[test]
    fn a_flip_mirrors_columns_and_keeps_channels() {
        let augment = Augment { flip: true, ..Augment::default() };
        let seen: Vec<Vec<f32>> = (0..20).map(|seed| applied(&augment, seed)[..10].to_vec()).collect();
        assert!(seen.contains(&vec![8.0, 9.0, 6.0, 7.0, 4.0, 5.0, 2.0, 3.0, 0.0, 1.0]));
        assert!(seen.contains(&(0..10).map(|i| i as f32).collect()));
    }

    #[test]
    fn uncovered_and_cut_pixels_hold_the_mean() {
        let augment = Augment { crop: Some(2), cutout: Some(2), ..Augment::default() };
        for seed in 0..50 {
            for (i, &value) in applied(&augment, seed).iter().enumerate() {
                assert!(value == [-1.0, -2.0][i % 2] || (value >= 0.0 && value as usize % 2 == i % 2));
            }
        }
    }
}
