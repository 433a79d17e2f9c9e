//! Joining, cutting and combining values.

use super::{Call, Run, Site, Value, axes};
use burn::tensor::Tensor;
use nasmyth_graph::Op;
use nasmyth_graph::ops::{Add, Concat, Mul, Reshape, Slice};
use std::ops;

pub(super) fn lower(op: &dyn Op, site: &Site) -> Option<Run> {
    if op.downcast::<Add>().is_some() {
        // A value `[batch, 1, channels]` is broadcast over the positions.
        return Some(Box::new(|call| combined(call, ops::Add::add)));
    }
    if op.downcast::<Mul>().is_some() {
        // A gate `[batch, 1, channels]` is broadcast over the positions.
        return Some(Box::new(|call| combined(call, ops::Mul::mul)));
    }
    if op.downcast::<Concat>().is_some() {
        return Some(Box::new(|call| Tensor::cat(call.inputs, 2)));
    }
    if op.downcast::<Reshape>().is_some() {
        let axes = axes(site.output, site.batch);
        return Some(Box::new(move |mut call| call.input().reshape(axes)));
    }
    let &Slice { start, end } = op.downcast::<Slice>()?;
    Some(Box::new(move |mut call| call.input().narrow(2, start, end - start)))
}

/// All inputs, combined from the first to the last.
fn combined(call: Call, combine: impl Fn(Value, Value) -> Value) -> Value {
    let mut inputs = call.inputs.into_iter();
    let first = inputs.next().expect("an operator that combines has inputs");
    inputs.fold(first, combine)
}
