//! Published networks.

use crate::place::Place;
use serde_json::Value;

#[test]
fn networks_are_listed_described_exported_and_plotted() {
    let place = Place::new();
    let listed: Vec<Value> = serde_json::from_str(&place.run("zoo list --json").exits(0).out).unwrap();
    let b0 = listed.iter().find(|n| n["name"] == "efficientnet_b0").unwrap();
    assert_eq!((&b0["params"], &b0["conv_linear_macs"]), (&5_288_548.into(), &385_814_752.into()));
    let only = place.run("zoo list --family regnetx").exits(0).out;
    assert!(only.contains("regnetx_160") && !only.contains("regnety"), "{only}");
    assert!(place.run("zoo list --families").exits(0).out.contains("w_a"));
    let told = place.run("zoo describe regnetx_002 --classes 10 --resolution 64 --json").exits(0).out;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["input"], &told["classes"]), (&serde_json::json!([64, 64, 3]), &10.into()));
    assert!(place.run("zoo describe regnetx_002").exits(0).out.contains("stage4.block1"));

    place.run("zoo plot --out all.html").exits(0);
    let page = std::fs::read_to_string(place.path("all.html")).unwrap();
    assert!(page.contains("regnetx_320") && page.contains("circle class"), "{} bytes", page.len());

    let small = "regnetx:depth=2,w_0=8,w_a=8,group=8 --classes 3 --resolution 16";
    place.run(&format!("zoo export {small} --format safetensors --seed 5 --out w.safetensors")).exits(0);
    place.run(&format!("zoo export {small} --format onnx --weights w.safetensors --out a.onnx")).exits(0);
    place.run(&format!("zoo export {small} --format onnx --seed 5 --out b.onnx")).exits(0);
    let read = |name: &str| std::fs::read(place.path(name)).unwrap();
    assert_eq!(read("a.onnx"), read("b.onnx"));
    place.run("inspect plan a.onnx --mode infer --steps 1").exits(0);
    place.run("zoo export regnetx_002 --format onnx --weights w.safetensors").exits(2).says("w.safetensors");
}

#[test]
fn wrong_requests_name_what_is_wrong() {
    let place = Place::new();
    for (request, text) in [
        ("describe efficientnet_b00", "did you mean `efficientnet_b0`"),
        ("describe efficientnet_b0:width=-1", "`width` of family `efficientnet`"),
        ("describe efficientnet_b0:widht=1", "did you mean `width`"),
        ("describe efficientnet_b0 --resolution 16", "at least 32"),
        ("describe efficientnet_b0 --resolution 0", "`resolution`"),
        ("describe regnetx:w_0=9", "a multiple of 8"),
        ("export regnetx_002 --format onx", "did you mean `onnx`"),
        ("list --family nope", "no family is called `nope`"),
    ] {
        place.run(&format!("zoo {request}")).exits(2).says(text);
    }
    place.run("search --data Waves --space zoo:regnetx --trials 1").exits(2).says("images");
    place.run("search --data Waves --space zoo:nope --trials 1").exits(2).says("nope");
}
