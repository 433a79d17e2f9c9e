//! Latency of one image on one thread, and the same network as an ONNX file for another runtime to be measured on.
//!
//! `cargo run --release -p nasmyth-export --example latency -- FOLDER [RUNS]` writes `NAME.onnx`, `NAME.input` and `NAME.output`
//! (channels first, little-endian float32) and prints the median microseconds of each network as JSON.

#[path = "../../engine/benches/compare/networks.rs"]
mod networks;

use nasmyth_engine::{Mode, ParamStore, Plan};
use nasmyth_export::{channels_first, to_onnx};
use networks::NETWORKS;
use serde_json::{Map, Value};
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

const MEASURED: [&str; 2] = ["resnet", "mobile"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().ok_or("expected a folder")?;
    let runs =
        words.next().map_or(Ok(300), |word| word.parse::<std::num::NonZeroUsize>().map(|n| n.get()))?;
    let mut report = Map::new();
    for network in NETWORKS.iter().filter(|n| MEASURED.contains(&n.name)) {
        let file = |ending: &str| Path::new(&folder).join(format!("{}.{ending}", network.name));
        let graph = (network.graph)()?;
        let params = ParamStore::new(&graph, 0);
        std::fs::write(file("onnx"), to_onnx(&graph, &params, &[])?)?;
        let plan = Plan::<f32>::compile(&graph, 1, Mode::Infer)?;
        let mut arena = plan.arena();
        let input = plan.input(&mut arena);
        input.iter_mut().enumerate().for_each(|(i, v)| *v = (i * 367 % 1009) as f32 / 504.5 - 1.0);
        let shape = graph.fact(graph.input_id()).shape();
        std::fs::write(file("input"), little_endian(&channels_first(shape, input)))?;
        plan.prepare(&params, &mut arena);
        let mut run = || {
            let start = Instant::now();
            plan.infer(&params, &mut arena);
            start.elapsed()
        };
        let micros = median((0..runs).map(|_| run()).collect()).as_secs_f64() * 1e6;
        std::fs::write(file("output"), little_endian(plan.output(&arena)))?;
        report.insert(network.name.to_owned(), micros.into());
    }
    println!("{}", Value::Object(report));
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn little_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}
