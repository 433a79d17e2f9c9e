//! One layer of a file: its kind, its attributes, its nested layers.

use super::attribute::{Attribute, Shared, read_all};
use super::layers::LAYERS;
use super::placed::Placed;
use super::spec::Spec;
use super::{misread, shown};
use crate::error::nearest;
use crate::{Network, SpaceError, Tree};
use toml::Value as Toml;

/// Deepest nesting of layers in a file.
const DEEPEST: usize = 16;

/// An entry of the list of operators.
pub(crate) struct LayerKind {
    pub name: &'static str,
    pub doc: &'static str,
    pub attributes: &'static [Attribute],
    /// Key and meaning of nested layers.
    pub nested: Nested,
    /// Appends the layer to a network.
    pub lower: fn(&Placed<'_>, &mut Network) -> Result<(), SpaceError>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Nested {
    None,
    /// `body`: one list of layers.
    Body,
    /// `body`, `times` and `same`: a list that is repeated.
    Repeat,
    /// `options`: lists of which one is taken.
    Options,
    /// `branches`: lists that are all taken.
    Branches,
}

impl Nested {
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::None => &["op", "name"],
            Self::Body => &["op", "name", "body"],
            Self::Repeat => &["op", "name", "body", "times", "same"],
            Self::Options => &["op", "name", "options", "default"],
            Self::Branches => &["op", "name", "branches"],
        }
    }
}

/// Layers one after the other, with a name where they are one of several lists.
#[derive(Debug)]
pub(crate) struct Body {
    pub name: String,
    pub layers: Vec<Layer>,
}

#[derive(Debug)]
pub(crate) struct Times {
    range: std::ops::RangeInclusive<usize>,
    default: Option<usize>,
    /// Whether all repetitions have the same genes.
    pub same: bool,
}

pub(crate) struct Layer {
    /// Where in the file.
    pub at: String,
    /// Its name, or its number.
    pub label: String,
    pub kind: &'static LayerKind,
    pub attributes: Vec<(&'static str, Spec)>,
    /// Nested lists.
    pub bodies: Vec<Body>,
    pub times: Option<Times>,
    default: Option<String>,
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Layer({})", self.at)
    }
}

/// Reads a list of layers. `at` is where the list stands, `item` what one of them is called in messages.
pub(crate) fn read_layers(
    at: &str,
    item: &str,
    value: &Toml,
    shared: &Shared,
    depth: usize,
) -> Result<Vec<Layer>, SpaceError> {
    if depth > DEEPEST {
        return Err(misread(at, format!("at most {DEEPEST} levels of nested layers"), "more", None));
    }
    let Toml::Array(list) = value else {
        return Err(misread(at, "a list of layers [{ op = \"..\" }, ..]", shown(value), None));
    };
    let mut layers: Vec<Layer> = Vec::with_capacity(list.len());
    for (i, value) in list.iter().enumerate() {
        let place =
            if at.is_empty() { format!("{item} {}", i + 1) } else { format!("{at}, {item} {}", i + 1) };
        let layer = Layer::read(&place, i + 1, value, shared, depth)?;
        if layers.iter().any(|l| l.label == layer.label) {
            return Err(misread(
                &place,
                "a name that no layer beside it has",
                format!("`{}`", layer.label),
                None,
            ));
        }
        layers.push(layer);
    }
    Ok(layers)
}

impl Layer {
    fn read(
        at: &str,
        number: usize,
        value: &Toml,
        shared: &Shared,
        depth: usize,
    ) -> Result<Self, SpaceError> {
        let Toml::Table(table) = value else {
            return Err(misread(at, "a layer { op = \"..\", .. }", shown(value), None));
        };
        let kind = kind(at, table)?;
        let at = format!("{at} ({})", kind.name);
        let attributes = read_all(&at, table, kind.attributes, kind.nested.keys(), shared)?;
        let label = match table.get("name") {
            None => format!("layer{number}"),
            Some(Toml::String(name)) if is_name(name) => name.clone(),
            Some(other) => {
                let expected = "a word of letters, digits, `_` and `-`";
                return Err(misread(&format!("{at}, name"), expected, shown(other), None));
            }
        };
        let mut layer = Self { at, label, kind, attributes, bodies: Vec::new(), times: None, default: None };
        match kind.nested {
            Nested::None => {}
            Nested::Body => layer.bodies = vec![layer.body(table, shared, depth)?],
            Nested::Repeat => {
                layer.bodies = vec![layer.body(table, shared, depth)?];
                layer.times = Some(layer.read_times(table)?);
            }
            Nested::Options => {
                layer.bodies = layer.lists(table, "options", "option", shared, depth)?;
                layer.default = layer.read_default(table)?;
            }
            Nested::Branches => layer.bodies = layer.lists(table, "branches", "branch", shared, depth)?,
        }
        Ok(layer)
    }

