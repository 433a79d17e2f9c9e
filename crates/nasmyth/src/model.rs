//! A trained network, loaded again.

use crate::RunFolder;
use crate::certificate::answer;
use anyhow::{Context, Result, anyhow, bail};
use nasmyth_data::{Schema, Task, open_like};
use nasmyth_engine::{Engine, ParamStore};
use nasmyth_export::{Format, Session, channels_first, from_safetensors, metadata};
use nasmyth_graph::{VerifiedGraph, parse};
use nasmyth_train::{Evaluation, predict};
use std::fmt::Write;
use std::path::Path;

/// A network that can answer, and how data for it is decoded.
///
/// ```no_run
/// use nasmyth::{Model, engine::Engine};
///
/// let model = Model::load("runs/mnist1d".as_ref())?; // or the path of its model.onnx
/// let cpu = Engine::cpu(2);
/// let figures = model.evaluate("builtin:mnist1d", &cpu)?.figures();
/// println!("accuracy {:.3}", figures["accuracy"]);
/// std::fs::write("answers.csv", model.predict_csv("builtin:mnist1d", &cpu)?)?;
/// # Ok::<(), anyhow::Error>(())
/// ```
pub struct Model {
    network: Network,
    schema: Schema,
}

enum Network {
    Own { graph: Box<VerifiedGraph>, params: ParamStore<f32> },
    Onnx(Box<Session>),
}

/// Samples that a runtime gets at once.
const AT_ONCE: usize = 256;

impl Model {
    /// The best network of a run, or an ONNX file that Nasmyth exported.
    ///
    /// # Errors
    /// Nothing there, a run that is not finished, a damaged file.
    pub fn load(path: &Path) -> Result<Self> {
        if !path.exists() {
            bail!("{}: no such run folder or ONNX file", path.display());
        }
        if path.is_dir() { Self::from_run(&RunFolder::new(path)) } else { Self::from_onnx(path) }
    }

    fn from_run(folder: &RunFolder) -> Result<Self> {
        let (graph, params) = network(folder)?;
        let schema = RunFolder::read(&folder.schema())?;
        let schema = serde_json::from_str(&schema)
            .with_context(|| format!("{} is damaged", folder.schema().display()))?;
        Ok(Self { network: Network::Own { graph: Box::new(graph), params }, schema })
    }

    fn from_onnx(path: &Path) -> Result<Self> {
        let name = path.display();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
        let meta = metadata(&bytes).with_context(|| format!("{name}"))?;
        let schema = meta.iter().find(|(key, _)| key == "nasmyth.schema").map(|(_, v)| v);
        let schema = schema.ok_or_else(|| anyhow!("{name} does not say how its data is encoded (no `nasmyth.schema` in its metadata): give a file that Nasmyth exported"))?;
        let schema =
            serde_json::from_str(schema).with_context(|| format!("{name}: its schema is damaged"))?;
        let session = Session::load(&bytes).with_context(|| format!("{name}"))?;
        Ok(Self { network: Network::Onnx(Box::new(session)), schema })
    }

