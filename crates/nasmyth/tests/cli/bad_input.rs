//! Whatever is wrong with what was asked: exit code 2, one clear error, nothing else on standard output.

use crate::place::{Place, noise, table};
use nasmyth::engine::Backend;
use std::io::{Cursor, Write};

/// Runs a search that must be refused with an error that holds `text`.
#[track_caller]
fn refused(place: &Place, arguments: &str, text: &str) {
    let told = place.search(&format!("--trials 2 --out refused {arguments} --json"));
    let told = told.exits(2).says(text);
    assert!(told.err.contains("error: ") && told.out.is_empty(), "{}{}", told.out, told.err);
    assert!(!place.path("refused").exists(), "{arguments}: left a run folder");
}

/// `x` as images of 8 by 8 and `y` with two classes, as stored (not compressed) NPZ.
pub fn image_arrays(count: usize) -> Vec<u8> {
    let mut next = noise(9);
    let pixels = (0..count * 64)
        .map(|i| if i / 64 % 2 == 0 { next() } else { 1.0 + next() } as f32)
        .collect::<Vec<_>>();
    arrays(&[
        ("x", &[count, 8, 8], &pixels),
        ("y", &[count], &(0..count).map(|i| (i % 2) as f32).collect::<Vec<_>>()),
    ])
}

fn arrays(arrays: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let entries: Vec<(String, Vec<u8>)> =
        arrays.iter().map(|(n, s, v)| (format!("{n}.npy"), array(s, v))).collect();
    stored(&entries)
}

fn array(shape: &[usize], values: &[f32]) -> Vec<u8> {
    let shape: String = shape.iter().map(|n| format!("{n},")).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    values.iter().for_each(|v| bytes.extend(v.to_le_bytes()));
    bytes
}

/// A Zip archive without compression.
fn stored(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let mut directory = Vec::new();
    for (name, data) in entries {
        let mut fields = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        fields.extend(checksum(data).to_le_bytes());
        fields.extend((data.len() as u32).to_le_bytes());
        fields.extend((data.len() as u32).to_le_bytes());
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend((out.position() as u32).to_le_bytes());
        directory.extend(name.bytes());
        out.write_all(b"PK\x03\x04").unwrap();
        out.write_all(&fields).unwrap();
        out.write_all(name.as_bytes()).unwrap();
        out.write_all(data).unwrap();
    }
    let at = out.position() as u32;
    let count = (entries.len() as u16).to_le_bytes();
    let mut out = out.into_inner();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count);
    out.extend(count);
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// CRC-32 as Zip wants it.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 },
        )
    })
}

#[test]
fn data_that_is_missing_or_damaged() {
    let place = Place::new();
    let mut next = noise(1);
    let junk: Vec<u8> = (0..5000).map(|_| (next() * 256.0) as u8).collect();
    std::fs::create_dir(place.path("folder")).unwrap();
    place.write("empty.csv", "");
    place.write("short.csv", &table(20)[..100]);
    place.write("one.csv", table(100).replace("pos", "neg"));
    place.write("few.csv", table(3));
    for ending in ["csv", "npz", "parquet", "ts", "tsv", "bin"] {
        place.write(&format!("junk.{ending}"), &junk);
    }
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]
        .iter()
        .for_each(|n| place.write(&format!("idx/{n}"), &junk));
    for (value, word) in [("NaN", "NaN"), ("inf", "inf")] {
        place.write("bad.csv", table(100).replacen("\n0.", &format!("\n{value},0.1,x,pos\n0."), 1));
        refused(&place, "--data bad.csv", word);
    }
    let images = image_arrays(60);
    place.write("half.npz", &images[..images.len() / 2]);
    for bad in [f32::NAN, f32::INFINITY] {
        let mut values = vec![0.5; 60 * 4];
        values[7] = bad;
        let labels: Vec<f32> = (0..60).map(|i| (i % 2) as f32).collect();
        place.write("bad.npz", arrays(&[("x", &[60, 4], &values), ("y", &[60], &labels)]));
        refused(&place, "--data bad.npz", "finite");
    }
    for (data, text) in [
        ("nothing", "no such file"),
        ("folder", "empty"),
        ("empty.csv", "empty"),
        ("short.csv", "expected 4 fields"),
        ("one.csv", "at least two classes"),
        ("few.csv", "samples"),
        ("junk.csv", "junk.csv"),
        ("junk.npz", "NPZ"),
        ("half.npz", "NPZ"),
        ("junk.parquet", "Parquet"),
        ("junk.ts", "line 1"),
        ("junk.tsv", "junk.tsv"),
        ("junk.bin", "not recognised"),
        ("idx", "magic number"),
        ("builtin:mnist", "known: mnist1d"),
        ("table.csv --target z", "no column 'z'"),
    ] {
        refused(&place, &format!("--data {data}"), text);
    }
}

