#![doc = include_str!("../../SPACE_LANGUAGE.md")]

mod attribute;
mod layer;
mod layers;
mod placed;
mod program;
mod spec;

use crate::error::nearest;
use crate::{Context, Genotype, Rng, Space, SpaceError};
use program::Program;
use rand::SeedableRng;

/// Networks that are built when a file is loaded: changes of the default in one gene, and random ones.
const TRIED_NEIGHBOURS: usize = 256;
const TRIED_SAMPLES: usize = 32;
/// Genes of all these networks together: very large spaces are tried in fewer places, so that loading stays quick.
const TRIED_GENES: usize = 500_000;

/// The space that a TOML text defines, for this data.
///
/// The default network, its neighbours and a few random networks are built at once, so that a layer that does not fit is an
/// error here and not in the middle of a search.
///
/// # Errors
/// Where in the text, what was expected there, what was found and the nearest known word; or the choices of a network that
/// cannot be built, and why.
pub fn from_toml(text: &str, context: &Context) -> Result<Space, SpaceError> {
    context.check()?;
    let table: toml::Table =
        text.parse().map_err(|e: toml::de::Error| SpaceError::Syntax { message: e.to_string() })?;
    let program = Program::read(&table, context)?;
    let (name, doc, tree) = (program.name.clone(), program.doc.clone(), program.tree());
    let space = Space::new(name, doc, tree, move |genes| program.lower(genes))?;
    try_out(&space)?;
    Ok(space)
}

fn try_out(space: &Space) -> Result<(), SpaceError> {
    let default = space.default_genotype();
    let mut rng = Rng::seed_from_u64(0);
    let affordable = TRIED_GENES / space.slots().list().len().max(1);
    space.lower(&default)?.verify()?;
    let mut tried: Vec<Genotype> = Vec::new();
    tried.extend(space.first_neighbours(&default, TRIED_NEIGHBOURS.min(affordable)));
    tried.extend((0..TRIED_SAMPLES.min(affordable)).map(|_| space.sample(&mut rng)));
    tried.into_iter().try_for_each(|genotype| {
        let built = space.lower(&genotype).and_then(|graph| Ok(graph.verify()?));
        let shown = || space.describe(&genotype).unwrap_or_else(|_| genotype.to_string());
        built.map(drop).map_err(|source| SpaceError::Unbuildable {
            space: space.name().to_owned(),
            genotype: shown(),
            source: Box::new(source),
        })
    })
}

/// Every operator of the language with its attributes, for documentation and help.
pub fn operators() -> impl Iterator<Item = Operator> {
    layers::LAYERS.iter().map(|kind| Operator {
        name: kind.name,
        doc: kind.doc,
        attributes: kind.attributes.iter().map(|a| (a.name, a.describe())).collect(),
    })
}

/// One `op` of the language.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Its name.
    pub name: &'static str,
    /// What it computes, in a sentence.
    pub doc: &'static str,
    /// Name of each attribute, and what it may be.
    pub attributes: Vec<(&'static str, String)>,
}

/// An error about one place of a file.
pub(crate) fn misread(
    at: &str,
    expected: impl Into<String>,
    got: impl Into<String>,
    near: Option<String>,
) -> SpaceError {
    SpaceError::Language { at: at.to_owned(), expected: expected.into(), got: got.into(), nearest: near }
}

/// An error about a key that nothing is known by.
pub(crate) fn unknown_key(at: &str, key: &str, known: &[&str]) -> SpaceError {
    let expected = format!("only the keys {}", known.join(", "));
    misread(at, expected, format!("`{}`", crate::error::shortened(key)), nearest(key, known.iter().copied()))
}

/// A value of a file, as it is shown in messages.
pub(crate) fn shown(value: &toml::Value) -> String {
    crate::error::shortened(&format!("`{}`", value.to_string().replace('\n', " ")))
}
