//! What an exported network takes as input, to check it elsewhere.

use crate::Model;
use anyhow::{Context, Result};
use nasmyth_data::{Task, open_like};
use nasmyth_export::channels_first;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

impl Model {
    /// The samples of `path` as the exported network takes them, as an NPZ archive: `x`, float32
    /// `[samples, channels, ..]`, and where all samples have labels `y`: int64 class indices, or float32 targets.
    /// In the order of [`run`](Self::run).
    ///
    /// ```no_run
    /// use nasmyth::Model;
    ///
    /// let model = Model::load("runs/mnist1d/best/model.onnx".as_ref())?;
    /// std::fs::write("samples.npz", model.samples_npz("builtin:mnist1d")?)?;
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    ///
    /// # Errors
    /// Data that cannot be read or does not fit the network.
    pub fn samples_npz(&self, path: &str) -> Result<Vec<u8>> {
        let schema = self.schema();
        let samples = open_like(path, schema)?;
        let shape = schema.features.shape();
        let mut x = vec![0.0; schema.features.len()];
        let (spatial, channels) = shape.split_at(shape.len() - 1);
        let axes = [&[samples.len()], channels, spatial].concat();
        let mut archive = Archive::new();
        archive.begin("x", "<f4", &axes)?;
        for i in 0..samples.len() {
            samples.read(i, &mut x);
            archive.floats(&channels_first(&shape, &x))?;
        }
        let labels: Option<Vec<f32>> = (0..samples.len()).map(|i| samples.label(i)).collect();
        match (labels, &schema.task) {
            (None, _) => {}
            (Some(y), Task::Regression { .. }) => {
                archive.begin("y", "<f4", &[y.len()])?;
                archive.floats(&y)?;
            }
            (Some(y), Task::Classification { .. }) => {
                archive.begin("y", "<i8", &[y.len()])?;
                let bytes: Vec<u8> = y.iter().flat_map(|&class| (class as i64).to_le_bytes()).collect();
                archive.zip.write_all(&bytes)?;
            }
        }
        archive.zip.finish().map(Cursor::into_inner).context("the archive")
    }
}

/// An uncompressed NPZ archive in memory.
struct Archive {
    zip: ZipWriter<Cursor<Vec<u8>>>,
}

impl Archive {
    fn new() -> Self {
        Self { zip: ZipWriter::new(Cursor::new(Vec::new())) }
    }

    /// Begins an array: NPY format, version 1 (NumPy enhancement proposal 1).
    fn begin(&mut self, name: &str, kind: &str, shape: &[usize]) -> Result<()> {
        /// The values begin at a multiple of this.
        const ALIGN: usize = 64;
        /// Magic number, version and length of the header.
        const FIXED: usize = 10;
        let options =
            SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
        self.zip.start_file(format!("{name}.npy"), options)?;
        let axes: String = shape.iter().map(|axis| format!("{axis}, ")).collect();
        let mut header =
            format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({}), }}", axes.trim_end());
        let length = (FIXED + header.len() + 1).next_multiple_of(ALIGN) - FIXED;
        header.extend(std::iter::repeat_n(' ', length - 1 - header.len()));
        header.push('\n');
        self.zip.write_all(b"\x93NUMPY\x01\x00")?;
        self.zip.write_all(&(length as u16).to_le_bytes())?;
        Ok(self.zip.write_all(header.as_bytes())?)
    }

    fn floats(&mut self, values: &[f32]) -> Result<()> {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Ok(self.zip.write_all(&bytes)?)
    }
}
