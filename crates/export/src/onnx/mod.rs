//! ONNX, operator set 17.
//!
//! The model takes raw values channels first (`[N, C, H, W]`, `[N, C, T]` or `[N, F]`, float32) as `input` and gives
//! `output` (and `output_1` .. if the graph has several outputs), for any batch size `N`. A batch norm whose input is
//! a convolution or linear layer that nothing else reads is folded into that layer's weights: the same function up to
//! the rounding of float32. The same graph and parameters give the same bytes.

mod fold;
mod ops;
mod proto;
mod writer;

use crate::{ExportError, RuntimeError};
use nasmyth_engine::ParamStore;
use nasmyth_graph::{NodeId, VerifiedGraph};
use prost::Message;
use proto::{GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto};
use std::collections::HashSet;
use writer::{Writer, channels_first_dims, value_info};
use xxhash_rust::xxh3::xxh3_64;

const IR_VERSION: i64 = 8;
const OPSET: i64 = 17;
const MAX_BYTES: u64 = (1 << 31) - (1 << 20); // room for everything that is not weights

/// Name of the entry in the file's metadata that guards the network against damage.
const CHECKSUM: &str = "nasmyth.checksum";

/// The network with its parameters as an ONNX file. `meta` becomes the file's `metadata_props`.
///
/// # Errors
/// A parameter is missing or has another shape; the weights are beyond 2 GiB.
pub fn to_onnx(
    graph: &VerifiedGraph,
    params: &ParamStore<f32>,
    meta: &[(String, String)],
) -> Result<Vec<u8>, ExportError> {
    if graph.weight_bytes() > MAX_BYTES {
        return Err(ExportError::TooLarge { bytes: graph.weight_bytes() });
    }
    let graph = translate(graph, params)?;
    let checksum = (CHECKSUM.to_owned(), checksum(&graph));
    let model = ModelProto {
        ir_version: Some(IR_VERSION),
        producer_name: Some("nasmyth".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
        metadata_props: meta.iter().filter(|(k, _)| k != CHECKSUM).chain([&checksum]).map(entry).collect(),
    };
    Ok(model.encode_to_vec())
}

fn entry((key, value): &(String, String)) -> StringStringEntryProto {
    StringStringEntryProto { key: Some(key.clone()), value: Some(value.clone()) }
}

fn translate(graph: &VerifiedGraph, params: &ParamStore<f32>) -> Result<GraphProto, ExportError> {
    let mut writer = Writer::new(graph, params);
    for id in (0..graph.nodes().len()).map(NodeId) {
        let value = ops::write(&mut writer, id)?;
        writer.bind(value);
    }
    let output = writer.finish();
    Ok(GraphProto {
        name: Some(graph.name().to_owned()),
        input: vec![value_info("input", &channels_first_dims(graph.fact(graph.input_id())))],
        output,
        value_info: inner_values(&writer),
        node: writer.nodes,
        initializer: writer.constants,
    })
}

/// Shapes of the values in between, so that viewers can show them.
fn inner_values(writer: &Writer) -> Vec<proto::ValueInfoProto> {
    let mut made: HashSet<&str> = writer.nodes.iter().map(|n| n.output[0].as_str()).collect();
    let ids = (0..writer.graph.nodes().len()).map(NodeId);
    ids.filter(|&id| made.remove(writer.value(id))) // several nodes may share one value: the first names it
        .map(|id| value_info(writer.value(id), &channels_first_dims(writer.graph.fact(id))))
        .collect()
}

fn checksum(graph: &GraphProto) -> String {
    format!("{:016x}", xxh3_64(&graph.encode_to_vec()))
}

/// What an ONNX file says about itself and its first input.
#[derive(Debug)]
pub(crate) struct Header {
    /// `metadata_props` without the checksum.
    pub metadata: Vec<(String, String)>,
    /// Axes of the first input without the batch.
    pub input_shape: Vec<usize>,
}

/// The pairs of text (`metadata_props`) that [`to_onnx`] was given.
///
/// # Errors
/// The bytes are no ONNX file, or a damaged one.
pub fn metadata(bytes: &[u8]) -> Result<Vec<(String, String)>, RuntimeError> {
    Ok(header(bytes)?.metadata)
}

/// Axes of one sample of a file's first input, channels first: without the batch.
///
/// # Errors
/// The bytes are no ONNX file, a damaged one, or one whose input has axes of unknown size besides the batch.
pub fn input_shape(bytes: &[u8]) -> Result<Vec<usize>, RuntimeError> {
    Ok(header(bytes)?.input_shape)
}

/// Reads and checks a file without building the network.
pub(crate) fn header(bytes: &[u8]) -> Result<Header, RuntimeError> {
    if bytes.is_empty() {
        return Err(RuntimeError::Empty);
    }
    let model = ModelProto::decode(bytes).map_err(|e| RuntimeError::Format(e.to_string()))?;
    let graph = model.graph.as_ref().ok_or_else(|| RuntimeError::Format("it holds no graph".to_owned()))?;
    let pairs = model.metadata_props.iter();
    let pairs = pairs.map(|p| (p.key.clone().unwrap_or_default(), p.value.clone().unwrap_or_default()));
    let (guard, metadata): (Vec<_>, Vec<_>) = pairs.partition(|(key, _)| key == CHECKSUM);
    match guard.into_iter().next() {
        Some((_, expected)) if expected != checksum(graph) => {
            Err(RuntimeError::Checksum { expected, got: checksum(graph) })
        }
        _ => Ok(Header { metadata, input_shape: sample_shape(graph)? }),
    }
}

fn sample_shape(graph: &GraphProto) -> Result<Vec<usize>, RuntimeError> {
    let unusable = || RuntimeError::Model("expected an input of known shape `[N, ..]`".to_owned());
    let tensor = graph.input.first().and_then(|i| i.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref());
    let size =
        |d: &proto::DimensionProto| d.dim_value.and_then(|v| usize::try_from(v).ok()).filter(|&v| v > 0);
    let sizes = tensor.and_then(|s| s.dim.get(1..)?.iter().map(size).collect::<Option<Vec<_>>>());
    sizes.filter(|s| !s.is_empty()).ok_or_else(unusable)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_operator_of_the_graph_has_an_onnx_form() {
        for kind in nasmyth_graph::OPS {
            assert_eq!(super::ops::OPS.iter().filter(|o| o.kind == kind.name).count(), 1, "{}", kind.name);
        }
        assert_eq!(super::ops::OPS.len(), nasmyth_graph::OPS.len());
    }
}
