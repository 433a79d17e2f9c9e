//! Published networks: what they cost, how they look.

use crate::inspect::NETWORK;
use anyhow::{Context, Result};
use nasmyth_engine::{ParamStore, reparametrise};
use nasmyth_export::{Format, from_safetensors, to_outline};
use nasmyth_graph::VerifiedGraph;
use nasmyth_report::{Scatter, Series};
use nasmyth_zoo::{FAMILIES, Input, Network, member, members};
use serde::Serialize;
use std::fmt::{self, Display};
use std::path::Path;

/// What a published network costs, exactly.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Name.
    pub name: String,
    /// Its family.
    pub family: &'static str,
    /// Side of the images, or number of tokens.
    pub resolution: usize,
    /// Answers.
    pub classes: usize,
    /// Trainable parameters.
    pub params: u64,
    /// Multiply-accumulates of one sample.
    pub macs: u64,
    /// Of these, those of convolutions and linear layers (without products of two values, as in attention).
    pub conv_linear_macs: u64,
}

/// A published network in full.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// Name, family and costs.
    #[serde(flatten)]
    pub summary: Summary,
    /// Authors, year, title.
    pub paper: &'static str,
    /// The family's numbers that make it.
    pub numbers: String,
    /// Shape of the input, channels last.
    pub input: Vec<usize>,
    /// Running statistics of batch norms.
    pub bn_running_values: u64,
    /// Elements of all activations of one sample.
    pub activations: u64,
    /// Bytes of all activations of one sample.
    pub activation_bytes: u64,
    /// Peak bytes of live activations at inference.
    pub peak_memory_bytes: u64,
    /// Bytes of all parameters and running statistics.
    pub weight_bytes: u64,
    /// Operators.
    pub operators: usize,
    /// The drawing.
    pub outline: String,
}

impl Summary {
    fn new(network: &Network, input: &Input, graph: &VerifiedGraph) -> Self {
        Self {
            name: network.name.clone(),
            family: network.family.name,
            resolution: input.resolution.unwrap_or(network.published.resolution),
            classes: input.classes.unwrap_or(network.published.classes),
            params: graph.params(),
            macs: graph.macs(),
            conv_linear_macs: graph.layer_macs(),
        }
    }
}

impl Description {
    /// Builds the network called `name` for this input and counts.
    ///
    /// # Errors
    /// An unknown name, wrong numbers, an input that it cannot take.
    pub fn new(name: &str, input: &Input, form: Form) -> Result<Self> {
        let network = member(name)?;
        let mut graph = network.graph(input)?.verify()?;
        if form == Form::Deployed {
            graph = reparametrise(&graph, &ParamStore::<f32>::new(&graph, 0)).0;
        }
        Ok(Self {
            summary: Summary::new(&network, input, &graph),
            paper: network.family.paper,
            numbers: network.numbers.to_string(),
            input: graph.fact(graph.input_id()).shape().to_vec(),
            bn_running_values: graph.buffers(),
            activations: graph.activations(),
            activation_bytes: graph.activation_bytes(),
            peak_memory_bytes: graph.peak_memory(),
            weight_bytes: graph.weight_bytes(),
            operators: graph.nodes().len(),
            outline: to_outline(&graph),
        })
    }
}

impl Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { name, family, params, macs, conv_linear_macs, .. } = &self.summary;
        let shape: Vec<String> = self.input.iter().map(usize::to_string).collect();
        let kib = |bytes: u64| bytes.div_ceil(1024);
        writeln!(f, "{name}, of family {family}\n{}\n", self.paper)?;
        writeln!(f, "numbers       {}", self.numbers)?;
        writeln!(f, "input         {}", shape.join(" x "))?;
        writeln!(f, "answers       {}", self.summary.classes)?;
        writeln!(
            f,
            "parameters    {} ({} KiB with running statistics)",
            grouped(*params),
            grouped(kib(self.weight_bytes))
        )?;
        write!(f, "MACs          {}", grouped(*macs))?;
        match macs == conv_linear_macs {
            true => writeln!(f)?,
            false => writeln!(f, " ({} in convolutions and linear layers)", grouped(*conv_linear_macs))?,
        }
        writeln!(
            f,
            "activations   {} ({} KiB)",
            grouped(self.activations),
            grouped(kib(self.activation_bytes))
        )?;
        writeln!(
            f,
            "peak memory   {} KiB of activations at inference",
            grouped(kib(self.peak_memory_bytes))
        )?;
        write!(f, "operators     {}\n\n{}", self.operators, self.outline.trim_end())
    }
}

