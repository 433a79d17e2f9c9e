//! What is wrong with a file is said precisely, and never by a panic.

mod samples;

use nasmyth_data::{DataError, Features, OpenOptions, Subset, open, open_like};
use proptest::prelude::*;
use samples::{SAMPLES, bytes, idx, jpeg, npy, png, put, zip_of};
use std::path::Path;
use tempfile::tempdir;

fn error(path: &Path) -> DataError {
    open(path.to_str().unwrap(), &OpenOptions::default()).err().unwrap()
}

fn message(path: &Path) -> String {
    error(path).to_string()
}

fn grey(side: u32) -> Vec<u8> {
    png(side, side, png::ColorType::Grayscale, &bytes(1, (side * side) as usize))
}

#[test]
fn nothing_there_empty_and_unknown() {
    let folder = tempdir().unwrap();
    assert!(matches!(error(&folder.path().join("none")), DataError::NotFound { .. }));
    assert!(matches!(error(folder.path()), DataError::Empty { .. }));
    assert!(matches!(error(&put(folder.path(), "e.npz", [])), DataError::Empty { .. }));
    let unknown = message(&put(folder.path(), "u.bin", [0x7f, b'E', b'L', b'F', 0, 0]));
    assert!(unknown.contains("7f, 45, 4c, 46") && unknown.contains("parquet"), "{unknown}");
}

#[test]
fn a_wrong_magic_number_is_named() {
    let folder = tempdir().unwrap();
    let path = put(folder.path(), "train-images-idx3-ubyte", [9, 9, 8, 3, 0, 0, 0, 1]);
    assert!(message(&path).contains("magic number: expected an IDX file"));
    assert!(message(&put(folder.path(), "a.npz", "PK garbage")).contains("a whole NPZ file"));
    assert!(message(&put(folder.path(), "a.parquet", "PAR1garbagePAR1")).contains("a whole Parquet file"));
    let path = put(folder.path(), "i/a/1.png", "GIF89a");
    assert!(message(path.parent().unwrap().parent().unwrap()).contains("1.png: magic number"));
}

#[test]
fn huge_declared_sizes_are_refused_without_allocating() {
    let folder = tempdir().unwrap();
    let at = |name: &str, file: Vec<u8>| message(&put(folder.path(), name, file));
    assert!(
        at("train-images-idx3-ubyte", idx(&[u32::MAX, u32::MAX, u32::MAX], &[]))
            .contains("the largest supported")
    );
    assert!(at("big-idx3-ubyte", idx(&[u32::MAX, 1000, 1000], &[1, 2])).contains("4294967295 samples"));
    let x = npy("<f8", "(1000000000000, 1000000)", &[0; 16]);
    assert!(at("a.npz", zip_of(&[("x.npy", x)])).contains("ends too early"));
    let mut file = grey(4);
    file[16..24].fill(0x7f);
    put(folder.path(), "i/a/1.png", file);
    let message = message(&folder.path().join("i"));
    assert!(message.contains("1.png"), "{message}");
}

#[test]
fn images_of_two_sizes_name_both() {
    let folder = tempdir().unwrap();
    put(folder.path(), "a/1.png", grey(4));
    put(folder.path(), "b/2.png", grey(5));
    let message = message(folder.path());
    assert!(
        message.contains("a/1.png is 4 x 4 x 1") && message.contains("b/2.png is 5 x 5 x 1"),
        "{message}"
    );
}

#[test]
fn one_class_is_not_enough() {
    let folder = tempdir().unwrap();
    put(folder.path(), "a/1.png", grey(4));
    put(folder.path(), "a/2.png", grey(4));
    assert!(matches!(error(folder.path()), DataError::OneClass { .. }));
}

#[test]
fn grey_images_among_colour_ones_become_colour() {
    let folder = tempdir().unwrap();
    for (i, class) in ["a", "b", "a", "b", "a", "b"].iter().enumerate() {
        let file = if i < 3 { grey(2) } else { png(2, 2, png::ColorType::Rgb, &bytes(i, 12)) };
        put(folder.path(), &format!("train/{class}/{i}.png"), &file);
        put(folder.path(), &format!("test/{class}/{i}.png"), &file);
    }
    let data = open(folder.path().to_str().unwrap(), &OpenOptions::default()).unwrap();
    assert_eq!(data.features(), &Features::Image { height: 2, width: 2, channels: 3 });
    assert_eq!((data.len(Subset::Fit), data.len(Subset::Test), data.is_bytes()), (6, 6, true));
}

#[test]
fn labels_must_match_the_samples_and_exist() {
    let folder = tempdir().unwrap();
    let images = put(folder.path(), "train-images-idx3-ubyte", idx(&[2, 2, 2], &[0; 8]));
    assert!(matches!(error(&images), DataError::NoLabel { row: 1, .. }));
    put(folder.path(), "train-labels-idx1-ubyte", idx(&[3], &[0, 1, 0]));
    assert!(message(&images).contains("one label for each of 2 samples"));
}

