//! Comparisons of strategies on tables.

use crate::place::Place;
use serde_json::Value;

/// 64 networks whose test value is the sum of their genes.
fn table(place: &Place) {
    let mut text = "genotype,toy_valid_1,toy_valid_4_runs,toy_test_4\n".to_owned();
    for i in 0..64 {
        let (a, b, c) = (i / 16, i / 4 % 4, i % 4);
        let sum = a + b + c;
        text += &format!("{a}_{b}_{c},{sum},{}.5 {sum}.1,{sum}\n", sum);
    }
    place.write("toy.csv", text);
    let told = place.run("bench import toy.csv --out toy.table").exits(0).out;
    assert!(told.contains("64 networks"), "{told}");
}

#[test]
fn the_same_comparison_gives_the_same_bytes() {
    let place = Place::new();
    table(&place);
    assert!(place.run("bench show toy.table").exits(0).out.contains("task toy"));
    let compare = "bench compare --table toy.table --seeds 6 --trials 40 --at 20 --regret 0 --out";
    for folder in ["a", "b"] {
        let told = place.run(&format!("{compare} {folder}")).exits(0).out;
        assert!(told.contains("regularized-evolution") && told.contains("random"), "{told}");
    }
    let files = ["comparison.json", "comparison.html", "curves.csv", "curves.svg", "time.csv", "time.svg"];
    for file in files {
        let read = |folder: &str| std::fs::read(place.path(&format!("{folder}/{file}"))).unwrap();
        assert_eq!(read("a"), read("b"), "{file}");
    }
    let json: Value =
        serde_json::from_slice(&std::fs::read(place.path("a/comparison.json")).unwrap()).unwrap();
    assert_eq!((&json["best"], json["pairs"].as_array().unwrap().len()), (&9.0.into(), 2));
    let names: Vec<&str> =
        json["strategies"].as_array().unwrap().iter().map(|s| s["strategy"].as_str().unwrap()).collect();
    assert_eq!(names, ["regularized-evolution", "random"]);
    let planted = place.run("bench compare --planted 6x3:0.1 --seeds 2 --trials 9").exits(0).out;
    assert!(planted.contains("planted space of 6 genes"), "{planted}");
    let settings = "--strategies regularized-evolution[population=20;sample=2],random --seeds 2 --trials 9";
    place.run(&format!("bench compare --table toy.table {settings}")).exits(0);
}

#[test]
fn cells_are_derived_and_scored() {
    let place = Place::new();
    let derive = "bench derive --table builtin:cells1d --data builtin:mnist1d --seeds 1 --epochs 2 --samples 64 --width 4";
    let methods = "--methods darts[temperature=[1.0,0.5]],sgas[warmup=0.5;limit={sum={weight=0.1}}]";
    let told = place.run(&format!("{derive} {methods}")).exits(0).out;
    let scores = told.lines().filter(|l| l.contains("median score")).count();
    assert!(scores == 2 && told.contains("sgas[") && !told.contains("not in the table"), "{told}");
    let told = place.run(&format!("{derive} --methods sgas --controls --json")).exits(0).out;
    let json: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(json[0]["decisions"].as_array().unwrap().len(), 6);
    assert!(json[0]["score"].as_f64().is_some_and(|s| (10.0..100.0).contains(&s)));
    let controls = ["shared", "alone"].map(|control| json[0]["controls"][control].as_f64());
    assert!(controls.iter().all(|c| c.is_some_and(|s| (10.0..100.0).contains(&s))), "{controls:?}");
    place.run(&format!("{derive} --methods dart")).exits(2).says("did you mean `darts`");
    place.run(&format!("{derive} --methods darts[warmup=3]")).exits(2).says("warmup must be a share");
}

#[test]
fn strategies_run_under_schedulers() {
    let place = Place::new();
    table(&place);
    let compare = "bench compare --table toy.table --seeds 4 --trials 20";
    let schedulers = "--scheduler none,successive-halving[eta=2;rungs=2]";
    let told = place.run(&format!("{compare} {schedulers} --out both")).exits(0).out;
    let names: Vec<&str> = told.lines().filter_map(|l| l.strip_suffix(" proposals")).collect();
    let names: Vec<&str> = names.iter().filter_map(|l| Some(l.split_once(':')?.0)).collect();
    let halved = "regularized-evolution under successive-halving[eta=2;rungs=2]";
    assert_eq!(names, ["regularized-evolution", halved, "random"]);
    let page = String::from_utf8(std::fs::read(place.path("both/comparison.html")).unwrap()).unwrap();
    assert!(page.contains("simulated seconds"));
}

