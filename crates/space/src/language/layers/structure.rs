//! Layers made of layers.

use super::{activation, word};
use crate::language::attribute::Fallback;
use crate::language::layer::{LayerKind, Nested};
use crate::{Network, SpaceError};
use nasmyth_graph::NodeId;
use nasmyth_graph::ops::{Add, Concat};

pub(super) const RESIDUAL: LayerKind = LayerKind {
    name: "residual",
    doc: "`body`, plus its input: as it is where shapes agree, else through a 1x1 convolution; then an activation.",
    attributes: &[activation("none")],
    nested: Nested::Body,
    lower: |layer, net| {
        let from = net.at;
        layer.body(net)?;
        let (before, after) = (net.graph.fact(from).clone(), net.shape().clone());
        net.shortcut(from).map_err(|_| SpaceError::Shape {
            expected: "a body that keeps the number of axes and divides positions only by a stride"
                .to_owned(),
            got: format!("a body that turns {before:?} into {after:?}"),
        })?;
        if let Some(function) = layer.function("activation")? {
            net.activate(function)?;
        }
        Ok(())
    },
};

pub(super) const PARALLEL: LayerKind = LayerKind {
    name: "parallel",
    doc: "All `branches` of the same input, their outputs joined along the channels or added; an empty branch is the input.",
    attributes: &[word("join", &["concat", "add"], Fallback::Word("concat"))],
    nested: Nested::Branches,
    lower: |layer, net| {
        let from = net.at;
        let mut ends = Vec::new();
        for (body, genes) in layer.each_body() {
            net.at = from;
            net.scope(&body.name, |net| layer.run(body, &genes, net))?;
            ends.push(net.at);
        }
        join(net, &ends, &layer.word("join")?)
    },
};

pub(super) const REPEAT: LayerKind = LayerKind {
    name: "repeat",
    doc: "`body`, `times` times; with `same = true` all repetitions have the same choices.",
    attributes: &[],
    nested: Nested::Repeat,
    lower: |layer, net| layer.repeat(net),
};

pub(super) const CHOICE: LayerKind = LayerKind {
    name: "choice",
    doc: "One of the lists of layers in `options`; an empty list is no layer.",
    attributes: &[],
    nested: Nested::Options,
    lower: |layer, net| layer.option(net),
};

fn join(net: &mut Network, ends: &[NodeId], how: &str) -> Result<(), SpaceError> {
    net.at = match ends {
        [only] => *only,
        _ if how == "add" => net.graph.push(Add, ends)?,
        _ => net.graph.push(Concat, ends)?,
    };
    Ok(())
}