#[test]
fn values_that_are_not_finite_are_named() {
    let folder = tempdir().unwrap();
    let line = "1\t1.5\tNaN\t2\n2\t1\t2\t3\n";
    assert!(message(&put(folder.path(), "A_TRAIN.tsv", line)).contains("row 1, column 2: NaN"));
    let text = "@classLabel true a b\n@data\n1,2:3,inf,4:a\n";
    assert!(
        message(&put(folder.path(), "B_TRAIN.ts", text)).contains("row 3, column dimension 2, value 2: inf")
    );
    let values: Vec<u8> = [1.0f32, f32::NAN].iter().flat_map(|v| v.to_le_bytes()).collect();
    let zip = zip_of(&[("x.npy", npy("<f4", "(2, 1)", &values)), ("y.npy", npy("|u1", "(2,)", &[0, 1]))]);
    assert!(message(&put(folder.path(), "c.npz", zip)).contains("row 2, column 0: NaN"));
}

#[test]
fn a_shorter_series_ends_in_nan_and_is_padded() {
    let folder = tempdir().unwrap();
    let lines: String =
        (0..SAMPLES).map(|i| format!("{}\t{i}\t5\t{}\n", i % 2, if i == 0 { "NaN" } else { "7" })).collect();
    let path = put(folder.path(), "A_TRAIN.tsv", lines);
    let data = open(path.to_str().unwrap(), &OpenOptions::default()).unwrap();
    let samples = open_like(path.to_str().unwrap(), data.schema()).unwrap();
    let mut series = [1.0; 3];
    samples.read(0, &mut series);
    assert_eq!(series, [0.0, 5.0, 0.0]);
    let longer = put(folder.path(), "A_TEST.tsv", "1\t1\t2\t3\t4\n");
    let message = open_like(longer.to_str().unwrap(), data.schema()).err().unwrap().to_string();
    assert!(message.contains("line 1: expected at most 3 steps"), "{message}");
}

#[test]
fn only_the_test_part_is_used_for_a_network_that_exists() {
    let folder = tempdir().unwrap();
    let lines = |from: usize| (from..from + 6).map(|i| format!("{}\t{i}\t5\n", i % 2)).collect::<String>();
    put(folder.path(), "A_TRAIN.tsv", lines(0));
    put(folder.path(), "A_TEST.tsv", lines(10));
    let data = open(folder.path().to_str().unwrap(), &OpenOptions::default()).unwrap();
    let samples = open_like(folder.path().to_str().unwrap(), data.schema()).unwrap();
    let mut series = [0.0; 2];
    samples.read(0, &mut series);
    assert_eq!((samples.len(), series), (6, [10.0, 5.0]));
    assert!(data.split().own_test);
}

#[test]
fn data_of_another_shape_is_refused() {
    let folder = tempdir().unwrap();
    let tiny = samples::write("npz", folder.path()).unwrap();
    let schema = open("builtin:mnist1d", &OpenOptions::default()).unwrap().schema().clone();
    let message = open_like(tiny.path.to_str().unwrap(), &schema).err().unwrap().to_string();
    assert!(
        message.contains("trained on series of 40 steps x 1 channels, this is series of 3 steps x 2"),
        "{message}"
    );
}

#[test]
fn a_fraction_out_of_range_is_refused() {
    for fraction in [-0.1, 1.0, f64::NAN] {
        let options = OpenOptions { valid_fraction: fraction, ..OpenOptions::default() };
        assert!(matches!(open("builtin:mnist1d", &options), Err(DataError::BadFraction { .. })));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_jpeg_never_panics(flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8u32), 1..8), keep in 4usize..200) {
        let folder = tempdir().unwrap();
        let mut file = jpeg(77);
        for (place, bit) in flips {
            let place = place.index(file.len());
            file[place] ^= 1 << bit;
        }
        file.truncate(keep);
        let path = put(folder.path(), "a/1.jpg", file);
        let _ = open(path.parent().unwrap().parent().unwrap().to_str().unwrap(), &OpenOptions::default());
    }

    #[test]
    fn damaged_archives_never_panic(content in prop::collection::vec(any::<u8>(), 0..600)) {
        let folder = tempdir().unwrap();
        let mut tar = vec![0; 512];
        tar[..9].copy_from_slice(b"a/one.png");
        tar[257..262].copy_from_slice(b"ustar");
        let path = put(folder.path(), "a.tar", [tar, content].concat());
        let _ = open(path.to_str().unwrap(), &OpenOptions::default());
    }
}