#[test]
fn arguments_that_make_no_sense() {
    let place = Place::new();
    place.write("file", "");
    place.write("broken.toml", "[space]\nname = \n");
    place.write("empty.toml", "");
    for (arguments, text) in [
        ("--space mpl", "did you mean `mlp`"),
        ("--space mobile", "image"),
        ("--space none.toml", "none.toml"),
        ("--space broken.toml", "broken.toml"),
        ("--space empty.toml", "empty.toml"),
        ("--strategy regularised-evolution", "did you mean `regularized-evolution`"),
        ("--scheduler asah", "did you mean `asha`"),
        ("--limit params", "limit"),
        ("--limit parms<=3", "did you mean `params`"),
        ("--limit params<=1q", "got `1q`"),
        ("--limit params<=99999999999999999999999", "limit"),
        ("--time 10x", "expected a time"),
        ("--time 1s", "at least 5s"),
        ("--time 40000d", "expected a time"),
        ("--workers 0", "workers"),
        ("--workers 99999", "workers"),
        ("--seed -1", "seed"),
        ("--seed 18446744073709551615", "too large"),
        ("--engine gpu", "expected auto, cpu, cuda, wgpu or burn-cpu, got `gpu`"),
        ("--task guess", "classification"),
        ("--estimator pyhton", "no such file on the path"),
        ("--estimator '", "matching quotes"),
        ("--frobnicate", "--frobnicate"),
    ] {
        refused(&place, &format!("--data table.csv {arguments}"), text);
    }
    for engine in Backend::ALL.into_iter().filter(|engine| !engine.is_built()) {
        refused(&place, &format!("--data table.csv --engine {engine}"), &format!("--features {engine}"));
    }
    for trials in ["0", "-1", "99999999999999999999", "x"] {
        place.search(&format!("--data table.csv --trials {trials} --out x")).exits(2).says("trials");
    }
    for out in ["file", "file/x", "/proc/none/x"] {
        place.search(&format!("--data table.csv --trials 2 --out {out}")).exits(2).says(out);
    }
    place.search("--trials 2 --out x").exits(2).says("--data");
    place.run("search --config none.toml --data table.csv").exits(2).says("none.toml");
    place.run("lst").exits(2).says("similar");
    place.run("list spces").exits(2).says("spaces");
    place.run("").exits(2);
}

#[test]
fn configurations_that_make_no_sense() {
    let place = Place::new();
    for (config, text) in [
        ("seed = \n", "line 1, column 8"),
        ("sed = 1\n", "unknown field `sed`"),
        ("seed = 'a'\n", "seed"),
        ("seed = -1\n", "seed"),
        ("workers = 0\n", "workers"),
        ("engine = 'gpu'\n", "got `gpu`"),
        ("data = 3\n", "[data]"),
        ("strategy = 3\n", "strategy"),
        ("limits = 3\n", "limits"),
        ("[serch]\nepochs = 1\n", "serch"),
        ("[search]\nepoch = 1\n", "`epoch`"),
        ("[search]\nepochs = 'x'\n", "epochs"),
        ("[search]\nepochs = nan\n", "NaN"),
        ("[search]\nfinal_stop = 0\n", "final_stop"),
        ("[search]\nwindow = 0\n", "window"),
        ("[strategy]\nnam = 'random'\n", "nam"),
        ("[strategy.settings]\npopulation = 0\n", "population"),
        ("[strategy.settings]\npopulatoin = 9\n", "populatoin"),
        ("[scheduler.settings]\neta = 'x'\n", "eta"),
        ("[recipe]\nbatch = 0\n", "batch"),
        ("[recipe]\nlearning_rate = -1\n", "learning_rate"),
        ("[recipe.optimizer]\nkind = 'sdg'\n", "sdg"),
        ("[recipe.optimizer]\nkind = 'sgd'\nmomentum = 2.0\n", "momentum"),
        ("[recipe.augment]\nmixup = -3.0\n", "mixup"),
        ("[recipe.augment]\nmixpu = 3.0\n", "mixpu"),
        ("[data]\nvalid_fraction = 2.0\n", "valid_fraction"),
        ("[data]\nvalid_fraction = 0.0\n", "too few samples"),
        ("[estimator]\ntimeout = '3s'\n", "command"),
    ] {
        place.write("bad.toml", config);
        let told =
            place.run("search --data table.csv --trials 2 --out x --config bad.toml").exits(2).says(text);
        assert!(told.out.is_empty() && !place.path("x").exists(), "{config}");
    }
}

#[test]
fn json_is_all_there_is_on_standard_output() {
    let place = Place::new();
    let told = place.search("--data table.csv --trials 3 --out run --json").exits(0);
    let lines: Vec<serde_json::Value> = told.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.last().unwrap()["notice"], "done");
    assert!(told.err.is_empty(), "{}", told.err);
    let figures = place.run("evaluate run --data table.csv --json").exits(0);
    assert!(serde_json::from_str::<serde_json::Value>(&figures.out).unwrap()["accuracy"].is_number());
}

#[test]
fn every_command_explains_itself() {
    let place = Place::new();
    let help = place.run("--help").exits(0);
    for command in ["search", "resume", "report", "export", "evaluate", "predict", "train", "list"] {
        assert!(help.out.contains(command));
        assert!(place.run(&format!("{command} --help")).exits(0).out.contains("Usage: nasmyth"));
    }
    for what in ["spaces", "strategies", "schedulers", "ops", "formats", "exports", "costs"] {
        assert!(place.run(&format!("list {what}")).exits(0).out.lines().all(|l| l.len() > 24), "{what}");
    }
    let mut child = place.start("list ops");
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success(), "a closed pipe is no error");
}
