//! One super-network in place of a training for each trial.

use crate::place::Place;

#[test]
fn a_search_with_inherited_weights_ends_in_a_trained_network() {
    let place = Place::new();
    place.write("fast.toml", "[search]\nfinal_epochs = 3.0\n[supernet]\nepochs = 6.0\n");
    for strategy in ["fair", "gradient-matching", "autohas"] {
        let told = place.run(&format!(
            "search --data Waves --strategy {strategy} --config fast.toml --limit params<=20k --trials 6 --out {strategy}"
        ));
        told.exits(0).says("supernet  step");
        let state = place.state(strategy);
        assert_eq!(state.trials().len(), 6);
        assert!(state.best().is_some_and(|t| t.value().is_some_and(f64::is_finite)));
        assert!(place.path(&format!("{strategy}/best/model.onnx")).exists());
        let config = place.text(&format!("{strategy}/config.toml"));
        assert!(config.contains(&format!("method = \"{strategy}\"")), "{config}");
    }
    place.run("search --data table.csv --strategy spos --time 20s --limit params<=5k --out timed").exits(0);
    assert!(!place.state("timed").trials().is_empty());
}

#[test]
fn ensembles_are_found_in_a_space_that_shrinks_and_in_any_other() {
    let place = Place::new();
    place.write(
        "fast.toml",
        "[search]\nfinal_epochs = 3.0\n[supernet]\nepochs = 6.0\n[supernet.settings.shrinking]\nnetworks = 8\nkeep = 2\n",
    );
    let search = "search --data Waves --config fast.toml --ensemble 2 --limit params<=40k --trials 6";
    place
        .run(&format!("{search} --strategy neas --out neas"))
        .exits(0)
        .says("shrunk: the search goes on without");
    let state = place.state("neas");
    assert!(state.left_out.iter().any(|option| option.starts_with("member1.")), "{:?}", state.left_out);
    assert_eq!((state.space.as_str(), state.trials().len()), ("conv1d-x2", 6));
    assert!(place.text("neas/config.toml").contains("ensemble = 2"));
    assert!(place.path("neas/best/model.onnx").exists());
    place.run("resume neas").exits(0).says("finished already");
    place.run("search --config neas/config.toml --out again").exits(0);
    assert_eq!(place.text("again/best/certificate.json"), place.text("neas/best/certificate.json"));
    place.run("search --data table.csv --strategy random --ensemble 3 --trials 3 --out random").exits(0);
    assert_eq!(place.state("random").space, "mlp-x3");
    assert!(!place.text("random/config.toml").contains("supernet"));
    let refused = "search --data Waves --trials 2 --out refused";
    place.run(&format!("{refused} --ensemble 0")).exits(2).says("ensemble: expected 1 to 8 members, got 0");
    place.run(&format!("{refused} --ensemble 9")).exits(2).says("ensemble: expected 1 to 8 members, got 9");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let place = Place::new();
    let search = "search --data Waves --trials 2 --strategy spos --out run";
    place.run(&format!("{search} --scheduler asha")).exits(2).says("expected `none`, got `asha`");
    place.run(&format!("{search} --estimator true")).exits(2).says("leave out --estimator");
    place.write("wrong.toml", "[supernet]\nepochs = -1.0\n");
    place.run(&format!("{search} --config wrong.toml")).exits(2).says("supernet.epochs");
    place.write("wrong.toml", "[supernet.settings]\ncalibration = 0\n");
    place.run(&format!("{search} --config wrong.toml")).exits(2).says("calibration: expected 1 to 4096");
    let rank = "bench rank --table builtin:cells1d --data builtin:mnist1d --epochs 0.1 --seeds 1 --cells 4";
    place.run(&format!("{rank} --strategy random")).exits(2).says("one-shot");
    place.run(&format!("{rank} --space cell:depth=3")).exits(2).says("width, cells or stride");
    place.run(&format!("{rank} --space conv1d")).exits(2).says("the genes of the table");
}

#[test]
fn ranks_are_compared_with_those_of_a_table() {
    let place = Place::new();
    let rank = "bench rank --table builtin:cells1d --data builtin:mnist1d --space cell:width=4,stride=2 --epochs 1 --seeds 2 \
                --cells 12 --samples 200";
    let told = place.run(&format!("{rank} --workers 1 --out one.json")).exits(0);
    assert!(told.out.contains("mean of 2 seeds: Kendall"), "{}", told.out);
    place.run(&format!("{rank} --workers 3 --out three.json")).exits(0);
    let runs = |name: &str| -> Vec<serde_json::Value> {
        let mut runs = place.json(name)["runs"].as_array().unwrap().clone();
        runs.iter_mut().for_each(|run| run["seconds"] = 0.into());
        runs
    };
    let one = runs("one.json");
    assert_eq!(one, runs("three.json"));
    assert_eq!(one.len(), 2);
    for run in &one {
        assert_eq!(run["networks"].as_array().unwrap().len(), 12);
        assert!(run["kendall"].as_f64().is_some_and(|tau| (-1.0..=1.0).contains(&tau)));
    }
    assert_ne!(one[0]["networks"], one[1]["networks"]);
}
