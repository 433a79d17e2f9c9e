//! Where networks are trained.

use crate::place::Place;
use nasmyth::RunConfig;
use nasmyth::engine::Backend;

fn recorded(place: &Place, run: &str) -> Backend {
    RunConfig::parse(&place.text(&format!("{run}/config.toml"))).unwrap().engine
}

#[test]
fn a_run_records_what_it_was_trained_on() {
    let place = Place::new();
    place.search("--data table.csv --trials 2 --engine cpu --out run").exits(0).says("on cpu");
    assert_eq!(recorded(&place, "run"), Backend::Cpu);
    // The recorded engine is kept: it is part of what repeats a result.
    let config = place.text("run/config.toml");
    place.write("missing/config.toml", config.replace("engine = \"cpu\"", "engine = \"none\""));
    place.run("resume missing").exits(2).says("got `none`");
    for engine in Backend::ALL.into_iter().filter(|engine| !engine.is_built()) {
        let text = format!("--features {engine}");
        place.run(&format!("evaluate run --data table.csv --engine {engine}")).exits(2).says(&text);
        place
            .run(&format!("predict run --data table.csv --out p.csv --engine {engine}"))
            .exits(2)
            .says(&text);
        let train = format!("train run/best/architecture.txt --data table.csv --engine {engine} --out x");
        place.run(&train).exits(2).says(&text);
    }
}

#[cfg(feature = "burn-cpu")]
#[test]
fn a_run_through_burn_is_whole_and_repeats() {
    let place = Place::new();
    place.search("--data Waves --trials 3 --engine burn-cpu --out run").exits(0).says("on burn-cpu");
    assert_eq!(recorded(&place, "run"), Backend::BurnCpu);
    assert_eq!(RunConfig::parse(&place.text("run/config.toml")).unwrap().workers, 1);
    let certificate = place.json("run/best/certificate.json");
    assert_eq!(certificate["runtime"]["same_answers"], 1.0);
    let loss = |engine: &str| {
        let told = place.run(&format!("evaluate run --data Waves --engine {engine} --json")).exits(0);
        serde_json::from_str::<serde_json::Value>(&told.out).unwrap()["loss"].as_f64().unwrap()
    };
    let (cpu, burn) = (loss("cpu"), loss("burn-cpu"));
    assert!((cpu - burn).abs() <= 1e-4 * cpu.abs().max(1.0), "{cpu} {burn}");
    place.search("--data Waves --trials 3 --engine burn-cpu --out again").exits(0);
    let weights = |run: &str| place.read(&format!("{run}/best/weights.safetensors"));
    assert!(weights("run") == weights("again"), "the same configuration gives the same weights");
}
