//! A search space: a choice tree, and a way to make a graph of what was chosen.

use crate::domain::Domain;
use crate::members::Members;
use crate::slots::{Chosen, Slots};
use crate::{Gene, Genotype, Reader, Rng, SpaceError, Tree, Value};
use nasmyth_graph::Graph;
use std::fmt;
use std::sync::Arc;

type Lower = dyn Fn(&Reader<'_>) -> Result<Graph, SpaceError> + Send + Sync;

/// A set of networks. Cheap to clone.
///
/// ```
/// use nasmyth_graph::ops::{Activation, Function, Linear};
/// use nasmyth_space::{Context, Network, Rng, Space, Tree};
/// use rand::SeedableRng;
///
/// let context = Context::table(4, 3);
/// let layer = Tree::group([
///     Tree::choice("width", [8, 16, 32]).default(16),
///     Tree::choice("act", ["relu", "silu"]),
/// ]);
/// let tree = Tree::repeat("hidden", 1..=3, layer).default(2);
/// let space = Space::new("tiny_mlp", "Up to three hidden layers.", tree, move |genes| {
///     let mut net = Network::begin("tiny_mlp", &context)?;
///     for layer in genes.repeat("hidden")? {
///         net.push(Linear::new(layer.size("width")?))?;
///         let act = if layer.word("act")? == "relu" { Function::Relu } else { Function::Silu };
///         net.push(Activation(act))?;
///     }
///     net.finish()
/// })?;
///
/// assert_eq!(space.count(), Some(6 + 6 * 6 + 6 * 6 * 6));
/// let mut rng = Rng::seed_from_u64(1);
/// let parent = space.sample(&mut rng);
/// let child = space.mutate(&parent, &mut rng);
/// assert_ne!(parent, child);
/// assert_eq!(space.parse(&child.to_string())?, child);
/// let graph = space.lower(&child)?.verify()?;
/// assert_eq!(graph.fact(graph.outputs()[0]).shape(), [3]);
/// # Ok::<(), nasmyth_space::SpaceError>(())
/// ```
#[derive(Clone)]
pub struct Space(Arc<Inner>);

struct Inner {
    name: String,
    doc: String,
    slots: Arc<Slots>,
    lower: Arc<Lower>,
    /// The only genotypes, where not all belong to the space.
    members: Option<Members>,
}

/// One gene that a space can have, for people and reports.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneInfo {
    /// Its path.
    pub path: String,
    /// What it may be, in words.
    pub domain: String,
    /// Its value in the default genotype (if it exists there).
    pub default: String,
    /// Number of values; `None` for a continuum.
    pub values: Option<u32>,
}

impl Space {
    /// A space of the networks that `lower` makes of the choices in `tree`.
    ///
    /// # Errors
    /// The tree has two genes of one path, an empty choice or range, an unknown default, or unfolds into too many genes.
    pub fn new(
        name: impl Into<String>,
        doc: impl Into<String>,
        tree: Tree,
        lower: impl Fn(&Reader<'_>) -> Result<Graph, SpaceError> + Send + Sync + 'static,
    ) -> Result<Self, SpaceError> {
        let slots = Slots::unfold(&tree)?;
        Ok(Self(Arc::new(Inner {
            name: name.into(),
            doc: doc.into(),
            slots: Arc::new(slots),
            lower: Arc::new(lower),
            members: None,
        })))
    }

    /// The part of this space that holds these genotypes only, e.g. those that were measured: it samples among them; a
    /// crossover is the nearest of them, by the number of genes that differ, and the neighbourhood are the sixteen nearest and all that
    /// differ in no more genes.
    ///
    /// # Errors
    /// No genotype, or one that does not belong to this space.
    pub fn only(&self, genotypes: impl IntoIterator<Item = Genotype>) -> Result<Self, SpaceError> {
        let members = Members::new(genotypes);
        members.list().iter().try_for_each(|g| self.validate(g))?;
        if members.list().is_empty() {
            return Err(SpaceError::Tree {
                path: self.name().to_owned(),
                expected: "at least one genotype".to_owned(),
                got: "none".to_owned(),
            });
        }
        let Inner { name, doc, slots, lower, .. } = &*self.0;
        let (name, doc, slots, lower) = (name.clone(), doc.clone(), slots.clone(), lower.clone());
        Ok(Self(Arc::new(Inner { name, doc, slots, lower, members: Some(members) })))
    }

    pub(crate) fn members(&self) -> Option<&Members> {
        self.0.members.as_ref()
    }

    /// Name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What is in it, in a sentence or two.
    pub fn doc(&self) -> &str {
        &self.0.doc
    }

    pub(crate) fn slots(&self) -> &Slots {
        &self.0.slots
    }

    /// All genes that a genotype of this space can have, in order.
    pub fn genes(&self) -> impl Iterator<Item = GeneInfo> + '_ {
        let free = self.slots().list().iter().filter(|s| s.domain.is_free());
        free.map(|s| GeneInfo {
            path: s.path.clone(),
            domain: s.domain.expected(),
            default: s.domain.value(s.default).map_or(String::new(), |v| v.to_string()),
            values: s.domain.len(),
        })
    }

