//! Weights in the safetensors format: keys `NODE.NAME`, float32, little endian, the layouts of the parameter store.
//!
//! The header is written here because the crate keeps the metadata in a hash map, whose order is not fixed; it is read
//! with the crate.

use crate::ExportError;
use nasmyth_engine::ParamStore;
use nasmyth_graph::VerifiedGraph;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};

/// All parameters of `graph`, tensors sorted by key. `meta` becomes the file's metadata; the same input gives the
/// same bytes.
///
/// # Errors
/// A parameter of the graph is missing in `params`.
pub fn to_safetensors(
    graph: &VerifiedGraph,
    params: &ParamStore<f32>,
    meta: &[(String, String)],
) -> Result<Vec<u8>, ExportError> {
    let (mut header, mut data): (Map<String, Value>, Vec<u8>) = (Map::new(), Vec::new());
    for (key, shape) in expected(graph) {
        let values = params.get(&key).ok_or_else(|| ExportError::MissingParam { key: key.clone() })?;
        check_shape(&key, &shape, params.layout().entry(&key).map_or(&[], |e| &e.shape[..]))?;
        let start = data.len();
        data.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        header.insert(key, json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]}));
    }
    if !meta.is_empty() {
        let meta: Map<String, Value> = meta.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        header.insert("__metadata__".to_owned(), Value::Object(meta));
    }
    let mut header = Value::Object(header).to_string();
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    let length = (header.len() as u64).to_le_bytes();
    Ok([&length[..], header.as_bytes(), &data].concat())
}

/// The parameters of `graph` out of a safetensors file that holds them and nothing else.
///
/// # Errors
/// No safetensors file, or a tensor that is missing, unknown, not float32 or of another shape, by name.
pub fn from_safetensors(graph: &VerifiedGraph, bytes: &[u8]) -> Result<ParamStore<f32>, ExportError> {
    let file = read(bytes)?;
    let expected = expected(graph);
    if let Some(key) = file.names().into_iter().filter(|n| expected.iter().all(|(key, _)| key != n)).min() {
        return Err(ExportError::UnknownParam { key: key.to_owned(), graph: graph.name().to_owned() });
    }
    let mut params = ParamStore::new(graph, 0);
    for (key, shape) in expected {
        let missing = || ExportError::MissingParam { key: key.clone() };
        let tensor = file.tensor(&key).map_err(|_| missing())?;
        if tensor.dtype() != Dtype::F32 {
            return Err(ExportError::ParamType { got: format!("{:?}", tensor.dtype()), key });
        }
        check_shape(&key, &shape, tensor.shape())?;
        let values = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        params.get_mut(&key).ok_or_else(missing)?.iter_mut().zip(values).for_each(|(p, v)| *p = v);
    }
    Ok(params)
}

/// The metadata of a safetensors file, sorted by key.
///
/// # Errors
/// No safetensors file.
pub fn safetensors_metadata(bytes: &[u8]) -> Result<Vec<(String, String)>, ExportError> {
    read(bytes)?;
    let (_, header) =
        SafeTensors::read_metadata(bytes).map_err(|e| ExportError::Safetensors(e.to_string()))?;
    let mut pairs: Vec<_> = header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    pairs.sort();
    Ok(pairs)
}

fn read(bytes: &[u8]) -> Result<SafeTensors<'_>, ExportError> {
    SafeTensors::deserialize(bytes).map_err(|e| ExportError::Safetensors(e.to_string()))
}

/// Key and shape of all parameters of a graph, by key.
fn expected(graph: &VerifiedGraph) -> Vec<(String, Vec<usize>)> {
    let layout = nasmyth_engine::ParamLayout::of(graph);
    let mut tensors: Vec<_> = layout.entries().iter().map(|e| (e.key.clone(), e.shape.clone())).collect();
    tensors.sort();
    tensors
}

fn check_shape(key: &str, expected: &[usize], got: &[usize]) -> Result<(), ExportError> {
    if expected == got {
        return Ok(());
    }
    Err(ExportError::ParamShape { key: key.to_owned(), expected: expected.to_vec(), got: got.to_vec() })
}
