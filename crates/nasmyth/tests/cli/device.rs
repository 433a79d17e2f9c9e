//! Measuring networks.

use crate::place::Place;
use serde_json::Value;

const NETWORK: &str = "graph tiny\nx = input(shape=[6, 4])\nc = conv(x, out=8, kernel=[3])\n\
                       p = global_pool(c, pooling=average)\ny = linear(p, out=3)\noutput y\n";

fn measured(place: &Place, arguments: &str) -> Value {
    let told = place.run(&format!("device measure {arguments} --time 30ms --json")).exits(0);
    serde_json::from_str(&told.out).unwrap()
}

#[test]
fn runs_files_and_text_are_measured() {
    let place = Place::with_run();
    place.write("tiny.txt", NETWORK);
    for network in ["run", "run/best/model.onnx", "tiny.txt"] {
        let report = measured(&place, &format!("{network} --runtime plan,rten"));
        let runtimes = report["runtimes"].as_array().unwrap();
        assert_eq!(runtimes.len(), 2);
        for (runtime, name) in runtimes.iter().zip(["plan", "rten"]) {
            let m = &runtime["measurements"][0];
            assert_eq!((m["runtime"].as_str(), m["threads"].as_u64()), (Some(name), Some(1)));
            let [low, median, high, p99] =
                ["low_s", "median_s", "high_s", "p99_s"].map(|k| m[k].as_f64().unwrap());
            assert!(0.0 < low && low <= median && median <= high && median <= p99, "{m}");
            assert_eq!(runtime["median_s"], m["median_s"]);
        }
    }
}

#[test]
fn repetitions_are_compared() {
    let place = Place::new();
    place.write("tiny.txt", NETWORK);
    let report = measured(&place, "tiny.txt --repeat 3 --every 1ms");
    let runtime = &report["runtimes"][0];
    let medians: Vec<f64> =
        runtime["measurements"].as_array().unwrap().iter().map(|m| m["median_s"].as_f64().unwrap()).collect();
    assert_eq!(medians.len(), 3);
    let (least, most) = medians.iter().fold((f64::MAX, 0f64), |(a, b), &m| (a.min(m), b.max(m)));
    let spread = runtime["spread"].as_f64().unwrap();
    assert!((spread * runtime["median_s"].as_f64().unwrap() - (most - least)).abs() < 1e-12);
    if spread > 0.05 {
        assert_eq!(runtime["noisy"], true);
    }
    let text = place.run("device measure tiny.txt --repeat 2 --every 1ms --time 20ms").exits(0).out;
    assert!(text.contains("tiny on ") && text.contains("2 measurements: median"), "{text}");
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let place = Place::new();
    place.write("tiny.txt", NETWORK);
    place.write("broken.onnx", [8, 7, 255, 255, 255]);
    place.write("libonnxruntime.so", "no library");
    for (arguments, text) in [
        ("missing", "no such run folder, ONNX file or text file"),
        ("broken.onnx", "broken.onnx"),
        ("Waves", "architecture.txt"),
        ("tiny.txt --runtime pytorch", "onnxruntime"),
        ("tiny.txt --threads 0", "--threads"),
        ("tiny.txt --threads 2", "one sample on one thread"),
        ("tiny.txt --time soon", "expected a time"),
        ("tiny.txt --runtime onnxruntime --onnxruntime nowhere.so", "pip install onnxruntime"),
        ("tiny.txt --runtime onnxruntime --onnxruntime ./libonnxruntime.so", "pip install onnxruntime"),
    ] {
        let told = place.run(&format!("device measure {arguments} --json")).exits(2).says(text);
        assert!(told.out.is_empty(), "{}", told.out);
    }
}

#[test]
fn runtimes_are_listed_with_what_they_need() {
    let told = Place::new().run("list runtimes").exits(0).out;
    for runtime in nasmyth::measure::RUNTIMES {
        let line = told.lines().find(|l| l.starts_with(runtime.name)).expect(runtime.name);
        assert!(line.contains("Version ") || line.contains("Not here: "), "{line}");
    }
}
