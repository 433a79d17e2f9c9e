//! Batches: complete, seeded, resumable, augmented.

mod samples;

use nasmyth_data::{Augment, Batches, Dataset, OpenOptions, Subset, open};
use samples::put;
use tempfile::tempdir;

fn tiny(format: &str) -> Dataset {
    let folder = tempdir().unwrap();
    let tiny = samples::write(format, folder.path()).unwrap();
    open(tiny.path.to_str().unwrap(), &OpenOptions::default()).unwrap()
}

fn draw(batches: &mut Batches<'_>, data: &Dataset, batch: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut x, mut y) = (vec![0.0; batch * data.features().len()], vec![0.0; batch * data.task().outputs()]);
    batches.next(&mut x, &mut y);
    (x, y)
}

fn all() -> Augment {
    Augment { crop: Some(1), flip: true, cutout: Some(1), mixup: Some(0.4), label_smoothing: 0.1 }
}

#[test]
fn an_epoch_holds_each_sample_once() {
    let data = tiny("ucr");
    let fit = data.len(Subset::Fit);
    let mut batches = Batches::new(&data, Subset::Fit, 3, &Augment::default(), 1);
    let mut firsts = Vec::new();
    for _ in 0..fit {
        let (x, y) = draw(&mut batches, &data, 3);
        firsts.extend(x.chunks(6).map(|sample| sample[0]));
        assert!(y.chunks(2).all(|y| y == [1.0, 0.0] || y == [0.0, 1.0]));
    }
    assert_eq!(batches.position(), 3 * fit as u64);
    let mut epochs: Vec<Vec<f32>> = firsts.chunks(fit).map(<[f32]>::to_vec).collect();
    assert_ne!(epochs[0], epochs[1]);
    epochs.iter_mut().for_each(|epoch| epoch.sort_by(f32::total_cmp));
    assert_eq!((&epochs[0], epochs.len()), (&epochs[1], 3));
    assert!(epochs[0].windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn a_stream_is_a_function_of_seed_and_position() {
    for format in ["ucr", "images", "csv", "cifar"] {
        let data = tiny(format);
        let mut whole = Batches::new(&data, Subset::Train, 5, &all(), 9);
        let drawn: Vec<_> = (0..8).map(|_| draw(&mut whole, &data, 5)).collect();
        let mut resumed = Batches::new(&data, Subset::Train, 5, &all(), 9);
        resumed.seek(20);
        let rest: Vec<_> = (0..4).map(|_| draw(&mut resumed, &data, 5)).collect();
        assert_eq!(rest, drawn[4..], "{format}");
        let mut other = Batches::new(&data, Subset::Train, 5, &all(), 10);
        assert_ne!(draw(&mut other, &data, 5), drawn[0]);
    }
}

#[test]
fn smoothed_and_mixed_targets_sum_to_one() {
    let data = tiny("ucr");
    let augment = Augment { mixup: Some(1.0), label_smoothing: 0.2, ..Augment::default() };
    let mut batches = Batches::new(&data, Subset::Train, 4, &augment, 0);
    for _ in 0..20 {
        let (_, y) = draw(&mut batches, &data, 4);
        assert!(y.chunks(2).all(|y| (y[0] + y[1] - 1.0).abs() < 1e-6 && y.iter().all(|p| *p >= 0.0999)));
    }
}

#[test]
fn category_codes_are_never_mixed() {
    let data = tiny("csv");
    let mut batches = Batches::new(&data, Subset::Train, 4, &all(), 0);
    for _ in 0..20 {
        let (x, _) = draw(&mut batches, &data, 4);
        assert!(x.chunks(3).all(|row| row[2] == 1.0 || row[2] == 2.0));
    }
}

#[test]
fn regression_targets_are_raw() {
    let folder = tempdir().unwrap();
    let text: String = (0..40).map(|i| format!("{i},{}.5\n", 100 + i)).collect();
    let path = put(folder.path(), "r.csv", format!("x,y\n{text}"));
    let data = open(path.to_str().unwrap(), &OpenOptions::default()).unwrap();
    let (x, y) = draw(&mut Batches::new(&data, Subset::Valid, 7, &Augment::default(), 0), &data, 7);
    assert!(x.iter().zip(&y).all(|(x, y)| *y == x + 100.5));
}

#[test]
fn statistics_are_those_of_the_training_part() {
    let data = tiny("cifar");
    let (mut sum, mut squares, mut sample) = ([0.0f64; 3], [0.0f64; 3], vec![0.0; 3072]);
    for index in 0..data.len(Subset::Train) {
        data.read(Subset::Train, index, &mut sample);
        sample.iter().enumerate().for_each(|(i, &v)| {
            sum[i % 3] += f64::from(v);
            squares[i % 3] += f64::from(v) * f64::from(v);
        });
    }
    let count = (data.len(Subset::Train) * 1024) as f64;
    for channel in 0..3 {
        let mean = sum[channel] / count;
        assert!((f64::from(data.statistics().mean[channel]) - mean).abs() < 1e-3);
        let std = (squares[channel] / count - mean * mean).sqrt();
        assert!((f64::from(data.statistics().std[channel]) - std).abs() < 1e-3);
    }
}
