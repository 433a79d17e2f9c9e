//! Tiny text files.

use super::{SAMPLES, Tiny, floats, names, put};
use nasmyth_data::Features;
use std::path::Path;

fn joined(values: &[f32], separator: &str) -> String {
    values.iter().map(f32::to_string).collect::<Vec<_>>().join(separator)
}

pub fn tiny_ucr(folder: &Path) -> Tiny {
    let line = |i: usize| format!("{}\t{}\n", i % 2 + 1, joined(&floats(i, 6), "\t"));
    let path = put(folder, "Tiny_TRAIN.tsv", (0..SAMPLES).map(line).collect::<String>());
    Tiny {
        file: path.clone(),
        path,
        features: Features::Series { steps: 6, channels: 1 },
        classes: names(["1", "2"]),
        values: (0..SAMPLES).map(|i| floats(i, 6)).collect(),
        is_binary: false,
    }
}

/// Two dimensions; the second of odd samples is one step shorter.
pub fn tiny_uea(folder: &Path) -> Tiny {
    let (mut text, mut values) =
        (String::from("# tiny\n@problemName Tiny\n@classLabel true a b\n@data\n"), Vec::new());
    for i in 0..SAMPLES {
        let (first, second) = (floats(i, 4), floats(i + 50, 4 - i % 2));
        text += &format!("{}:{}:{}\n", joined(&first, ","), joined(&second, ","), ["a", "b"][i % 2]);
        let pad = |step: usize| second.get(step).copied().unwrap_or(0.0);
        values.push((0..4).flat_map(|step| [first[step], pad(step)]).collect());
    }
    let path = put(folder, "Tiny_TRAIN.ts", text);
    let features = Features::Series { steps: 4, channels: 2 };
    Tiny { file: path.clone(), path, features, classes: names(["a", "b"]), values, is_binary: false }
}

/// Two numbers and a category with a code for each of its two values.
pub fn tiny_csv(folder: &Path) -> Tiny {
    let mut text = String::from("width,height,colour,kind\n");
    for i in 0..SAMPLES {
        let colour = ["blue", "red"][i / 2 % 2];
        text += &format!("{},{colour},{}\n", joined(&floats(i, 2), ","), ["a", "b"][i % 2]);
    }
    let path = put(folder, "tiny.csv", text);
    Tiny { file: path.clone(), path, ..table() }
}

pub fn table() -> Tiny {
    let row = |i: usize| [floats(i, 2), vec![(i / 2 % 2 + 1) as f32]].concat();
    Tiny {
        path: Default::default(),
        file: Default::default(),
        features: Features::Table { numbers: 2, categories: vec![3] },
        classes: names(["a", "b"]),
        values: (0..SAMPLES).map(row).collect(),
        is_binary: false,
    }
}
