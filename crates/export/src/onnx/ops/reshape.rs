//! The same values, channels last and row major, under another shape.

use crate::ExportError;
use crate::onnx::writer::{Writer, channels_first_dims};
use nasmyth_graph::{Fact, NodeId};

/// Goes through channels last, except where one channel or one position makes the two orders the same.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let (from, to) = (w.input_fact(id, 0), &w.node(id).fact);
    let mut x = w.input(id, 0);
    if from == to {
        return Ok(x);
    }
    if orders_differ(from) {
        x = w.as_channels_last(id, &x, from);
    }
    Ok(if orders_differ(to) {
        let y = w.reshape(id, &x, to.shape());
        w.as_channels_first(id, &y, to)
    } else {
        w.reshape(id, &x, &channels_first_dims(to))
    })
}

fn orders_differ(fact: &Fact) -> bool {
    fact.channels() > 1 && fact.len() > fact.channels()
}