    fn body(&self, table: &toml::Table, shared: &Shared, depth: usize) -> Result<Body, SpaceError> {
        let nothing = Toml::Array(Vec::new());
        let layers = read_layers(&self.at, "body", table.get("body").unwrap_or(&nothing), shared, depth + 1)?;
        if layers.is_empty() {
            return Err(misread(&self.at, "`body`, a list with at least one layer", "nothing", None));
        }
        Ok(Body { name: String::new(), layers })
    }

    /// Several lists; each either a plain list or `{ name = "..", body = [..] }`.
    fn lists(
        &self,
        table: &toml::Table,
        key: &str,
        item: &str,
        shared: &Shared,
        depth: usize,
    ) -> Result<Vec<Body>, SpaceError> {
        let expected = format!("`{key}`, a list of lists of layers [[..], [..]]");
        let lists = match table.get(key) {
            Some(Toml::Array(lists)) if !lists.is_empty() => lists,
            other => {
                let got = other.map_or("nothing".to_owned(), shown);
                return Err(misread(&self.at, expected, got, None));
            }
        };
        let mut bodies: Vec<Body> = Vec::with_capacity(lists.len());
        for (i, list) in lists.iter().enumerate() {
            let at = format!("{}, {item} {}", self.at, i + 1);
            let (name, value) = named_list(&at, list)?;
            let layers = read_layers(&at, "layer", value, shared, depth + 1)?;
            let name = match name {
                Some(name) => name,
                None => name_of(&layers, i + 1, &bodies),
            };
            if bodies.iter().any(|b| b.name == name) {
                return Err(misread(&at, "a name that no list beside it has", format!("`{name}`"), None));
            }
            bodies.push(Body { name, layers });
        }
        Ok(bodies)
    }

    fn read_times(&self, table: &toml::Table) -> Result<Times, SpaceError> {
        const EXPECTED: &str = "a number of repetitions 0..=256 or { int = [from, to] } without steps";
        let at = format!("{}, times", self.at);
        let value = table.get("times").ok_or_else(|| misread(&at, EXPECTED, "nothing", None))?;
        let wrong = || misread(&at, EXPECTED, shown(value), None);
        let size = |v: i64| usize::try_from(v).ok().filter(|v| *v <= 256).ok_or_else(wrong);
        let (range, default) = match Spec::read(&at, value)? {
            Spec::Fixed(crate::Value::Int(times)) => (size(times)?..=size(times)?, None),
            Spec::Int { low, high, step: 1, default } => (size(low)?..=size(high)?, default),
            _ => return Err(wrong()),
        };
        let default = match default {
            Some(crate::Value::Int(v)) => Some(size(v)?),
            _ => None,
        };
        let same = match table.get("same") {
            None => false,
            Some(Toml::Boolean(same)) => *same,
            Some(other) => {
                return Err(misread(&format!("{}, same", self.at), "true or false", shown(other), None));
            }
        };
        Ok(Times { range, default, same })
    }

    /// Name of the default option, which the file may give by name or by number from 1.
    fn read_default(&self, table: &toml::Table) -> Result<Option<String>, SpaceError> {
        let names: Vec<&str> = self.bodies.iter().map(|b| b.name.as_str()).collect();
        let found = match table.get("default") {
            None => return Ok(None),
            Some(Toml::String(name)) => names.iter().find(|n| *n == name),
            Some(Toml::Integer(i)) => usize::try_from(*i).ok().and_then(|i| names.get(i.checked_sub(1)?)),
            Some(_) => None,
        };
        let wrong = || {
            let at = format!("{}, default", self.at);
            let got = table.get("default").map_or(String::new(), shown);
            let near = nearest(&got, names.iter().copied());
            misread(&at, format!("an option by number from 1 or by name: {}", names.join(", ")), got, near)
        };
        found.map(|name| Some((*name).to_owned())).ok_or_else(wrong)
    }

