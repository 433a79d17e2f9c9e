//! Multi-layer perceptrons for tables.

use super::{Preset, only_for};
use crate::{Columns, Context, Network, Reader, Shape, Space, SpaceError, Tree};
use nasmyth_graph::Graph;
use nasmyth_graph::ops::{Activation, BatchNorm, Dropout, Function, LayerNorm, Linear};

pub(super) const PRESET: Preset = Preset {
    name: "mlp",
    doc: "Tables: embedded categories and one to four hidden layers with or without normalisation, shortcuts and dropout.",
    build,
};

const ACTIVATIONS: [Function; 4] = [Function::Relu, Function::Silu, Function::Gelu, Function::Tanh];

fn build(context: &Context) -> Result<Space, SpaceError> {
    context.check()?;
    if context.shape()? != Shape::Table {
        return Err(only_for(PRESET.name, "a table [features]", context));
    }
    let context = context.clone();
    let tree = tree(&context);
    Space::new(PRESET.name, PRESET.doc, tree, move |genes| lower(genes, &context))
}

fn tree(context: &Context) -> Tree {
    let numbers = context.input[0] > context.categories.len();
    let embedding = Tree::choice("embedding", [2, 4, 8, 16]).default(if wide(context) { 4 } else { 8 });
    let number_width = Tree::choice("number_width", [0, 2, 4, 8]);
    let width = Tree::choice("width", [16, 24, 32, 48, 64, 96, 128, 192, 256]).default(64);
    let mut parts = Vec::new();
    parts.extend((!context.categories.is_empty()).then_some(embedding));
    parts.extend(numbers.then_some(number_width));
    parts.extend([
        Tree::repeat("hidden", 1..=4, width).default(3),
        Tree::flag("residual").default(true),
        Tree::choice("norm", ["batch", "layer", "none"]),
        Tree::choice("activation", ACTIVATIONS.map(Function::name)).default("silu"),
        Tree::float("dropout", 0.0..=0.5, 5).default(0.1),
    ]);
    Tree::group(parts)
}

/// Many category columns: each gets fewer features, so that the first layer stays small.
fn wide(context: &Context) -> bool {
    context.categories.len() > 16
}

fn lower(genes: &Reader<'_>, context: &Context) -> Result<Graph, SpaceError> {
    let mut columns = Columns::default();
    if !context.categories.is_empty() {
        columns.embedding = genes.size("embedding")?;
    }
    if context.input[0] > context.categories.len() {
        columns.numbers = genes.size("number_width")?;
    }
    let mut net = Network::begin_with(PRESET.name, context, columns)?;
    let act = super::function(genes, "activation")?;
    let (norm, residual) = (genes.word("norm")?, genes.flag("residual")?);
    let dropout = genes.float("dropout")?;
    for (i, layer) in genes.repeat("hidden")?.iter().enumerate() {
        let width = layer.size("width")?;
        net.scope(format_args!("hidden{i}"), |net| {
            let from = net.at;
            net.push(Linear { out: width, bias: norm != "batch" })?;
            normalise(net, &norm)?;
            net.push(Activation(act))?;
            if dropout > 0.0 {
                net.push(Dropout { rate: dropout })?;
            }
            if residual && i > 0 {
                net.shortcut(from)?;
            }
            Ok(())
        })?;
    }
    net.finish()
}

fn normalise(net: &mut Network, norm: &str) -> Result<(), SpaceError> {
    match norm {
        "batch" => net.push(BatchNorm::default())?,
        "layer" => net.push(LayerNorm::default())?,
        _ => return Ok(()),
    };
    Ok(())
}