/// All published networks with their costs, family by family.
///
/// # Errors
/// A network that cannot be built (a test sees to it that there is none).
pub fn summaries() -> Result<Vec<Summary>> {
    let input = Input::default();
    let summary = |name: &str| {
        let network = member(name)?;
        Ok(Summary::new(&network, &input, &network.graph(&input)?.verify()?))
    };
    members().map(|(_, m)| summary(m.name)).collect()
}

/// Which form of a network is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is trained.
    Trained,
    /// As it infers: batch norms folded, parallel and consecutive linear layers merged.
    Deployed,
}

/// The weights of an exported network.
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// Random, from this seed.
    Random(u64),
    /// Those of a safetensors file.
    File(&'a Path),
}

/// A published network in an export format, with these weights.
///
/// # Errors
/// An unknown name, wrong numbers, an input that it cannot take, weights of another network.
pub fn published(
    name: &str,
    input: &Input,
    format: &Format,
    weights: Weights<'_>,
    form: Form,
) -> Result<Vec<u8>> {
    let mut graph = member(name)?.graph(input)?.verify()?;
    let mut params = match weights {
        Weights::Random(seed) => ParamStore::new(&graph, seed),
        Weights::File(path) => {
            let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            from_safetensors(&graph, &bytes).with_context(|| path.display().to_string())?
        }
    };
    if form == Form::Deployed {
        (graph, params) = reparametrise(&graph, &params);
    }
    Ok((format.write)(&graph, &params, &[(NETWORK.to_owned(), graph.to_text())])?)
}

/// Parameters against multiply-accumulates of all published networks, a series for each family.
///
/// # Errors
/// As [`summaries`].
pub fn scatter() -> Result<Scatter> {
    let all = summaries()?;
    let series = |name: &str| {
        let points = all.iter().filter(|s| s.family == name);
        Series {
            name: name.to_owned(),
            points: points.map(|s| (s.name.clone(), (s.params as f64, s.macs as f64))).collect(),
        }
    };
    Ok(Scatter {
        title: "Published networks".to_owned(),
        about: format!(
            "Parameters and multiply-accumulates of {} networks, each at the input size that it was published for.",
            all.len()
        ),
        x: ("parameters".to_owned(), String::new()),
        y: ("MACs".to_owned(), String::new()),
        series: FAMILIES.iter().map(|f| series(f.name)).collect(),
    })
}

/// `12,345,678`
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|g| std::str::from_utf8(g).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_counts_and_draws() {
        let b0 = Description::new("efficientnet_b0", &Input::default(), Form::Trained).unwrap();
        assert_eq!(
            (b0.summary.params, b0.summary.conv_linear_macs, b0.bn_running_values),
            (5_288_548, 385_814_752, 42_016)
        );
        let text = b0.to_string();
        assert!(text.contains("5,288,548") && text.contains("stage2.block1"), "{text}");
        assert!(
            Description::new(
                "efficientnet_b0",
                &Input { resolution: Some(8), ..Input::default() },
                Form::Trained
            )
            .is_err()
        );
        let deployed = Description::new("mobileone_s0", &Input::default(), Form::Deployed).unwrap();
        assert_eq!((deployed.summary.params, deployed.bn_running_values), (2_078_504, 0));
        assert_eq!([grouped(7), grouped(1234), grouped(1_234_567)], ["7", "1,234", "1,234,567"]);
    }
}
