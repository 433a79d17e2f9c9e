//! `nasmyth samples`

use anyhow::Result;
use clap::Args;
use nasmyth::{Model, RunFolder};
use std::path::PathBuf;

/// Write data as the exported network takes it, to check the network elsewhere
///
/// The archive holds `x`, float32 with channels first, and, if all samples have labels, `y`: class indices or targets.
/// The samples are those of `nasmyth predict`, in the same order.
#[derive(Args)]
pub struct Arguments {
    /// Folder of a run, or an ONNX file that Nasmyth exported
    model: PathBuf,
    /// File or folder with the data; labels are not needed
    #[arg(long, value_name = "PATH")]
    data: String,
    /// NPZ file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        RunFolder::write(&self.out, &Model::load(&self.model)?.samples_npz(&self.data)?)?;
        println!("{}", self.out.display());
        Ok(())
    }
}
