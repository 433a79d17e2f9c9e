//! What was found, used again.

use crate::place::{Place, numbers, table};
use nasmyth::study::{Status, Trial};

fn figure(place: &Place, model: &str, data: &str, name: &str) -> f64 {
    let told = place.run(&format!("evaluate {model} --data {data} --json")).exits(0);
    serde_json::from_str::<serde_json::Value>(&told.out).unwrap()[name].as_f64().unwrap()
}

/// The same up to the order of sums.
fn near(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-4 * a.abs().max(1.0), "{a} {b}");
}

#[test]
fn evaluating_gives_the_figures_of_the_run() {
    let place = Place::new();
    place.search("--data Waves --trials 3 --out run").exits(0);
    let metrics = place.json("run/best/metrics.json");
    for name in ["accuracy", "loss"] {
        let test = metrics["test"][name].as_f64().unwrap();
        near(figure(&place, "run", "Waves", name), test);
        near(figure(&place, "run/best/model.onnx", "Waves", name), test);
    }
    let certificate = place.json("run/best/certificate.json");
    assert!(certificate["runtime"]["largest_difference"].as_f64().unwrap() < 1e-4);
    assert_eq!(certificate["runtime"]["same_answers"], 1.0);
}

#[test]
fn predicting_for_tables_with_and_without_target() {
    let place = Place::with_run();
    let all = table(50);
    let without: String = all.lines().map(|l| format!("{}\n", l.rsplit_once(',').unwrap().0)).collect();
    place.write("new.csv", &all);
    place.write("bare.csv", &without);
    for model in ["run", "run/best/model.onnx"] {
        for data in ["new.csv", "bare.csv"] {
            place.run(&format!("predict {model} --data {data} --out p.csv")).exits(0);
            let csv = place.text("p.csv");
            assert_eq!(csv.lines().count(), 51);
            assert!(csv.starts_with("sample,prediction,p("), "{csv}");
        }
    }
    place.run("evaluate run --data bare.csv").exits(2).says("bare.csv");
    place.write("odd.csv", all.replacen("neg", "maybe", 1));
    place.run("evaluate run --data odd.csv").exits(2).says("maybe");
    place.run("predict run --data table.csv --out table.csv/p.csv").exits(2).says("table.csv/p.csv");
    for format in ["onnx", "safetensors", "text", "dot", "svg"] {
        place.run(&format!("export run --format {format} --out out.{format}")).exits(0);
        assert!(!place.read(&format!("out.{format}")).is_empty());
    }
    assert!(place.read("out.onnx") == place.read("run/best/model.onnx"));
}

#[test]
fn regression_works_throughout() {
    let place = Place::new();
    place.search("--data numbers.csv --trials 3 --out run").exits(0);
    assert_eq!(place.json("run/best/metrics.json")["task"], "regression");
    place.write("new.csv", numbers(40));
    near(figure(&place, "run", "new.csv", "r2"), figure(&place, "run/best/model.onnx", "new.csv", "r2"));
    place.run("predict run --data new.csv --out p.csv").exits(0);
    let csv = place.text("p.csv");
    let values: Vec<f64> =
        csv.lines().skip(1).map(|l| l.split(',').nth(1).unwrap().parse().unwrap()).collect();
    assert!(values.len() == 40 && values.iter().all(|v| v.is_finite()));
}

#[test]
fn a_candidate_too_large_for_memory_fails_with_a_reason() {
    let place = Place::new();
    let layer = |small: u32| format!("[[layer]]\nop = \"linear\"\nout = {{ choice = [{small}, 60000] }}\n");
    place.write("wide.toml", format!("name = \"wide\"\n{}{}", layer(8), layer(16)));
    place.search("--data table.csv --space wide.toml --scheduler none --trials 9 --out run").exits(0);
    let state = place.state("run");
    assert_eq!(state.trials().len(), 4, "all networks that there are");
    let reasons: Vec<&str> = state.trials().iter().filter_map(reason).collect();
    assert!(reasons.len() == 1 && reasons[0].contains("memory"), "{reasons:?}");
}

fn reason(trial: &Trial) -> Option<&str> {
    match &trial.status {
        Status::Failed { reason, .. } => Some(reason),
        _ => None,
    }
}

#[test]
fn without_a_trial_that_ends_there_is_a_network_and_a_report() {
    let place = Place::new();
    place.write("wild.toml", "scheduler = \"none\"\n[search]\nepochs = 60.0\nfinal_epochs = 2.0\nfinal_learning_rate = 1e-3\n[recipe]\nlearning_rate = 1e30\n");
    let told = place.run("search --data table.csv --config wild.toml --trials 3 --out run").exits(0);
    assert!(told.says("every trial failed").err.contains("diverged"));
    assert!(place.state("run").completed().next().is_none());
    place.run("report run").exits(0);
    place.run("evaluate run --data table.csv").exits(0);
}
