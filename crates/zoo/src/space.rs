//! A family as a search space: its numbers are the genes.

use crate::{Data, Domain, FAMILIES, Family, Knob, Net, Number, Numbers, ZooError};
use nasmyth_graph::Graph;
use nasmyth_graph::ops::Standardize;
use nasmyth_space::{Context, Network, Reader, Shape, Space, SpaceError, Tree, Value};

/// Smaller side of what the last layers should see at least; on small images the first halvings are left out for it.
const LAST_SIDE: usize = 4;

/// The space of all networks of a family, for this data: genes are the family's numbers, the default is its first published
/// network. Images are standardised first; on small ones the first halvings are left out.
///
/// # Errors
/// An unknown family, or data that its networks cannot read.
pub fn space(family: &str, context: &Context) -> Result<Space, ZooError> {
    let found = FAMILIES.iter().copied().find(|f| f.name == family);
    let family = found.ok_or_else(|| ZooError::UnknownName {
        name: family.to_owned(),
        nearest: crate::error::nearest(family, FAMILIES.iter().map(|f| f.name)),
    })?;
    context.check()?;
    if context.shape()? != Shape::Image || family.data != Data::Images {
        return Err(ZooError::Input {
            network: format!("zoo:{}", family.name),
            field: "input",
            expected: "a family that answers for each image, and images [height, width, channels]".to_owned(),
            got: format!("{:?}", context.input),
        });
    }
    let published = family.members.first().map_or("", |m| m.numbers);
    let default = Numbers::defaults(family)?.with(published)?;
    let genes = default.clone();
    let tree = Tree::group(family.knobs.iter().zip(default.values()).map(|(k, v)| choices(k, v)));
    let context = context.clone();
    let lower = move |reader: &Reader<'_>| {
        let numbers = chosen(family, &genes, reader).map_err(plain)?;
        lower(family, &numbers, &context).map_err(plain)
    };
    Ok(Space::new(format!("zoo:{}", family.name), family.doc, tree, lower)?)
}

/// The values that a search tries, the default among them.
fn choices(knob: &Knob, default: &Number) -> Tree {
    fn options<V: Clone + PartialEq + Into<Value>>(name: String, tried: &[V], default: V) -> Tree {
        let mut values = tried.to_vec();
        if tried.is_empty() || !tried.contains(&default) {
            values.insert(0, default.clone());
        }
        if tried.is_empty() { Tree::nothing() } else { Tree::choice(name, values).default(default) }
    }
    let name = knob.name.to_owned();
    let entry = |i: usize| format!("{name}{}", i + 1);
    match (&knob.domain, default) {
        (Domain::Int { search, .. }, Number::Int(v)) => options(name, search, *v),
        (Domain::Real { search, .. }, Number::Real(v)) => options(name, search, *v),
        (Domain::Word { search, .. }, Number::Word(v)) => options(name, search, *v),
        (Domain::List { search, .. }, Number::List(v)) => {
            Tree::group(v.iter().enumerate().map(|(i, &v)| options(entry(i), search, v)))
        }
        (Domain::Reals { search, .. }, Number::Reals(v)) => {
            Tree::group(v.iter().enumerate().map(|(i, &v)| options(entry(i), search, v)))
        }
        _ => Tree::nothing(),
    }
}

/// The numbers that the genes stand for.
fn chosen(family: &'static Family, default: &Numbers, genes: &Reader<'_>) -> Result<Numbers, ZooError> {
    let mut text = String::new();
    for (knob, default) in family.knobs.iter().zip(default.values()) {
        let entries = |n: usize| {
            let values = (1..=n).map(|i| Ok(genes.value(&format!("{}{i}", knob.name))?.to_string()));
            Ok::<_, ZooError>(values.collect::<Result<Vec<_>, ZooError>>()?.join("/"))
        };
        let value = match default {
            _ if !knob.domain.is_searched() => default.to_string(),
            Number::List(v) => entries(v.len())?,
            Number::Reals(v) => entries(v.len())?,
            _ => genes.value(knob.name)?.to_string(),
        };
        text += &format!("{}={value},", knob.name);
    }
    Numbers::defaults(family)?.with(&text)
}

fn lower(family: &'static Family, numbers: &Numbers, context: &Context) -> Result<Graph, ZooError> {
    let reduction = reduction(family, numbers)?;
    let side = context.input[0].min(context.input[1]);
    let allowed = (side / LAST_SIDE).max(1);
    let left_out = reduction.div_ceil(allowed).next_power_of_two().trailing_zeros();
    let begun = Network::begin(family.name, context)?;
    let mut net = Net::new(begun.graph, begun.at, context.outputs, left_out);
    (family.build)(&mut net, numbers)?;
    if context.regression {
        net.push(Standardize { inverse: true })?;
    }
    net.graph.output(net.at);
    Ok(net.graph)
}

/// How often the published network divides its side.
fn reduction(family: &'static Family, numbers: &Numbers) -> Result<usize, ZooError> {
    let resolution = family.members.first().map_or(224, |m| m.resolution);
    let mut graph = Graph::new(family.name);
    let at = graph.input(&[resolution, resolution, 3])?;
    let mut net = Net::new(graph, at, 2, 0);
    (family.build)(&mut net, numbers)?;
    Ok(net.reduction())
}

/// In the words of spaces.
fn plain(error: ZooError) -> SpaceError {
    match error {
        ZooError::Number { name: path, expected, got, .. } => SpaceError::Gene { path, expected, got },
        ZooError::Graph(error) => error.into(),
        ZooError::Space(error) => error,
        other => SpaceError::Shape { expected: "a network of the family".to_owned(), got: other.to_string() },
    }
}
