//! What is measured.

use crate::MeasureError;
use nasmyth_engine::ParamStore;
use nasmyth_graph::VerifiedGraph;

/// A network in the forms that runtimes take.
pub struct Model {
    name: String,
    network: Option<(VerifiedGraph, ParamStore<f32>)>,
    #[cfg(feature = "onnx")]
    onnx: Option<Vec<u8>>,
}

impl Model {
    /// A network with its parameters. Its ONNX file is what an export would write.
    pub fn new(graph: VerifiedGraph, params: ParamStore<f32>) -> Self {
        Self {
            name: graph.name().to_owned(),
            network: Some((graph, params)),
            #[cfg(feature = "onnx")]
            onnx: None,
        }
    }

    /// A network with initial weights: times hardly depend on weights.
    pub fn random(graph: VerifiedGraph, seed: u64) -> Self {
        let params = ParamStore::new(&graph, seed);
        Self::new(graph, params)
    }

    /// An ONNX file of which nothing else is known.
    #[cfg(feature = "onnx")]
    pub fn foreign(name: &str, onnx: Vec<u8>) -> Self {
        Self { name: name.to_owned(), network: None, onnx: Some(onnx) }
    }

    /// The same with the file that was shipped, in place of a fresh export.
    #[cfg(feature = "onnx")]
    pub fn with_onnx(self, onnx: Vec<u8>) -> Self {
        Self { onnx: Some(onnx), ..self }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Architecture and parameters.
    ///
    /// # Errors
    /// A foreign file.
    pub fn network(&self) -> Result<(&VerifiedGraph, &ParamStore<f32>), MeasureError> {
        let network = self.network.as_ref().ok_or_else(|| MeasureError::NoNetwork(self.name.clone()))?;
        Ok((&network.0, &network.1))
    }

    /// The sample that is inferred, channels last.
    pub(crate) fn sample(graph: &VerifiedGraph) -> Vec<f32> {
        ramp(graph.fact(graph.input_id()).len())
    }
}

/// The same numbers each time, of either sign: the time of some operators depends on them.
fn ramp(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect()
}

#[cfg(feature = "onnx")]
mod file {
    use super::{Model, ramp};
    use crate::MeasureError;
    use nasmyth_export::{channels_first, input_shape, to_onnx};
    use std::borrow::Cow;

    /// An ONNX file and the sample for it.
    pub(crate) struct OnnxFile<'a> {
        pub bytes: Cow<'a, [u8]>,
        /// Axes of the sample behind a batch of one, channels first.
        pub dims: Vec<usize>,
        /// The numbers of [`Model::sample`].
        pub sample: Vec<f32>,
    }

    impl Model {
        pub(crate) fn onnx(&self) -> Result<OnnxFile<'_>, MeasureError> {
            let bytes = match (&self.onnx, &self.network) {
                (Some(bytes), _) => Cow::Borrowed(&bytes[..]),
                (None, Some((graph, params))) => Cow::Owned(to_onnx(graph, params, &[])?),
                (None, None) => return Err(MeasureError::NoNetwork(self.name.clone())),
            };
            let shape = input_shape(&bytes)?;
            let sample = match &self.network {
                Some((graph, _)) => {
                    channels_first(graph.fact(graph.input_id()).shape(), &Self::sample(graph))
                }
                None => ramp(shape.iter().product()),
            };
            Ok(OnnxFile { bytes, dims: [&[1], &shape[..]].concat(), sample })
        }
    }
}
