//! Pooling over windows.

use super::get;
use crate::ExportError;
use crate::onnx::writer::{Writer, int, sizes};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{Pool, Pooling};

pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let pool = get::<Pool>(w, id)?;
    let mut attributes =
        vec![sizes("kernel_shape", &pool.kernel), sizes("pads", &pool.pad), sizes("strides", &pool.stride)];
    let x = w.input(id, 0);
    Ok(match pool.pooling {
        Pooling::Max => w.push(id, "MaxPool", &[&x], attributes),
        Pooling::Average => {
            attributes.insert(0, int("count_include_pad", 0));
            w.push(id, "AveragePool", &[&x], attributes)
        }
    })
}
