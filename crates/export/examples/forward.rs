//! Answers of a network in our own engine, for comparison with other programs.
//!
//! `cargo run --release -p nasmyth-export --example forward -- NETWORK WEIGHTS INPUT OUTPUT`: text form, safetensors, and
//! little-endian float32, channels last, one sample after the other.

use nasmyth_engine::{Mode, Plan};
use nasmyth_export::from_safetensors;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [network, weights, input, output] = &words[..] else {
        return Err("expected NETWORK WEIGHTS INPUT OUTPUT".into());
    };
    let graph = nasmyth_graph::parse(&std::fs::read_to_string(network)?)?;
    let params = from_safetensors(&graph, &std::fs::read(weights)?)?;
    let plan = Plan::<f32>::compile(&graph, 1, Mode::Infer)?;
    let mut arena = plan.arena();
    let values: Vec<f32> =
        std::fs::read(input)?.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let mut answers: Vec<u8> = Vec::new();
    plan.prepare(&params, &mut arena);
    for sample in values.chunks_exact(graph.fact(graph.input_id()).len()) {
        plan.input(&mut arena).copy_from_slice(sample);
        plan.infer(&params, &mut arena);
        answers.extend(plan.output(&arena).iter().flat_map(|v| v.to_le_bytes()));
    }
    Ok(std::fs::write(output, answers)?)
}