    /// The best network of a run in a format.
    pub fn export(folder: &RunFolder, format: &Format) -> Result<Vec<u8>> {
        if format.name == "onnx" {
            let path = folder.best("model.onnx"); // written with the run, metadata and all
            return std::fs::read(&path)
                .with_context(|| format!("cannot read {}: is the run finished?", path.display()));
        }
        let (graph, params) = network(folder)?;
        Ok((format.write)(&graph, &params, &[])?)
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What it predicts.
    pub fn task(&self) -> &Task {
        &self.schema.task
    }

    /// Opens data for it; returns outputs `[samples, outputs]` and the labels if there are any. An ONNX file runs on the CPU in any
    /// case.
    pub fn run(&self, path: &str, engine: &Engine) -> Result<(Vec<f32>, Option<Vec<f32>>)> {
        let samples = open_like(path, &self.schema)?;
        let count = samples.len();
        let outputs = match &self.network {
            Network::Own { graph, params } => {
                predict(graph, params, count, engine, |i, x| samples.read(i, x))?
            }
            Network::Onnx(session) => {
                let (len, shape) = (self.schema.features.len(), self.schema.features.shape());
                let mut outputs = Vec::new();
                for first in (0..count).step_by(AT_ONCE) {
                    let n = AT_ONCE.min(count - first);
                    let mut x = vec![0.0; n * len];
                    x.chunks_exact_mut(len).enumerate().for_each(|(i, x)| samples.read(first + i, x));
                    outputs.extend(session.run(&channels_first(&shape, &x), n)?);
                }
                outputs
            }
        };
        let labels: Option<Vec<f32>> = (0..count).map(|i| samples.label(i)).collect();
        Ok((outputs, labels.filter(|l| !l.is_empty())))
    }

    /// Judges it on data with labels.
    pub fn evaluate(&self, path: &str, engine: &Engine) -> Result<Evaluation> {
        let (outputs, labels) = self.run(path, engine)?;
        let labels =
            labels.with_context(|| format!("{path} has no labels to compare with: use `nasmyth predict`"))?;
        Ok(Evaluation::new(self.task(), &outputs, &labels))
    }

    /// Predictions as CSV: the sample, the answer, and for classes their probabilities.
    pub fn predict_csv(&self, path: &str, engine: &Engine) -> Result<String> {
        let (outputs, _) = self.run(path, engine)?;
        let mut csv = String::new();
        match self.task() {
            Task::Regression { .. } => {
                csv.push_str("sample,prediction\n");
                outputs.iter().enumerate().try_for_each(|(i, v)| writeln!(csv, "{i},{v}"))?;
            }
            Task::Classification { classes } => {
                let names: Vec<String> = classes.iter().map(|c| quoted(&format!("p({c})"))).collect();
                writeln!(csv, "sample,prediction,{}", names.join(","))?;
                for (i, row) in outputs.chunks_exact(classes.len()).enumerate() {
                    let shares: Vec<String> = softmax(row).iter().map(|p| format!("{p:.6}")).collect();
                    writeln!(csv, "{i},{},{}", quoted(&classes[answer(row)]), shares.join(","))?;
                }
            }
        }
        Ok(csv)
    }

    /// Outputs as they leave the network, as CSV: the sample, then a score for each class, or the prediction.
    pub fn raw_csv(&self, path: &str, engine: &Engine) -> Result<String> {
        let (outputs, _) = self.run(path, engine)?;
        let names: Vec<String> = match self.task() {
            Task::Regression { .. } => vec!["prediction".to_owned()],
            Task::Classification { classes } => classes.iter().map(|c| quoted(c)).collect(),
        };
        let mut csv = format!("sample,{}\n", names.join(","));
        for (i, row) in outputs.chunks_exact(names.len()).enumerate() {
            let row: Vec<String> = row.iter().map(f32::to_string).collect();
            writeln!(csv, "{i},{}", row.join(","))?;
        }
        Ok(csv)
    }
}

/// Architecture and weights of a run's best network.
pub(crate) fn network(folder: &RunFolder) -> Result<(VerifiedGraph, ParamStore<f32>)> {
    let path = folder.best("architecture.txt");
    let graph = parse(&RunFolder::read(&path)?).with_context(|| format!("{}", path.display()))?;
    let path = folder.best("weights.safetensors");
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let params = from_safetensors(&graph, &bytes).with_context(|| format!("{}", path.display()))?;
    Ok((graph, params))
}

fn softmax(row: &[f32]) -> Vec<f64> {
    let largest = row.iter().fold(f32::NEG_INFINITY, |m, &v| m.max(v));
    let powers: Vec<f64> = row.iter().map(|&v| f64::from(v - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|p| p / sum).collect()
}

/// A CSV field, quoted if it must be.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
