//! How long a prediction takes: `cargo run --release -p nasmyth-device --example prediction_time`.

use nasmyth_device::models::{CostModel, MODELS, Sample};
use nasmyth_device::operators;
use nasmyth_graph::VerifiedGraph;
use std::error::Error;
use std::time::Instant;

/// Networks that the models are fitted to.
const NETWORKS: usize = 200;

/// A network of 25 layers whose widths come from its number.
fn network(number: usize) -> Result<VerifiedGraph, Box<dyn Error>> {
    let mut text = "x = input(shape=[32,32,3])\nl0 = conv(x, out=16, kernel=[3,3])\n".to_owned();
    for layer in 0..8 {
        let (wide, from) = (16 + 8 * (number * (layer + 3) % 7), 3 * layer);
        text += &format!("l{} = conv(l{from}, out={wide}, kernel=[1,1])\n", from + 1);
        text += &format!("l{} = conv(l{}, out={wide}, kernel=[3,3], groups={wide})\n", from + 2, from + 1);
        text += &format!("l{} = activation(l{}, function=relu)\n", from + 3, from + 2);
    }
    Ok(nasmyth_graph::parse(&(text + "g = global_pool(l24, pooling=average)\noutput g"))?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let graphs = (0..NETWORKS).map(network).collect::<Result<Vec<_>, _>>()?;
    let seconds =
        |graph: &VerifiedGraph| 1e-4 + 1e-10 * graph.macs() as f64 + 1e-9 * graph.activations() as f64;
    let samples: Vec<Sample<'_>> =
        graphs.iter().map(|graph| Sample { graph, seconds: seconds(graph) }).collect();
    let each = |start: Instant| 1e6 * start.elapsed().as_secs_f64() / NETWORKS as f64;
    let start = Instant::now();
    let counted: usize = graphs.iter().map(|graph| operators(graph).len()).sum();
    println!("{:10} {:8.1} µs for {} operators", "counting", each(start), counted / NETWORKS);
    for kind in MODELS {
        let start = Instant::now();
        let model = (kind.fit)(&samples)?;
        let fitted = start.elapsed();
        let start = Instant::now();
        for graph in &graphs {
            model.seconds(graph)?;
        }
        println!("{:10} {:8.1} µs, fitted to {NETWORKS} networks in {fitted:.1?}", kind.name, each(start));
    }
    Ok(())
}
