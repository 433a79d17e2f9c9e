//! Ctrl-C: exit code 4, how to go on, and going on.

use crate::place::{Place, signal, until, wait};
use std::time::{Duration, Instant};

#[test]
fn interrupted_in_the_search_and_in_the_final_training() {
    let place = Place::new();
    place.write("slow.toml", "[search]\nepochs = 20.0\nfinal_epochs = 200.0\n");
    let child = place.start("search --data Waves --config slow.toml --trials 6 --out run");
    until(|| place.path("run/config.toml").exists() && place.state("run").settled() > 0);
    signal(&child, "INT");
    wait(child).exits(4).says("nasmyth resume run");
    let kept = place.state("run").settled();
    assert!(kept > 0 && place.state("run").stopped.is_some());
    let child = place.start("resume run");
    until(|| place.state("run").stopped == Some(nasmyth::study::StopReason::Trials));
    std::thread::sleep(Duration::from_millis(100));
    signal(&child, "INT");
    wait(child).exits(4).says("nasmyth resume run");
    place.run("report run").exits(0);
    place.run("evaluate run --data Waves").exits(2).says("finished run");
    place.run("resume run").exits(0);
    assert!(place.path("run/best/model.onnx").exists() && place.path("run/report.html").exists());
}

#[test]
fn interrupted_at_once() {
    let place = Place::new();
    let command = "search --data builtin:mnist1d --time 60s --out run";
    let child = place.start(command);
    std::thread::sleep(Duration::from_millis(30));
    signal(&child, "INT");
    let told = wait(child);
    // Before the program could say what to do with a signal, it ends by it.
    assert!(told.code.is_none() || told.code == Some(4), "{:?} {}", told.code, told.err);
}

#[test]
fn a_training_goes_on_with_the_same_command() {
    let place = Place::with_run();
    let train = "train run/best/architecture.txt --data table.csv --out net --epochs";
    let child = place.start(&format!("{train} 1200"));
    until(|| place.path("net/config.toml").exists());
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, "TERM");
    wait(child).exits(4).says("the same command");
    place.run(&format!("{train} 1200 --workers 1")).exits(0);
    place.run(&format!("{train} 1200")).exits(2).says("holds a network already");
    place.run("train run/best/architecture.txt --data table.csv --out other --epochs 1200").exits(0);
    assert!(place.read("net/best/model.onnx") == place.read("other/best/model.onnx"));
    place.run("evaluate net --data table.csv").exits(0);
    place.run("train table.csv --data table.csv --epochs 1 --out x").exits(2).says("architecture");
    place.run("train run/best/architecture.txt --data Waves --epochs 1 --out x").exits(2).says("shape");
}

#[test]
fn an_infeasible_limit_is_named_soon() {
    let place = Place::new();
    let image = crate::bad_input::image_arrays(60);
    place.write("images.npz", image);
    for data in ["table.csv", "numbers.csv", "Waves", "images.npz"] {
        let begun = Instant::now();
        let told = place.search(&format!("--data {data} --limit macs<=1G,params<=10 --time 60s --out x"));
        told.exits(3).says("params<=10").says("smallest");
        assert!(begun.elapsed() < Duration::from_secs(5), "{data}: {:?}", begun.elapsed());
        assert!(!place.path("x").exists());
    }
}