#[test]
fn a_table_of_trained_cells_is_the_same_however_it_was_made() {
    let place = Place::new();
    let make = |out: &str, rest: &str| {
        format!("bench make cells1d --out {out} --cells 3 --epochs 2 --seeds 2 {rest}")
    };
    place.run(&make("one.table.gz", "--workers 1")).exits(0);
    place.run(&make("three.table.gz", "--workers 3")).exits(0);
    let bytes = |name: &str| std::fs::read(place.path(name)).unwrap();
    assert_eq!(bytes("one.table.gz"), bytes("three.table.gz"));
    // Cut off in the middle of the fourth training.
    let trainings = String::from_utf8(bytes("one.table.gz.trainings")).unwrap();
    let lines: Vec<&str> = trainings.lines().collect();
    assert_eq!(lines.len(), 7, "{trainings}");
    place.write("cut.table.gz.trainings", format!("{}\n{}", lines[..4].join("\n"), &lines[4][..9]));
    let told = place.run(&make("cut.table.gz", "--workers 1")).exits(0);
    assert_eq!(bytes("cut.table.gz"), bytes("one.table.gz"));
    assert_eq!(bytes("cut.table.gz.trainings"), bytes("one.table.gz.trainings"));
    assert!(told.out.contains("mnist1d_valid_2#2"), "{}", told.out);
    place.run("bench compare --table cut.table.gz --seeds 2 --trials 4").exits(0);
    // The trainings of other settings are not mixed with these.
    place
        .run("bench make cells1d --out cut.table.gz --cells 3 --epochs 3")
        .exits(2)
        .says("`cells1d, 3 epochs`");
    place.write("cut.table.gz.trainings", format!("{}\nnonsense\n", lines[0]));
    place.run(&make("cut.table.gz", "")).exits(2).says("line 2");
}

#[test]
fn wrong_requests_name_what_is_wrong() {
    let place = Place::new();
    table(&place);
    place.write("empty.csv", "genotype,x_valid\n");
    for (request, text) in [
        ("import missing.csv --out x.table", "missing.csv"),
        ("import empty.csv --out x.table", "at least one network"),
        ("import toy.csv --genes nothing_ --genotype genotype --out x.table", "--genotype"),
        ("import toy.csv --valid nope --out x.table", "a column `nope`"),
        ("compare --table toy.csv", "a table that `nasmyth bench import` wrote"),
        ("compare --table toy.table --task tot", "did you mean `toy`"),
        ("compare --table toy.table --strategies radnom", "random"),
        ("compare --table toy.table --strategies random[x=1]", "x"),
        ("compare --table toy.table --strategies random[x", "in brackets"),
        ("compare --table toy.table --scheduler hyperbnad", "hyperband"),
        ("compare --table toy.table --scheduler hyperband[x=1]", "x"),
        ("compare --table builtin:cells", "builtin:cells1d"),
        ("make cells2d --out x.table", "cells1d"),
        ("compare --table toy.table --seeds 0", "--seeds"),
        ("compare --planted 10", "GENESxOPTIONS"),
        ("compare --seeds 2", "--table"),
    ] {
        place.run(&format!("bench {request}")).exits(2).says(text);
    }
}

#[test]
fn devices_of_a_table_are_evaluated() {
    let place = Place::new();
    let mut text = "genotype,phone,board,watch\n".to_owned();
    for i in 0..64 {
        let (a, b, c) = (i / 16, i / 4 % 4, i % 4);
        text += &format!("{a}_{b}_{c},{},{},{}\n", 1 + a + b + c, 2 + 2 * a + b + c, 3 + a + b + 2 * c);
    }
    place.write("devices.csv", text);
    place.run("bench import devices.csv --out devices.table").exits(0);
    let told = place.run("device evaluate devices.table --train 40 --few 5 --seeds 1").exits(0).out;
    assert!(told.contains("New device, 5 chosen networks") && told.contains("median"), "{told}");
    let json = place.run("device evaluate devices.table --train 40 --few 5 --seeds 1 --json").exits(0).out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (json[0]["device"].as_str(), json[1]["model"]["networks"].as_u64()),
        (Some("board"), Some(24))
    );
    for (request, text) in [
        ("devices.csv", "a table that `nasmyth bench import` wrote"),
        ("devices.table --columns phnoe", "phnoe"),
        ("devices.table --train 900", "1 to 63"),
        ("devices.table --few 0", "--few"),
    ] {
        place.run(&format!("device evaluate {request}")).exits(2).says(text);
    }
}
