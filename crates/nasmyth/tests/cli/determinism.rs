//! The same seed gives the same run: whatever the number of workers, killed or not, and again from its `config.toml`.

use crate::place::{Place, noise, signal, until, wait};
use nasmyth::study::Status;
use std::time::Duration;

const FILES: [&str; 3] = ["best/model.onnx", "best/weights.safetensors", "best/architecture.txt"];

/// All of a run that must be the same.
fn essence(place: &Place, run: &str) -> (Vec<String>, Vec<Vec<u8>>) {
    let state = place.state(run);
    let trial = |t: &nasmyth::study::Trial| {
        let result = match &t.status {
            Status::Completed(estimate) => format!("{:?} {:?}", estimate.value, estimate.metrics),
            other => format!("{other:?}"),
        };
        let (origin, from) = (&t.origin, t.cached_from);
        format!("{} {} {} {:?} {origin:?} {from:?} {result}", t.trial, t.genotype, t.hash, t.fidelity)
    };
    let trials = state.trials().iter().map(trial).collect();
    (trials, FILES.map(|file| place.read(&format!("{run}/{file}"))).to_vec())
}

fn same_files(place: &Place, a: &str, b: &str) {
    for file in FILES {
        assert!(place.read(&format!("{a}/{file}")) == place.read(&format!("{b}/{file}")), "{a}, {b}: {file}");
    }
}

#[test]
fn workers_kills_and_repetition_change_nothing() {
    let place = Place::new();
    place.write("slow.toml", "[search]\nepochs = 12.0\nfinal_epochs = 80.0\n");
    let search = "search --data Waves --config slow.toml --seed 3 --trials 12";
    place.run(&format!("{search} --workers 1 --out one")).exits(0);
    place.run(&format!("{search} --workers 2 --out two")).exits(0);
    killed(&place, &format!("{search} --out killed"));
    place.run("search --config one/config.toml --workers 2 --out again").exits(0);
    let expected = essence(&place, "one");
    assert_eq!(expected.0.len(), 12);
    for run in ["two", "killed", "again"] {
        assert!(essence(&place, run) == expected, "{run}");
    }
    assert_eq!(
        place.text("one/config.toml"),
        place.text("again/config.toml").replace("workers = 2", "workers = 1")
    );
    let left: Vec<_> =
        std::fs::read_dir(place.path("killed")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("checkpoint")), "{left:?}");
}

#[test]
fn a_super_network_is_the_same_on_any_workers_killed_and_again() {
    let place = Place::new();
    place.write("slow.toml", "[search]\nfinal_epochs = 40.0\n[supernet]\nepochs = 80.0\n");
    let search = "search --data Waves --strategy few-shot --config slow.toml --seed 3 --trials 10";
    place.run(&format!("{search} --workers 1 --out one")).exits(0);
    killed(&place, &format!("{search} --workers 2 --out killed"));
    place.run("search --config one/config.toml --workers 2 --out again").exits(0);
    let expected = essence(&place, "one");
    for run in ["killed", "again"] {
        assert!(essence(&place, run) == expected, "{run}");
    }
}

/// Two kills at random moments, one during the final training, then on to the end.
fn killed(place: &Place, search: &str) {
    let mut next = noise(std::process::id());
    let mut child = place.start(search);
    until(|| place.path("killed/config.toml").exists());
    for _ in 0..2 {
        std::thread::sleep(Duration::from_secs_f64(0.4 * next()));
        signal(&child, "KILL");
        wait(child);
        child = place.start("resume killed --workers 2");
    }
    until(|| place.state("killed").stopped.is_some());
    std::thread::sleep(Duration::from_secs_f64(0.1 * next()));
    signal(&child, "KILL");
    wait(child);
    place.run("resume killed").exits(0);
}

#[test]
fn a_run_by_time_repeats_from_its_configuration() {
    let place = Place::new();
    place.run("search --data Waves --time 5s --seed 1 --out timed").exits(0);
    let config = place.text("timed/config.toml");
    assert!(config.contains("trials = ") && !config.contains("\ntime = "), "{config}");
    place.run("search --config timed/config.toml --workers 1 --out again").exits(0);
    same_files(&place, "timed", "again");
}

#[test]
fn a_search_without_time_for_a_trial_repeats() {
    let place = Place::new();
    place.write("slow.toml", "[search]\nepochs = 1e6\n");
    place.run("search --data Waves --time 5s --config slow.toml --out timed").exits(0).says("no trial ended");
    assert!(place.text("timed/config.toml").contains("trials = 0"));
    place.run("search --config timed/config.toml --out again").exits(0);
    same_files(&place, "timed", "again");
}

#[test]
fn a_final_training_that_was_cut_off_repeats() {
    let place = Place::new();
    let search = "search --data table.csv --trials 2 --config cut.toml --out";
    place.write(
        "cut.toml",
        "[search]\nepochs = 1.0\nfinal_epochs = 20.0\nfinal_stop = 9.0\nfinal_learning_rate = 1e-3\n",
    );
    place.run(&format!("{search} cut")).exits(0);
    place.run("search --config cut/config.toml --out again").exits(0);
    same_files(&place, "cut", "again");
    let config = place.text("cut/config.toml");
    assert!(config.contains("final_stop = ") && config.contains("final_learning_rate = 0.001"), "{config}");
    place.write("cut.toml", "[search]\nepochs = 1.0\nfinal_epochs = 9.0\n");
    place.run(&format!("{search} whole")).exits(0);
    assert!(place.read("cut/best/model.onnx") != place.read("whole/best/model.onnx"));
}

#[test]
fn a_finished_run_stays_as_it_is() {
    let place = Place::with_run();
    let (before, model) = (essence(&place, "run"), place.path("run/best/model.onnx"));
    let written = std::fs::metadata(&model).unwrap().modified().unwrap();
    place.run("resume run").exits(0).says("finished already");
    assert!(essence(&place, "run") == before);
    assert_eq!(std::fs::metadata(&model).unwrap().modified().unwrap(), written);
    std::fs::remove_file(&model).unwrap();
    place.run("resume run").exits(0);
    assert!(essence(&place, "run") == before, "what was lost is made again");
}