    /// Whether the layer, or one in it, takes the shared value of this name.
    pub fn shares(&self, name: &str) -> bool {
        let own = |spec: &Spec| matches!(spec, Spec::Shared { name: n, .. } if n == name);
        self.attributes.iter().any(|(_, spec)| own(spec))
            || self.bodies.iter().flat_map(|b| &b.layers).any(|l| l.shares(name))
    }

    /// The choices of the layer.
    pub fn tree(&self) -> Tree {
        let own = self.attributes.iter().map(|(name, spec)| spec.tree(name));
        let own = Tree::scope(&self.label, Tree::group(own));
        let mut bodies = self.bodies.iter().map(|b| (b.name.as_str(), tree(&b.layers)));
        let nested = match (self.kind.nested, &self.times) {
            (Nested::None, _) => return own,
            (Nested::Options, _) => {
                let options = Tree::one_of(&self.label, bodies);
                self.default.iter().fold(options, |tree, name| tree.default(name.as_str()))
            }
            (Nested::Branches, _) => {
                Tree::scope(&self.label, Tree::group(bodies.map(|(name, body)| Tree::scope(name, body))))
            }
            (_, times) => {
                let body = bodies.next().map_or(Tree::nothing(), |(_, body)| body);
                match times {
                    Some(times) => times.tree(&self.label, body),
                    None => Tree::scope(&self.label, body),
                }
            }
        };
        Tree::group([own, nested])
    }
}

impl Times {
    fn tree(&self, label: &str, body: Tree) -> Tree {
        let count = if self.same { Tree::nothing() } else { body.clone() };
        let count = Tree::repeat(label, self.range.clone(), count);
        let count = self.default.iter().fold(count, |tree, times| tree.default(*times));
        if self.same { Tree::group([count, Tree::scope(label, body)]) } else { count }
    }
}

/// The choices of layers, in order.
pub(crate) fn tree(layers: &[Layer]) -> Tree {
    Tree::group(layers.iter().map(Layer::tree))
}

fn kind(at: &str, table: &toml::Table) -> Result<&'static LayerKind, SpaceError> {
    let names = || LAYERS.iter().map(|k| k.name);
    let expected = || format!("`op`, one of {}", names().collect::<Vec<_>>().join(", "));
    match table.get("op") {
        Some(Toml::String(op)) => LAYERS.iter().find(|k| k.name == op).ok_or_else(|| {
            misread(at, expected(), format!("`{}`", crate::error::shortened(op)), nearest(op, names()))
        }),
        other => Err(misread(at, expected(), other.map_or("nothing".to_owned(), shown), None)),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

fn named_list<'t>(at: &str, list: &'t Toml) -> Result<(Option<String>, &'t Toml), SpaceError> {
    let Toml::Table(table) = list else { return Ok((None, list)) };
    if let Some(key) = table.keys().find(|k| !["name", "body"].contains(&k.as_str())) {
        return Err(super::unknown_key(at, key, &["name", "body"]));
    }
    let name = match table.get("name") {
        None => None,
        Some(Toml::String(name)) if is_name(name) => Some(name.clone()),
        Some(other) => return Err(misread(at, "a name of letters, digits, `_` and `-`", shown(other), None)),
    };
    let body = table.get("body").ok_or_else(|| misread(at, "`body`, a list of layers", "nothing", None))?;
    Ok((name, body))
}

/// What a list without a name is called: after its first operator, and its number if that is taken.
fn name_of(layers: &[Layer], number: usize, before: &[Body]) -> String {
    let name = layers.first().map_or("none", |l| l.kind.name);
    if before.iter().any(|b| b.name == name) { format!("{name}{number}") } else { name.to_owned() }
}
