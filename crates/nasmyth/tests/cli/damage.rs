//! Runs and files that were damaged, changed, or are in use.

use crate::place::{Place, signal, table, until, wait};

#[test]
fn a_run_folder_in_use() {
    let place = Place::new();
    place.write("slow.toml", "[search]\nepochs = 20.0\nfinal_epochs = 2000.0\n");
    let search = "search --data Waves --config slow.toml --trials 50 --out run";
    let child = place.start(search);
    until(|| place.path("run/config.toml").exists());
    place.run("resume run").exits(2).says("in use by process");
    place.run(search).exits(2).says("holds a run already");
    place.run("report run").exits(0);
    signal(&child, "KILL");
    wait(child);
    let recorded = place.state("run").settled();
    place.run(search).exits(2).says("nasmyth resume run");
    assert_eq!(place.state("run").settled(), recorded, "nothing is lost");
}

#[test]
fn a_folder_that_is_no_run() {
    let place = Place::new();
    for command in ["resume", "report", "export --format svg", "evaluate --data table.csv"] {
        for run in ["nothing", "Waves"] {
            place.run(&format!("{command} {run}")).exits(2).says(run);
        }
    }
    place.run("predict nothing --data table.csv --out p.csv").exits(2).says("nothing");
}

#[test]
fn a_run_killed_before_it_began_begins_again() {
    let place = Place::new();
    place.write("slow.toml", "[search]\nepochs = 20.0\nfinal_epochs = 2.0\n");
    let search = "search --data Waves --config slow.toml --trials 3 --out run";
    let child = place.start(search);
    until(|| place.path("run/config.toml").exists());
    signal(&child, "KILL");
    wait(child);
    if place.state("run").trials().is_empty() {
        std::fs::remove_file(place.path("run/config.toml")).unwrap();
        place.run("resume run").exits(2).says("give its `nasmyth search` command again");
        place.run(search).exits(0);
    }
}

#[test]
fn data_that_changed() {
    let place = Place::with_run();
    std::fs::remove_file(place.path("run/best/model.onnx")).unwrap();
    place.write("table.csv", table(250));
    place.run("resume run").exits(2).says("has changed");
    place.run("search --config run/config.toml --out other").exits(2).says("has changed");
    std::fs::remove_file(place.path("table.csv")).unwrap();
    place.run("resume run").exits(2).says("table.csv");
}

#[test]
fn a_log_that_is_newer_or_damaged() {
    let place = Place::with_run();
    /// Of `user_version` in the header of an SQLite file.
    const VERSION: usize = 60;
    let log = place.read("run/study.db");
    let mut newer = log.clone();
    newer[VERSION..VERSION + 4].copy_from_slice(&99u32.to_be_bytes());
    let damaged: Vec<u8> = log.iter().enumerate().map(|(i, b)| if i > 200 { b ^ 0x55 } else { *b }).collect();
    for (bytes, text) in [
        (newer, "version 99"),
        (damaged, "not a sound log"),
        (log[..log.len() / 2].to_vec(), "not a sound log"),
        (b"no database at all".to_vec(), "not a sound log"),
        (Vec::new(), "study.db"),
    ] {
        place.write("run/study.db", &bytes);
        place.run("resume run").exits(2).says(text);
        place.run("report run").exits(2).says(text);
    }
}

#[test]
fn files_of_a_run_that_are_damaged() {
    let place = Place::with_run();
    let commands = ["evaluate run --data table.csv", "export run --format dot", "report run"];
    let broken = |file: &str, which: &[usize]| {
        let path = format!("run/{file}");
        let good = place.read(&path);
        let flipped: Vec<u8> = good.iter().map(|b| b ^ 0x2a).collect();
        for bytes in [Vec::new(), good[..good.len() / 3].to_vec(), flipped] {
            place.write(&path, &bytes);
            for i in which {
                place.run(commands[*i]).exits(2).says(file);
            }
        }
        place.write(&path, &good);
    };
    broken("best/weights.safetensors", &[0, 1]);
    broken("best/architecture.txt", &[0, 1]);
    broken("schema.json", &[0]);
    broken("best/metrics.json", &[2]);
    broken("best/certificate.json", &[2]);
    broken("config.toml", &[2]);
    for command in commands {
        place.run(command).exits(0);
    }
    place.run("export run --format onx").exits(2).says("did you mean `onnx`");
}

#[test]
fn an_onnx_file_that_is_damaged_or_foreign() {
    let place = Place::with_run();
    let good = place.read("run/best/model.onnx");
    let flipped: Vec<u8> = good.iter().map(|b| b ^ 0x2a).collect();
    let tenths = (0..10).map(|i| good[..good.len() * i / 10].to_vec());
    for bytes in tenths.chain([flipped, b"hello".to_vec()]) {
        place.write("bad.onnx", &bytes);
        place.run("evaluate bad.onnx --data table.csv").exits(2).says("bad.onnx");
        place.run("predict bad.onnx --data table.csv --out p.csv").exits(2).says("bad.onnx");
    }
    assert!(!place.path("p.csv").exists());
    place.run("evaluate run --data Waves").exits(2).says("Waves");
    place.run("evaluate run --data nothing.csv").exits(2).says("nothing.csv");
}
