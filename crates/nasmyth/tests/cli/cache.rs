//! What runs share, and what a report explains.

use crate::place::Place;

#[test]
fn runs_share_their_estimates_and_stay_the_same() {
    let place = Place::new();
    let search = |more: &str| place.search(&format!("--data table.csv --trials 12 {more}")).exits(0);
    let lines = || place.text("cache/estimates.jsonl").lines().count();
    search("--out plain");
    search("--cache cache --out first");
    let kept = lines();
    search("--cache cache --workers 1 --out second");
    assert_eq!((kept > 3, lines()), (true, kept), "nothing is estimated twice");
    for file in ["best/model.onnx", "best/architecture.txt"] {
        assert_eq!(place.read(&format!("plain/{file}")), place.read(&format!("second/{file}")));
    }
    // Another strategy begins with the same network; another seed is another estimate.
    search("--cache cache --strategy random --out third");
    assert!(lines() < kept + 12);
    place.write("cache/estimates.jsonl", "\u{0}no json\n{\"key\":");
    search("--cache cache --out fourth");
    assert_eq!(place.read("plain/best/model.onnx"), place.read("fourth/best/model.onnx"));
    place.search("--data table.csv --trials 2 --cache table.csv --out fifth").says("the cache");
}

#[test]
fn a_report_tells_what_good_networks_have_in_common() {
    let place = Place::new();
    place.search("--data table.csv --scheduler none --trials 30 --out run").exits(0);
    let patterns = place.json("run/motifs.json");
    let first = &patterns[0];
    assert!(first["gradient"].as_f64() > patterns.as_array().unwrap().last().unwrap()["gradient"].as_f64());
    assert!(place.text("run/report.html").contains("What good networks have in common"));
    std::fs::remove_file(place.path("run/motifs.json")).unwrap();
    place.run("report run").exits(0);
    assert!(!place.text("run/report.html").contains("What good networks have in common"));
}
