//! `nasmyth zoo`

use super::export::named;
use super::say;
use anyhow::{Result, anyhow};
use clap::{Args, Subcommand};
use nasmyth::report::scatter_html;
use nasmyth::zoo::{self, Input};
use nasmyth::{Description, Form, RunFolder, Weights, grouped, published, scatter, summaries};
use std::path::PathBuf;

/// Published networks: list, describe, export and plot them
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    List(List),
    Describe(Describe),
    Export(Export),
    Plot(Plot),
}

/// List all published networks with parameters and multiply-accumulates
#[derive(Args)]
struct List {
    /// Only those of this family
    #[arg(long, value_name = "FAMILY")]
    family: Option<String>,
    /// List families instead, with the numbers that make their networks
    #[arg(long, conflicts_with = "family")]
    families: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a network is to read and answer, where that is not as published
#[derive(Args)]
struct Shape {
    /// Side of the images, or number of tokens
    #[arg(long, value_name = "N")]
    resolution: Option<usize>,
    /// Channels of the images
    #[arg(long, value_name = "N")]
    channels: Option<usize>,
    /// Answers
    #[arg(long, value_name = "N")]
    classes: Option<usize>,
    /// The form in which it infers: batch norms folded, branches of linear layers merged
    #[arg(long)]
    deployed: bool,
}

impl Shape {
    fn input(&self) -> Input {
        Input { resolution: self.resolution, channels: self.channels, classes: self.classes }
    }

    fn form(&self) -> Form {
        if self.deployed { Form::Deployed } else { Form::Trained }
    }
}

/// Parameters, multiply-accumulates, activations, peak memory and a drawing of a network
#[derive(Args)]
struct Describe {
    /// Name of a network or a family, perhaps with numbers: resnet50:width=0.5,depths=2/2/2/2
    name: String,
    #[command(flatten)]
    shape: Shape,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Write a network, with random weights or those of a file
#[derive(Args)]
struct Export {
    /// Name of a network or a family, perhaps with numbers
    name: String,
    #[command(flatten)]
    shape: Shape,
    /// Format: onnx, safetensors, text, dot, svg or outline (`nasmyth list exports`)
    #[arg(long, value_name = "FORMAT")]
    format: String,
    /// Weights, as `--format safetensors` writes them [default: random]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Seed of random weights
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// File to write [default: the name, in this folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Write a page that plots parameters against multiply-accumulates of all published networks
#[derive(Args)]
struct Plot {
    /// File to write
    #[arg(long, value_name = "FILE", default_value = "zoo.html")]
    out: PathBuf,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        match self.what {
            What::List(list) => list.run(),
            What::Describe(describe) => describe.run(),
            What::Export(export) => export.run(),
            What::Plot(plot) => {
                RunFolder::write(&plot.out, scatter_html(&scatter()?).as_bytes())?;
                say(plot.out.display())
            }
        }
    }
}

impl List {
    fn run(self) -> Result<()> {
        if self.families {
            return self.families();
        }
        let mut all = summaries()?;
        if let Some(name) = &self.family {
            let known = zoo::FAMILIES.iter().any(|f| f.name == name);
            known
                .then_some(())
                .ok_or_else(|| anyhow!("no family is called `{name}`: see `nasmyth zoo list --families`"))?;
            all.retain(|s| s.family == name);
        }
        if self.json {
            return say(serde_json::to_string_pretty(&all)?);
        }
        say(format_args!(
            "{:34}{:20}{:>10}{:>15}{:>18}",
            "name", "family", "resolution", "parameters", "MACs"
        ))?;
        all.iter().try_for_each(|s| {
            let (params, macs) = (grouped(s.params), grouped(s.macs));
            say(format_args!("{:34}{:20}{:>10}{params:>15}{macs:>18}", s.name, s.family, s.resolution))
        })
    }

    fn families(self) -> Result<()> {
        let knob = |k: &zoo::Knob| (k.name, format!("{}: {} [default: {}]", k.doc, k.domain, k.default));
        if self.json {
            let family = |f: &&zoo::Family| {
                let numbers: serde_json::Map<_, _> =
                    f.knobs.iter().map(knob).map(|(name, doc)| (name.to_owned(), doc.into())).collect();
                let members: Vec<_> = f.members.iter().map(|m| m.name).collect();
                serde_json::json!({ "name": f.name, "doc": f.doc, "paper": f.paper, "numbers": numbers, "members": members })
            };
            return say(serde_json::to_string_pretty(&zoo::FAMILIES.iter().map(family).collect::<Vec<_>>())?);
        }
        zoo::FAMILIES.iter().try_for_each(|f| {
            say(format_args!("{:20}{} ({})", f.name, f.doc, f.paper))?;
            f.knobs.iter().map(knob).try_for_each(|(name, doc)| say(format_args!("{:20}  {name}: {doc}", "")))
        })
    }
}

impl Describe {
    fn run(self) -> Result<()> {
        let description = Description::new(&self.name, &self.shape.input(), self.shape.form())?;
        if self.json { say(serde_json::to_string_pretty(&description)?) } else { say(description) }
    }
}

impl Export {
    fn run(self) -> Result<()> {
        let format = named(&self.format)?;
        let weights = self.weights.as_deref().map_or(Weights::Random(self.seed), Weights::File);
        let bytes = published(&self.name, &self.shape.input(), format, weights, self.shape.form())?;
        let file = self.name.replace(|c: char| !(c.is_ascii_alphanumeric() || "_.-=".contains(c)), "_");
        let out = self.out.unwrap_or_else(|| PathBuf::from(format!("{file}.{}", format.extension)));
        RunFolder::write(&out, &bytes)?;
        say(out.display())
    }
}