    /// A genotype, uniform over the values of each gene on the way (so not uniform over genotypes where some options have
    /// more genes below them than others).
    pub fn sample(&self, rng: &mut Rng) -> Genotype {
        if let Some(members) = self.members() {
            return members.sample(rng);
        }
        self.genotype(&self.slots().fill_with(|_, slot| slot.domain.sample(rng)))
    }

    /// The network that the author of the space would try first.
    pub fn default_genotype(&self) -> Genotype {
        let default = self.genotype(&self.slots().fill_with(|_, slot| slot.default));
        self.members().map_or(default.clone(), |members| members.nearest(&default))
    }

    pub(crate) fn genotype(&self, chosen: &[Option<Gene>]) -> Genotype {
        self.slots().genotype(chosen)
    }

    pub(crate) fn chosen(&self, genotype: &Genotype) -> Result<Chosen, SpaceError> {
        if self.members().is_some_and(|members| !members.contain(genotype)) {
            return Err(SpaceError::NotAMember {
                space: self.name().to_owned(),
                genotype: genotype.to_string(),
            });
        }
        self.slots().chosen(self.name(), genotype)
    }

    /// Whether the genotype belongs to this space.
    ///
    /// # Errors
    /// The first gene with a value that the space does not offer, or a wrong number of genes.
    pub fn validate(&self, genotype: &Genotype) -> Result<(), SpaceError> {
        self.chosen(genotype).map(drop)
    }

    /// The complete network, from raw values to the answer.
    ///
    /// # Errors
    /// The genotype does not belong to this space, or (in spaces of users' own) the network does not fit together.
    pub fn lower(&self, genotype: &Genotype) -> Result<Graph, SpaceError> {
        let chosen = self.chosen(genotype)?;
        (self.0.lower)(&Reader::new(self.slots(), &chosen))
    }

    /// Path and value of every gene.
    ///
    /// # Errors
    /// The genotype does not belong to this space.
    pub fn values(&self, genotype: &Genotype) -> Result<Vec<(String, Value)>, SpaceError> {
        let chosen = self.chosen(genotype)?;
        let list = self.slots().list();
        let pair = |(i, gene): (usize, Gene)| Some((list[i].path.clone(), list[i].domain.value(gene)?));
        Ok(self.slots().genes(&chosen).filter_map(pair).collect())
    }

    /// The readable form, `path=value` for every gene, separated by blanks; [`parse`](Self::parse) reads it back.
    ///
    /// # Errors
    /// The genotype does not belong to this space.
    pub fn describe(&self, genotype: &Genotype) -> Result<String, SpaceError> {
        let values = self.values(genotype)?;
        let words: Vec<String> = values.iter().map(|(path, value)| format!("{path}={value}")).collect();
        Ok(words.join(" "))
    }

    /// Reads the compact form (`0_2_1`) or the readable one (`path=value` pairs, separated by blanks or commas, where genes
    /// that are not mentioned have their default).
    ///
    /// # Errors
    /// What part is wrong and what the space offers there.
    pub fn parse(&self, text: &str) -> Result<Genotype, SpaceError> {
        if text.contains('=') {
            return self.parse_pairs(text);
        }
        let genotype: Genotype = text.parse()?;
        self.validate(&genotype)?;
        Ok(genotype)
    }

    fn parse_pairs(&self, text: &str) -> Result<Genotype, SpaceError> {
        let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty());
        let pair = |(position, word): (usize, &str)| {
            let (path, value) = word.split_once('=').ok_or_else(|| SpaceError::GenotypeText {
                text: crate::error::shortened(text),
                got: crate::error::shortened(word),
                position: position + 1,
            })?;
            Ok((path.to_owned(), value.to_owned()))
        };
        self.with_values(words.enumerate().map(pair).collect::<Result<Vec<_>, SpaceError>>()?)
    }

    /// The genotype with these values at these paths, each as [`values`](Self::values) shows it, and the default of every other gene.
    ///
    /// # Errors
    /// The first path that the space does not have or value that it does not offer there, or a gene that does not exist under the
    /// others. Whether a restricted space has the genotype, [`validate`](Self::validate) says.
    pub fn with_values(
        &self,
        values: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Genotype, SpaceError> {
        let mut given: Vec<Option<Gene>> = vec![None; self.slots().list().len()];
        for (path, value) in values {
            let slot = self.slots().find(&path)?;
            given[slot] = Some(read(&self.slots().list()[slot].domain, &path, &value)?);
        }
        let chosen = self.slots().fill_with(|i, slot| given[i].unwrap_or(slot.default));
        match (0..given.len()).find(|&i| given[i].is_some() && chosen[i].is_none()) {
            Some(i) => Err(SpaceError::AbsentGene { path: self.slots().list()[i].path.clone() }),
            None => Ok(self.genotype(&chosen)),
        }
    }
}

fn read(domain: &Domain, path: &str, value: &str) -> Result<Gene, SpaceError> {
    domain.read(value).ok_or_else(|| SpaceError::Gene {
        path: path.to_owned(),
        expected: domain.expected(),
        got: format!("`{}`", crate::error::shortened(value)),
    })
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Space({}, {} possible genes)", self.name(), self.slots().list().len())
    }
}
