//! The way back from maximum pooling.

use super::get;
use crate::ExportError;
use crate::onnx::writer::{Writer, int, ints};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::MaxUnpool;

/// Each window of the source becomes a row, whose first maximum gets the value: `MaxUnpool` itself wants indices that count over
/// the whole batch, and few runtimes have it; and not all that have `ArgMax` take the first of equal elements.
pub(super) fn write(w: &mut Writer, id: NodeId) -> Result<String, ExportError> {
    let kernel = &get::<MaxUnpool>(w, id)?.kernel;
    let (value, source) = (w.input_fact(id, 0), w.input_fact(id, 1));
    let (windows, channels, rank) = (value.spatial(), value.channels(), kernel.len());
    let area: usize = kernel.iter().product();
    let covered: Vec<usize> = windows.iter().zip(kernel).map(|(n, k)| n * k).collect();
    let margin: Vec<i64> = source.spatial().iter().zip(&covered).map(|(n, c)| (n - c) as i64).collect();

    let mut x = w.input(id, 1);
    if margin.iter().any(|&m| m > 0) {
        let starts = w.ints(id, "start", &vec![0; rank]);
        let ends = w.ints(id, "end", &covered.iter().map(|&c| c as i64).collect::<Vec<_>>());
        let axes = w.ints(id, "axes", &(2..2 + rank as i64).collect::<Vec<_>>());
        x = w.push(id, "Slice", &[&x, &starts, &ends, &axes], Vec::new());
    }
    let lines = windows.iter().zip(kernel).flat_map(|(&n, &k)| [n, k]);
    x = w.reshape(id, &x, &[channels].into_iter().chain(lines).collect::<Vec<_>>());
    x = w.push(id, "Transpose", &[&x], vec![ints("perm", windows_first(rank))]);
    x = w.reshape(id, &x, &[&[channels], windows, &[area]].concat());
    let zero = w.scalar(id, "zero", 0.0);
    let earlier: Vec<f32> = (1..=area).rev().map(|i| i as f32).collect();
    let earlier = w.floats(id, "earlier", &[area], &earlier);
    let largest = is_largest(w, id, &x);
    let first = w.push(id, "Where", &[&largest, &earlier, &zero], Vec::new());
    let holds = is_largest(w, id, &first);

    let v = w.input(id, 0);
    let v = w.reshape(id, &v, &[&[channels], windows, &[1]].concat());
    let mut y = w.push(id, "Where", &[&holds, &v, &zero], Vec::new());
    y = w.reshape(id, &y, &[&[channels], windows, &kernel[..]].concat());
    y = w.push(id, "Transpose", &[&y], vec![ints("perm", windows_split(rank))]);
    y = w.reshape(id, &y, &[&[channels], &covered[..]].concat());
    if margin.iter().any(|&m| m > 0) {
        let pads = w.ints(id, "pads", &[&vec![0; 4 + rank], &margin[..]].concat());
        y = w.push(id, "Pad", &[&y, &pads, &zero], Vec::new());
    }
    Ok(y)
}

/// Whether each element is the largest of its row.
fn is_largest(w: &mut Writer, id: NodeId, x: &str) -> String {
    let largest = w.push(id, "ReduceMax", &[x], vec![ints("axes", vec![-1]), int("keepdims", 1)]);
    w.push(id, "Equal", &[x, &largest], Vec::new())
}

/// `[N, c, n, k, ..]` to `[N, c, n, .., k, ..]`.
fn windows_first(rank: usize) -> Vec<i64> {
    let axes = |first: i64| (0..rank as i64).map(move |i| first + 2 * i);
    [0, 1].into_iter().chain(axes(2)).chain(axes(3)).collect()
}

/// The way back.
fn windows_split(rank: usize) -> Vec<i64> {
    let rank = rank as i64;
    [0, 1].into_iter().chain((0..rank).flat_map(|i| [2 + i, 2 + rank + i])).collect()
}
