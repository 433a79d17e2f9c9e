//! A range of channels.

use super::get;
use crate::ExportError;
use crate::onnx::writer::Writer;
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::Slice;

pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let slice = get::<Slice>(w, id)?;
    let start = w.ints(id, "start", &[slice.start as i64]);
    let end = w.ints(id, "end", &[slice.end as i64]);
    let axes = w.ints(id, "axes", &[1]);
    let x = w.input(id, 0);
    Ok(w.push(id, "Slice", &[&x, &start, &end, &axes], Vec::new()))
}
