//! What every format must do.

mod samples;

use nasmyth_data::{
    DataError, Dataset, FORMATS, OpenOptions, Schema, Subset, Task, TaskKind, open, open_like,
};
use proptest::prelude::*;
use samples::{Tiny, write};
use std::fs;
use std::path::Path;
use tempfile::tempdir;

fn opened(path: &Path) -> Result<Dataset, DataError> {
    open(path.to_str().unwrap(), &OpenOptions::default())
}

/// All samples with their class names, in the order of the source.
fn content(data: &Dataset) -> Vec<(u32, Vec<f32>, f32)> {
    let mut all = Vec::new();
    for subset in [Subset::Fit, Subset::Test] {
        for index in 0..data.len(subset) {
            let mut sample = vec![0.0; data.features().len()];
            data.read(subset, index, &mut sample);
            all.push((data.indices(subset)[index], sample, data.label(subset, index)));
        }
    }
    all.sort_by_key(|(number, ..)| *number);
    all
}

fn each(check: impl Fn(&str, &Path, Tiny)) {
    for format in FORMATS {
        let folder = tempdir().unwrap();
        if let Some(tiny) = write(format.name(), folder.path()) {
            check(format.name(), folder.path(), tiny);
        }
    }
}

#[test]
fn names_are_unique_and_documented() {
    let mut names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FORMATS.len());
    assert!(FORMATS.iter().all(|format| format.doc().len() > 20));
}

#[test]
fn format_task_and_values_come_out_right() {
    each(|format, _, tiny| {
        let data = opened(&tiny.path).unwrap();
        assert_eq!((data.format(), data.features()), (format, &tiny.features));
        assert_eq!(data.task(), &Task::Classification { classes: tiny.classes.clone() }, "{format}");
        let values: Vec<Vec<f32>> = content(&data).into_iter().map(|(_, values, _)| values).collect();
        assert_eq!(values, tiny.values, "{format}");
    });
}

#[test]
fn the_schema_opens_the_same_data_again() {
    each(|format, _, tiny| {
        let data = opened(&tiny.path).unwrap();
        let schema: Schema = serde_json::from_str(&serde_json::to_string(data.schema()).unwrap()).unwrap();
        assert_eq!(&schema, data.schema());
        let samples = open_like(tiny.path.to_str().unwrap(), &schema).unwrap();
        let mut values = vec![0.0; samples.features().len()];
        for (index, (_, expected, label)) in content(&data).into_iter().enumerate() {
            samples.read(index, &mut values);
            assert_eq!((&values, samples.label(index)), (&expected, Some(label)), "{format}");
        }
    });
}

#[test]
fn a_spilled_store_and_a_second_opening_change_nothing() {
    each(|format, _, tiny| {
        let options = OpenOptions { memory_limit: 40, ..OpenOptions::default() };
        let (data, spilled) =
            (opened(&tiny.path).unwrap(), open(tiny.path.to_str().unwrap(), &options).unwrap());
        assert!(spilled.is_spilled() && !data.is_spilled(), "{format}");
        assert_eq!(content(&data), content(&spilled));
        assert_eq!((data.fingerprint(), data.split()), (spilled.fingerprint(), spilled.split()));
        assert_eq!(data.statistics(), spilled.statistics());
    });
}

#[test]
fn another_seed_divides_otherwise_and_keeps_the_fingerprint() {
    each(|_, _, tiny| {
        let with = |seed| {
            open(tiny.path.to_str().unwrap(), &OpenOptions { seed, ..OpenOptions::default() }).unwrap()
        };
        let divisions: Vec<Vec<u32>> = (0..4).map(|seed| with(seed).indices(Subset::Test).to_vec()).collect();
        assert!(divisions.iter().any(|division| *division != divisions[0]));
        assert_eq!(with(0).fingerprint(), with(1).fingerprint());
    });
}

#[test]
fn empty_and_shortened_files_are_errors() {
    each(|format, _, tiny| {
        let whole = fs::read(&tiny.file).unwrap();
        fs::write(&tiny.file, []).unwrap();
        let message = opened(&tiny.path).err().expect(format).to_string();
        assert!(!message.is_empty());
        let shorter = if tiny.is_binary { whole.len() * 9 / 10 } else { 0 };
        for length in (1..shorter).step_by(1 + whole.len() / 97) {
            fs::write(&tiny.file, &whole[..length]).unwrap();
            assert!(
                format == "cifar" && length % 3073 == 0 || opened(&tiny.path).is_err(),
                "{format}: {length} bytes"
            );
        }
    });
}

#[test]
fn generated_data_needs_no_file() {
    let data = open("builtin:mnist1d", &OpenOptions::default()).unwrap();
    assert_eq!((data.len(Subset::Fit), data.len(Subset::Test)), (4000, 1000));
    assert_eq!((data.task().kind(), data.task().outputs()), (TaskKind::Classification, 10));
    assert_eq!(data.fingerprint(), "5e73ac9e64d85a16e20fe6265e60aab4");
    let error = open("builtin:mnist2d", &OpenOptions::default()).err().unwrap();
    assert!(error.to_string().contains("known: mnist1d"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bits_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8u32), 1..6)) {
        each(|_, _, tiny| {
            let mut file = fs::read(&tiny.file).unwrap();
            for (place, bit) in &flips {
                let place = place.index(file.len());
                file[place] ^= 1 << bit;
            }
            fs::write(&tiny.file, file).unwrap();
            let schema = opened(&tiny.path).map(|data| data.schema().clone());
            if let Ok(schema) = schema {
                let _ = open_like(tiny.path.to_str().unwrap(), &schema);
            }
        });
    }

    #[test]
    fn random_bytes_never_panic(content in prop::collection::vec(any::<u8>(), 0..400), cut in any::<prop::sample::Index>()) {
        each(|_, _, tiny| {
            let whole = fs::read(&tiny.file).unwrap();
            let start = &whole[..cut.index(whole.len().min(200))];
            fs::write(&tiny.file, [start, &content].concat()).unwrap();
            let _ = opened(&tiny.path);
        });
    }
}
