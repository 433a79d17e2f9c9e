//! A differentiable search before the trials.

use crate::place::Place;
use serde_json::Value;

/// As short as a search can be.
const SHORT: &str = "[search]\nepochs = 1.0\nfinal_epochs = 1.0\n[relaxed.budget]\nepochs = 2\nsamples = 16\nbatch = 16\njudged = 1\n";

#[test]
fn the_decided_network_comes_first_and_limits_are_kept() {
    let place = Place::new();
    place.write("short.toml", SHORT);
    for strategy in ["darts", "sgas", "pc-darts"] {
        let told = place.run(&format!(
            "search --data Waves --space cell --strategy {strategy} --config short.toml --limit params<=3k --trials 4 --out {strategy}"
        ));
        told.exits(0).says("relaxed   epoch 2 of 2").says("drawn");
        let state = place.state(strategy);
        assert_eq!(state.trials().len(), 4);
        assert!(state.trials().iter().all(|t| t.costs.0["params"] <= 3000));
        assert!(place.text(&format!("{strategy}/report.html")).contains("How the choices were made"));
        let config = place.text(&format!("{strategy}/config.toml"));
        assert!(config.contains(&format!("method = \"{strategy}\"")), "{config}");
    }
    let search = "search --data Waves --space cell --strategy darts --config short.toml --trials 4";
    place.run(&format!("{search} --limit params<=3k --workers 1 --out one")).exits(0);
    let [one, two] = ["one", "darts"].map(|run| {
        let mut outcome: Value = serde_json::from_str(&place.text(&format!("{run}/relaxed.json"))).unwrap();
        assert!(outcome["seconds"].take().as_f64().is_some_and(|seconds| seconds > 0.0));
        outcome
    });
    assert_eq!(one, two);
    assert_eq!(place.text("one/best/architecture.txt"), place.text("darts/best/architecture.txt"));
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let place = Place::new();
    let search = "search --data Waves --trials 2 --strategy darts --out run";
    place.write("wrong.toml", "[relaxed.settings]\nwarmup = 2.0\n");
    place.run(&format!("{search} --config wrong.toml")).exits(2).says("warmup must be a share");
    place.write("wrong.toml", "[relaxed.budget]\nepochs = 0\n");
    place.run(&format!("{search} --config wrong.toml")).exits(2).says("relaxed.budget.epochs");
}
