//! Pooling.

use super::{positions, size, word};
use crate::SpaceError;
use crate::language::attribute::{Attribute, Fallback};
use crate::language::layer::{LayerKind, Nested};
use crate::language::placed::Placed;
use nasmyth_graph::ops::{GlobalPool, Pool, Pooling};

const fn pooling(default: &'static str) -> Attribute {
    word("pooling", &["max", "average"], Fallback::Word(default))
}

pub(super) const POOL: LayerKind = LayerKind {
    name: "pool",
    doc: "Maximum or average over windows, padded so that only the stride changes the size.",
    attributes: &[
        pooling("max"),
        size("kernel", 1, 255, Fallback::Size(2)),
        size("stride", 1, 255, Fallback::Size(2)),
    ],
    nested: Nested::None,
    lower: |layer, net| {
        positions(net)?;
        let same = Pool::same(read(layer)?, &net.window(layer.size("kernel")?));
        net.push(Pool { stride: net.window(layer.size("stride")?), ..same })?;
        Ok(())
    },
};

pub(super) const GLOBAL_POOL: LayerKind = LayerKind {
    name: "global_pool",
    doc: "Maximum or average over all positions; leaves a vector of channels.",
    attributes: &[pooling("average")],
    nested: Nested::None,
    lower: |layer, net| {
        positions(net)?;
        net.push(GlobalPool(read(layer)?))?;
        Ok(())
    },
};

fn read(layer: &Placed<'_>) -> Result<Pooling, SpaceError> {
    Ok(if layer.word("pooling")? == "max" { Pooling::Max } else { Pooling::Average })
}
