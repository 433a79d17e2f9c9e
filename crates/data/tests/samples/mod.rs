//! Tiny valid files of every format, with what they hold.
#![allow(dead_code, missing_docs)]

mod arrays;
mod images;
mod texts;

use nasmyth_data::Features;
use std::fs;
use std::path::{Path, PathBuf};

#[allow(unused_imports)]
pub use arrays::{idx, npy, parquet_file, zip_of};
#[allow(unused_imports)]
pub use images::{jpeg, png};

/// Samples of each tiny dataset; their classes alternate.
pub const SAMPLES: usize = 12;

/// A tiny dataset on disk.
pub struct Tiny {
    /// What to open.
    pub path: PathBuf,
    /// The file to damage.
    pub file: PathBuf,
    pub features: Features,
    pub classes: Vec<String>,
    /// Values of each sample, in the order of the source.
    pub values: Vec<Vec<f32>>,
    /// Whether every shorter version of the file is broken; a text file may end after any line.
    pub is_binary: bool,
}

/// Writes the tiny dataset of a format into `folder`; `None` for generated datasets.
pub fn write(format: &str, folder: &Path) -> Option<Tiny> {
    match format {
        "mnist1d" => None,
        "idx" => Some(arrays::tiny_idx(folder)),
        "cifar" => Some(images::tiny_cifar(folder)),
        "images" => Some(images::tiny_folder(folder)),
        "ucr" => Some(texts::tiny_ucr(folder)),
        "uea" => Some(texts::tiny_uea(folder)),
        "npz" => Some(arrays::tiny_npz(folder)),
        "parquet" => Some(arrays::tiny_parquet(folder)),
        "csv" => Some(texts::tiny_csv(folder)),
        other => panic!("write a tiny dataset for the new format {other}"),
    }
}

/// Writes `content` to `folder/name`, folders included.
pub fn put(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}

/// Value `j` of sample `i`: small whole numbers that fit a byte.
pub fn value(i: usize, j: usize) -> u8 {
    ((i * 31 + j * 7) % 251) as u8
}

pub fn bytes(i: usize, width: usize) -> Vec<u8> {
    (0..width).map(|j| value(i, j)).collect()
}

pub fn floats(i: usize, width: usize) -> Vec<f32> {
    bytes(i, width).into_iter().map(f32::from).collect()
}

pub fn names(classes: [&str; 2]) -> Vec<String> {
    classes.map(str::to_string).to_vec()
}
