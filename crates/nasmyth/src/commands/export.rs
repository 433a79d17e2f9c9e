//! `nasmyth export`

use super::say;
use anyhow::{Result, anyhow};
use clap::Args;
use nasmyth::export::{FORMATS, Format};
use nasmyth::{Model, RunFolder};
use std::path::PathBuf;

/// Write the best network of a run in another format
#[derive(Args)]
pub struct Arguments {
    /// Folder of the run
    run: PathBuf,
    /// Format: onnx, safetensors, text, dot, svg or outline (`nasmyth list exports`)
    #[arg(long, value_name = "FORMAT")]
    format: String,
    /// File to write [default: in the run's folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let format = named(&self.format)?;
        let folder = RunFolder::new(&self.run);
        let out = self.out.unwrap_or_else(|| folder.path().join(format!("model.{}", format.extension)));
        RunFolder::write(&out, &Model::export(&folder, format)?)?;
        say(out.display())
    }
}

/// The export format of this name.
pub(super) fn named(name: &str) -> Result<&'static Format> {
    FORMATS.iter().find(|f| f.name == name).ok_or_else(|| {
        let names: Vec<&str> = FORMATS.iter().map(|f| f.name).collect();
        let nearest = names.iter().max_by(|a, b| strsim::jaro(a, name).total_cmp(&strsim::jaro(b, name)));
        let hint = nearest.map(|n| format!(", did you mean `{n}`?")).unwrap_or_default();
        anyhow!("unknown format `{name}`{hint} There are {}", names.join(", "))
    })
}
