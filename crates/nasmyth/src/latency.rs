//! What latency can be measured of.

use crate::inspect::network_text;
use crate::model::network;
use crate::{RunFolder, load_architecture};
use anyhow::{Context, Result};
use nasmyth_graph::parse;
use nasmyth_measure::Model;
use std::path::Path;

/// The network of a finished run (with its file as shipped), of any ONNX file, or of a text file (with initial weights).
///
/// Of an ONNX file that Nasmyth exported, runtimes get the file and the engine its architecture with initial weights.
///
/// # Errors
/// No such file, or one that holds no network.
pub fn measurable(path: &Path) -> Result<Model> {
    if path.is_dir() {
        let folder = RunFolder::new(path);
        let (graph, params) = network(&folder)?;
        let file = folder.best("model.onnx");
        let file = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        return Ok(Model::new(graph, params).with_onnx(file));
    }
    match std::fs::read(path).map(String::from_utf8) {
        Ok(Err(error)) => file(path, error.into_bytes()).with_context(|| format!("{}", path.display())),
        _ => Ok(Model::random(load_architecture(path)?, 0)),
    }
}

fn file(path: &Path, bytes: Vec<u8>) -> Result<Model> {
    Ok(match network_text(&bytes)? {
        Some(text) => Model::random(parse(&text)?, 0).with_onnx(bytes),
        None => Model::foreign(&path.display().to_string(), bytes),
    })
}
