//! Smoothing and downsampling.

use super::get;
use crate::ExportError;
use crate::onnx::writer::{Writer, int, sizes, text};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::BlurPool;

/// Reflection, then a depthwise convolution with the filter.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let blur = get::<BlurPool>(w, id)?;
    let fact = w.input_fact(id, 0);
    let (rank, channels) = (fact.spatial().len(), fact.channels());
    let pads: Vec<i64> =
        blur.pad().iter().flat_map(|&p| [vec![0; 2], vec![p as i64; rank]].concat()).collect();
    let pads = w.ints(id, "pads", &pads);
    let x = w.input(id, 0);
    let x = w.push(id, "Pad", &[&x, &pads], vec![text("mode", "reflect")]);
    let line = blur.filter();
    let window: Vec<f64> = match rank {
        1 => line,
        _ => line.iter().flat_map(|a| line.iter().map(move |b| a * b)).collect(),
    };
    let filters: Vec<f32> = (0..channels).flat_map(|_| window.iter().map(|&f| f as f32)).collect();
    let kernel = vec![blur.size; rank];
    let filters = w.floats(id, "filter", &[&[channels, 1], &kernel[..]].concat(), &filters);
    let attributes = vec![
        int("group", channels as i64),
        sizes("kernel_shape", &kernel),
        sizes("strides", &vec![blur.stride; rank]),
    ];
    Ok(w.push(id, "Conv", &[&x, &filters], attributes))
}
