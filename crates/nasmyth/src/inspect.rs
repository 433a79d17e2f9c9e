//! Looking into a network: where the time and the memory of a step go.

use crate::RunFolder;
use anyhow::{Context, Result, anyhow, bail};
use nasmyth_engine::{Entry, Loss, Mode, ParamStore, Plan, simd_name};
use nasmyth_export::metadata;
use nasmyth_graph::{VerifiedGraph, parse};
use serde::Serialize;
use std::fmt::{self, Display};
use std::path::Path;
use std::time::Duration;

/// Key of an exported file's metadata that holds the text form of its network.
pub(crate) const NETWORK: &str = "nasmyth.network";

/// The network of a finished run, of an ONNX file that Nasmyth exported, or of a text file.
///
/// # Errors
/// No such file, or one that holds no network.
pub fn load_architecture(path: &Path) -> Result<VerifiedGraph> {
    let name = path.display();
    if !path.exists() {
        bail!("{name}: no such run folder, ONNX file or text file");
    }
    let text = if path.is_dir() {
        RunFolder::read(&RunFolder::new(path).best("architecture.txt"))?
    } else {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
        match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => from_onnx(error.as_bytes()).with_context(|| format!("{name}"))?,
        }
    };
    parse(&text).with_context(|| format!("{name}"))
}

/// The text form of the network in the metadata of an ONNX file, if it has one.
pub(crate) fn network_text(bytes: &[u8]) -> Result<Option<String>> {
    Ok(metadata(bytes)?.into_iter().find(|(key, _)| key == NETWORK).map(|(_, text)| text))
}

fn from_onnx(bytes: &[u8]) -> Result<String> {
    let missing =
        || anyhow!("no `{NETWORK}` in its metadata: give a file that this version of Nasmyth exported");
    network_text(bytes)?.ok_or_else(missing)
}

/// The schedule of a network with what each entry costs.
#[derive(Serialize)]
pub struct PlanReport {
    network: String,
    mode: &'static str,
    batch: usize,
    simd: &'static str,
    segments: usize,
    arena_bytes: usize,
    parameters: u64,
    macs: u64,
    seconds: f64,
    entries: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    segment: usize,
    chunk: usize,
    node: String,
    operator: String,
    shape: Vec<usize>,
    phase: &'static str,
    bytes: usize,
    local: f64,
    seconds: f64,
}

impl PlanReport {
    /// Compiles `graph` for training (with softmax cross-entropy) or inference on `batch` samples and measures `steps` steps on one
    /// thread; of each entry the shortest time counts.
    ///
    /// # Errors
    /// A network that the engine cannot run.
    pub fn new(graph: &VerifiedGraph, training: bool, batch: usize, steps: usize) -> Result<Self> {
        let mode = if training { Mode::Train(Loss::CrossEntropy) } else { Mode::Infer };
        let plan = Plan::<f32>::compile(graph, batch, mode)?;
        let params = ParamStore::new(graph, 0);
        let mut arena = plan.arena();
        // Numbers of either sign: the time of a ReLU can depend on them.
        plan.input(&mut arena).iter_mut().enumerate().for_each(|(i, v)| *v = (i % 17) as f32 / 8.0 - 1.0);
        let mut grads = vec![0.0; params.layout().trained().len()];
        let mut profile = || plan.profile(&params, &mut grads, &mut arena, 0);
        let mut best = profile();
        for _ in 1..steps {
            best.iter_mut().zip(profile()).for_each(|(best, new)| best.time = best.time.min(new.time));
        }
        Ok(Self {
            network: graph.name().to_owned(),
            mode: if training { "train" } else { "infer" },
            batch,
            simd: simd_name(),
            segments: best.iter().map(|e| e.segment + 1).max().unwrap_or(0),
            arena_bytes: plan.arena_bytes(),
            parameters: graph.params(),
            macs: graph.macs(),
            seconds: best.iter().map(|e| e.time).sum::<Duration>().as_secs_f64(),
            entries: best.into_iter().map(|entry| row(graph, entry)).collect(),
        })
    }
}

fn row(graph: &VerifiedGraph, entry: Entry) -> Row {
    let node = graph.nodes().iter().find(|n| n.name == entry.node);
    Row {
        segment: entry.segment,
        chunk: entry.chunk,
        operator: node.map(|n| n.op.kind().to_owned()).unwrap_or_default(),
        shape: node.map(|n| n.fact.shape().to_vec()).unwrap_or_default(),
        node: entry.node,
        phase: entry.phase,
        bytes: entry.bytes,
        local: entry.local,
        seconds: entry.time.as_secs_f64(),
    }
}

impl Display for PlanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: f64 = (1 << 20) as f64;
        writeln!(
            f,
            "{}: {} parameters, {:.2} M multiply-accumulates; {} of {} samples on one thread ({})",
            self.network,
            self.parameters,
            self.macs as f64 / 1e6,
            self.mode,
            self.batch,
            self.simd
        )?;
        writeln!(
            f,
            "{:.3} ms, {:.0} samples/s, {} segments, {:.2} MiB of memory besides the parameters\n",
            1e3 * self.seconds,
            self.batch as f64 / self.seconds,
            self.segments,
            self.arena_bytes as f64 / MIB
        )?;
        writeln!(
            f,
            "{:>7} {:>6}  {:<24} {:<16} {:<14} {:<16} {:>10} {:>6} {:>9} {:>6}",
            "segment", "chunk", "node", "operator", "shape", "phase", "us", "time", "KiB", "local"
        )?;
        for row in &self.entries {
            writeln!(
                f,
                "{:>7} {:>6}  {:<24} {:<16} {:<14} {:<16} {:>10.1} {:>5.1}% {:>9.0} {:>5.0}%",
                row.segment,
                row.chunk,
                row.node,
                row.operator,
                format!("{:?}", row.shape),
                row.phase,
                1e6 * row.seconds,
                100.0 * row.seconds / self.seconds,
                row.bytes as f64 / 1024.0,
                100.0 * row.local
            )?;
        }
        writeln!(
            f,
            "\nA chunk of samples goes through a segment call by call; \"local\" is the share of the bytes that exists for one chunk\n\
             only and is meant to stay in cache. An activation stands for the batch norm that it is fused with."
        )
    }
}
