//! Several objectives: a front of trained networks, the same however it came about.

use crate::place::Place;
use nasmyth::FrontMember;

fn front(place: &Place, run: &str) -> Vec<FrontMember> {
    serde_json::from_value(place.json(&format!("{run}/front/front.json"))).unwrap()
}

#[test]
fn a_front_is_trained_exported_and_reported() {
    let place = Place::new();
    place
        .search(
            "--data table.csv --objective accuracy,params --strategy nsga2 --limit params<=2k --trials 60 --out run",
        )
        .exits(0);
    let front = front(&place, "run");
    assert!((2..=5).contains(&front.len()), "{front:?}");
    for pair in front.windows(2) {
        assert!(pair[0].costs["params"] > pair[1].costs["params"], "better networks cost more: {front:?}");
        assert!(pair[0].valid["accuracy"] >= pair[1].valid["accuracy"], "{front:?}");
    }
    for member in &front {
        for file in ["model.onnx", "weights.safetensors", "certificate.json", "metrics.json"] {
            assert!(place.path(&format!("run/{}/{file}", member.folder)).exists(), "{member:?} {file}");
        }
        let holds =
            place.json(&format!("run/{}/certificate.json", member.folder))["limits"][0]["holds"].clone();
        assert_eq!(holds, true);
    }
    assert_eq!(place.read("run/best/model.onnx"), place.read("run/front/01/model.onnx"));
    assert!(place.text("run/report.html").contains("front/02"));
    place.run("predict run --data table.csv --out predictions.csv").exits(0);
}

#[test]
fn the_configuration_of_a_timed_front_repeats_it() {
    let place = Place::new();
    place
        .search("--data table.csv --objective accuracy,macs --strategy nsga2 --time 9s --out timed")
        .exits(0);
    place.run("search --config timed/config.toml --workers 1 --out again").exits(0);
    assert_eq!(front(&place, "timed"), front(&place, "again"));
    for member in front(&place, "timed") {
        let file = |run: &str| place.read(&format!("{run}/{}/model.onnx", member.folder));
        assert_eq!(file("timed"), file("again"), "{member:?}");
    }
}

#[test]
fn objectives_are_checked() {
    let place = Place::new();
    place
        .search("--data table.csv --objective accuracy,parms --trials 2")
        .exits(2)
        .says("did you mean `params`");
    place
        .search("--data table.csv --objective accuracy,params --strategy local-search --trials 2")
        .exits(2)
        .says("nsga2");
}
