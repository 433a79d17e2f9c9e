//! A whole file: its top level, as a tree and as a lowering.

use super::attribute::{Attribute, Fallback, Kind, Shared, read_all};
use super::layer::{Layer, read_layers, tree};
use super::placed::Lowering;
use super::spec::Spec;
use super::{misread, shown, unknown_key};
use crate::{Columns, Context, Network, Reader, SpaceError, Tree};
use nasmyth_graph::ops::{Dropout, GlobalPool, Pooling};
use nasmyth_graph::{Graph, blocks};
use std::cell::Cell;
use toml::Value as Toml;

const KEYS: [&str; 6] = ["name", "doc", "shared", "input", "layer", "head"];

static INPUT: &[Attribute] = &[
    Attribute { name: "embedding", kind: Kind::Size(1, 1024), default: Fallback::Size(4) },
    Attribute { name: "numbers", kind: Kind::Size(0, 1024), default: Fallback::Size(0) },
];

static HEAD: &[Attribute] = &[
    Attribute {
        name: "pool",
        kind: Kind::Word(&["average", "max", "flatten"]),
        default: Fallback::Word("average"),
    },
    Attribute { name: "dropout", kind: Kind::Number(0.0, 0.99), default: Fallback::Number(0.0) },
];

#[derive(Debug)]
pub(crate) struct Program {
    pub name: String,
    pub doc: String,
    shared: Shared,
    input: Vec<(&'static str, Spec)>,
    layers: Vec<Layer>,
    head: Vec<(&'static str, Spec)>,
    context: Context,
}

impl Program {
    pub fn read(table: &toml::Table, context: &Context) -> Result<Self, SpaceError> {
        if let Some(key) = table.keys().find(|k| !KEYS.contains(&k.as_str())) {
            return Err(unknown_key("top level", key, &KEYS));
        }
        let shared = read_shared(table)?;
        let section = |key: &'static str, attributes: &'static [Attribute]| {
            let section = subtable(table, key)?;
            read_all(&format!("[{key}]"), &section, attributes, &[], &Shared::new())
        };
        let layers = table.get("layer").ok_or_else(|| {
            misread("top level", "layers, each beginning with the line [[layer]]", "none", None)
        })?;
        let layers = read_layers("", "layer", layers, &shared, 0)?;
        if let Some(unused) = shared.keys().find(|name| !layers.iter().any(|l| l.shares(name))) {
            let expected = "a value that some layer takes with { shared = \"..\" }";
            return Err(misread("[shared]", expected, format!("`{unused}`, which none takes"), None));
        }
        let mut input = section("input", INPUT)?;
        input.retain(|(name, _)| applies(name, context));
        Ok(Self {
            name: word(table, "name")?
                .ok_or_else(|| misread("top level", "`name = \"..\"`", "nothing", None))?,
            doc: word(table, "doc")?.unwrap_or_default(),
            input,
            layers,
            head: section("head", HEAD)?,
            shared,
            context: context.clone(),
        })
    }

    /// All choices of the file.
    pub fn tree(&self) -> Tree {
        let own = |specs: &[(&'static str, Spec)]| Tree::group(specs.iter().map(|(n, s)| s.tree(n)));
        let shared = Tree::group(self.shared.iter().map(|(n, s)| s.tree(n)));
        let mut head = own(&self.head);
        if self.context.axes() == 0 {
            head = Tree::group(self.head.iter().filter(|(n, _)| *n != "pool").map(|(n, s)| s.tree(n)));
        }
        Tree::group([
            Tree::scope("shared", shared),
            Tree::scope("input", own(&self.input)),
            tree(&self.layers),
            Tree::scope("head", head),
        ])
    }

    pub fn lower(&self, genes: &Reader<'_>) -> Result<Graph, SpaceError> {
        let mut columns = Columns::default();
        for (name, _) in &self.input {
            let size = genes.size(&format!("input.{name}"))?;
            *(if *name == "embedding" { &mut columns.embedding } else { &mut columns.numbers }) = size;
        }
        let mut net = Network::begin_with(&self.name, &self.context, columns)?;
        let lowering = Lowering { shared: genes.scope("shared"), layers: Cell::new(0) };
        lowering.run(&self.layers, genes, &mut net)?;
        if !net.shape().spatial().is_empty() {
            match genes.word("head.pool")?.as_str() {
                "flatten" => net.with(blocks::flatten)?,
                "max" => net.push(GlobalPool(Pooling::Max))?,
                _ => net.push(GlobalPool(Pooling::Average))?,
            };
        }
        let dropout = genes.float("head.dropout")?;
        if dropout > 0.0 {
            net.push(Dropout { rate: dropout })?;
        }
        net.finish()
    }
}

/// Whether the data has columns that an attribute of `[input]` is about.
fn applies(name: &str, context: &Context) -> bool {
    let (columns, categories) = (context.input[0], context.categories.len());
    context.axes() == 0 && if name == "embedding" { categories > 0 } else { columns > categories }
}

fn read_shared(table: &toml::Table) -> Result<Shared, SpaceError> {
    let mut shared = Shared::new();
    for (name, value) in &subtable(table, "shared")? {
        let at = format!("[shared], {name}");
        let spec = Spec::read(&at, value)?;
        if matches!(spec, Spec::Shared { .. }) {
            return Err(misread(&at, "a value of its own, not another shared one", shown(value), None));
        }
        spec.check(&at)?;
        shared.insert(name.clone(), spec);
    }
    Ok(shared)
}

/// The table of this name; empty if there is none.
fn subtable(table: &toml::Table, key: &str) -> Result<toml::Table, SpaceError> {
    match table.get(key) {
        None => Ok(toml::Table::new()),
        Some(Toml::Table(section)) => Ok(section.clone()),
        Some(other) => Err(misread(&format!("`{key}`"), format!("a section [{key}]"), shown(other), None)),
    }
}

fn word(table: &toml::Table, key: &str) -> Result<Option<String>, SpaceError> {
    match table.get(key) {
        None => Ok(None),
        Some(Toml::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(misread(&format!("`{key}`"), "a text in quotes", shown(other), None)),
    }
}
