//! A search space: a choice tree, and a way to make a graph of what was chosen.

use crate::domain::Domain;
use crate::ensemble::Ensemble;
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
    /// What the networks are made of, where they are ensembles.
    ensemble: Option<Ensemble>,
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
            ensemble: None,
        })))
    }

    pub(crate) fn of_ensembles(name: String, doc: String, slots: Slots, ensemble: Ensemble) -> Self {
        let (made_of, graph) = (ensemble.clone(), name.clone());
        let lower = Arc::new(move |genes: &Reader<'_>| made_of.lower(&graph, genes));
        let (slots, ensemble) = (Arc::new(slots), Some(ensemble));
        Self(Arc::new(Inner { name, doc, slots, lower, members: None, ensemble }))
    }

    /// The same space with other slots, restricted to these genotypes, if any.
    fn part(&self, slots: Arc<Slots>, members: Option<Members>) -> Self {
        let Inner { name, doc, lower, ensemble, .. } = &*self.0;
        let (name, doc, lower, ensemble) = (name.clone(), doc.clone(), lower.clone(), ensemble.clone());
        Self(Arc::new(Inner { name, doc, slots, lower, members, ensemble }))
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
        Ok(self.part(self.0.slots.clone(), Some(members)))
    }

    /// The part of this space whose genotypes have none of these options, each written `path=value`, of unordered choices. Networks stay what
    /// they are; genotypes as numbers count the options that are left.
    ///
    /// # Errors
    /// A path or value that the space does not have, a choice that would be left without options, or a space that [`only`](Self::only) has
    /// restricted.
    pub fn without<S: AsRef<str>>(&self, options: &[S]) -> Result<Self, SpaceError> {
        if options.is_empty() {
            return Ok(self.clone());
        }
        let mut slots = self.slots().clone();
        for text in options.iter().map(AsRef::as_ref) {
            let (path, value) = text.split_once('=').unwrap_or((text, ""));
            let slot = slots.find(path)?;
            let domain = &slots.list()[slot].domain;
            let wrong = |expected: String| {
                Err(SpaceError::Gene {
                    path: path.to_owned(),
                    expected,
                    got: format!("`{value}` to leave out"),
                })
            };
            match (domain, domain.read(value)) {
                _ if self.members().is_some() => return wrong("a space that is not restricted".to_owned()),
                (Domain::Options(_) | Domain::Branch(_), Some(Gene::Index(option))) if domain.is_free() => {
                    slots.without(slot, option);
                }
                (_, Some(_)) => return wrong("an unordered choice that has another option".to_owned()),
                (_, None) => return wrong(domain.expected()),
            }
        }
        Ok(self.part(Arc::new(slots), None))
    }

    pub(crate) fn members(&self) -> Option<&Members> {
        self.0.members.as_ref()
    }

    pub(crate) fn ensembles(&self) -> Option<&Ensemble> {
        self.0.ensemble.as_ref()
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
        self.lower_chosen(&self.chosen(genotype)?)
    }

    pub(crate) fn lower_chosen(&self, chosen: &Chosen) -> Result<Graph, SpaceError> {
        (self.0.lower)(&Reader::new(self.slots(), chosen))
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

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn options_are_left_out_with_all_that_is_below_them() {
        let op = Tree::one_of(
            "op",
            [
                ("noise", Tree::choice("rate", [1, 2])),
                ("conv", Tree::choice("kernel", [3, 5, 7])),
                ("pool", Tree::nothing()),
            ],
        );
        let tree = Tree::group([Tree::choice("width", [4, 8, 16]).default(16), op]);
        let no_network = |_: &Reader<'_>| {
            Err(SpaceError::GenotypeText { text: String::new(), got: String::new(), position: 1 })
        };
        let space = Space::new("s", "", tree, no_network).unwrap();
        assert_eq!(space.count(), Some(3 * (2 + 3 + 1)));
        let left = space.without(&["width=8", "op=noise"]).unwrap();
        assert_eq!(left.count(), Some(2 * (3 + 1)));
        assert_eq!(left.describe(&left.default_genotype()).unwrap(), "width=16 op=conv op.conv.kernel=3");
        let mut rng = Rng::seed_from_u64(1);
        for _ in 0..100 {
            let genotype = left.sample(&mut rng);
            let text = left.describe(&genotype).unwrap();
            assert!(!text.contains("noise") && !text.contains("width=8 "), "{text}");
            assert_eq!(left.parse(&text).unwrap(), genotype);
            assert!(space.parse(&text).is_ok(), "{text}");
        }
        for (wrong, expected) in [
            (&["width=5"][..], "width"),
            (&["depth=5"], "depth"),
            (&["width=4", "width=8", "width=16"], "another option"),
        ] {
            let error = space.without(wrong).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let only = space.only([space.default_genotype()]).unwrap();
        assert!(only.without(&["width=8"]).is_err());
    }
}
