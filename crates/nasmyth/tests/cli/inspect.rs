//! Looking into networks.

use crate::place::Place;
use serde_json::Value;

#[test]
fn a_plan_is_shown_for_runs_files_and_text() {
    let place = Place::new();
    place.search("--data Waves --trials 2 --out run").exits(0);
    place.run("export run --format text --out network.txt").exits(0);
    let shown: Vec<Value> = ["run", "run/best/model.onnx", "network.txt"]
        .map(|network| {
            let told = place.run(&format!("inspect plan {network} --steps 1 --batch 8 --json")).exits(0);
            serde_json::from_str(&told.out).unwrap()
        })
        .into();
    let entries = |v: &Value| -> Vec<(String, String)> {
        let text = |e: &Value, key: &str| e[key].as_str().unwrap().to_owned();
        v["entries"].as_array().unwrap().iter().map(|e| (text(e, "node"), text(e, "phase"))).collect()
    };
    assert_eq!(entries(&shown[0]), entries(&shown[1]));
    assert_eq!(entries(&shown[0]), entries(&shown[2]));
    let phases: Vec<String> = entries(&shown[0]).into_iter().map(|(_, phase)| phase).collect();
    for phase in ["prepare", "forward", "measure", "finish", "loss", "measure backward", "backward"] {
        assert!(phases.iter().any(|p| p == phase), "{phase} in {phases:?}");
    }
    let sum: f64 =
        shown[0]["entries"].as_array().unwrap().iter().map(|e| e["seconds"].as_f64().unwrap()).sum();
    assert!((sum - shown[0]["seconds"].as_f64().unwrap()).abs() < 1e-6);
    let text = place.run("inspect plan network.txt --mode infer --steps 1").exits(0).out;
    assert!(text.contains("infer of 64 samples") && !text.contains("backward"), "{text}");
}

#[test]
fn what_is_no_network_is_refused() {
    let place = Place::new();
    place.write("broken.onnx", [8, 7, 255, 255, 255]);
    place.write("broken.txt", "graph g\nx = input(shape=[4])\ny = nonsense(x)\noutput y\n");
    for (network, text) in [
        ("missing", "no such run folder, ONNX file or text file"),
        ("broken.onnx", "broken.onnx"),
        ("broken.txt", "nonsense"),
        ("Waves", "architecture.txt"),
    ] {
        place.run(&format!("inspect plan {network}")).exits(2).says(text);
    }
    place.run("inspect plan broken.txt --batch 0").exits(2).says("--batch");
}
