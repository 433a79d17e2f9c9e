//! Writes every test network with an input and its expected output to a folder, for `tools/check_onnx.py`.
//!
//! `cargo run -p nasmyth-export --example dump_onnx -- FOLDER`

#[path = "../tests/reference/mod.rs"]
mod reference;

use nasmyth_export::{channels_first, to_onnx};
use reference::{Numbers, cases, evaluate, random_params};
use std::path::Path;

const BATCH: usize = 3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("expected a folder")?;
    let write = |name: &str, ending: &str, bytes: &[u8]| {
        std::fs::write(Path::new(&folder).join(format!("{name}{ending}")), bytes)
    };
    for (name, g) in cases() {
        let params = random_params(&g, 1);
        write(&name, ".onnx", &to_onnx(&g, &params, &[("case".to_owned(), name.clone())])?)?;
        let shape = g.fact(g.input_id()).shape();
        let input: Vec<f32> = Numbers(7).vec(BATCH * shape.iter().product::<usize>());
        let input: Vec<f32> = input.iter().map(|v| 3.0 * v).collect();
        write(&name, ".input", &little_endian(&channels_first(shape, &input)))?;
        for i in 0..g.outputs().len() {
            let samples = input.chunks(shape.iter().product()).flat_map(|sample| {
                let y = evaluate(&g, &params, sample).swap_remove(i);
                channels_first(&y.shape, &y.data.iter().map(|&v| v as f32).collect::<Vec<_>>())
            });
            write(&name, &format!(".output{i}"), &little_endian(&samples.collect::<Vec<_>>()))?;
        }
    }
    Ok(())
}

fn little_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}
