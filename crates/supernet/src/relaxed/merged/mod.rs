//! Any space as a super-network, without code of its own.
//!
//! Names of nodes are places, so the networks of several genotypes can be laid on top of each other: nodes that agree in place, operator and
//! inputs are one, and where the same reader finds different values in two networks, a mixture of both stands. A choice is mixed if every
//! network that it leads to comes out of the merged graph again; the others, such as widths, are *drawn*: each step has an option of them.

mod assembly;
mod genes;
mod kernels;
mod network;
mod partial;
mod selection;
mod union;

use super::limit::Costs;
use super::regulariser::Probabilities;
use super::space::{Choice, Drawn, Form, Kept, RelaxedGraph, RelaxedSpace};
use assembly::Plan;
use genes::Genes;
use nasmyth_graph::VerifiedGraph;
use nasmyth_space::{Gene, Genotype, Space, SpaceError};
use network::{Merged, Unmixable};
use selection::{sketches, soundly_mixed};
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Merged networks that are kept, for the options that were drawn last.
const CACHE: usize = 8;

/// A [`Space`] as a [`RelaxedSpace`].
///
/// ```
/// use nasmyth_space::{Context, preset};
/// use nasmyth_supernet::relaxed::{MergedSpace, RelaxedSpace};
///
/// let space = MergedSpace::new(&preset("cell", &Context::series(40, 1, 10))?)?;
/// let names: Vec<&str> = space.choices().iter().map(|c| c.name.as_str()).collect();
/// assert!(names.contains(&"cell.node1-0"));
/// assert_eq!(space.drawn()[0].name, "width");
/// # Ok::<(), nasmyth_space::SpaceError>(())
/// ```
#[derive(Clone)]
pub struct MergedSpace<'a> {
    genes: Genes,
    choices: Vec<Choice>,
    drawn: Vec<Drawn>,
    /// The place of each choice.
    mixed: Vec<usize>,
    /// The place of each drawn choice.
    rest: Vec<usize>,
    recent: Arc<Mutex<Recent>>,
    admit: Arc<Admit<'a>>,
}

/// Merged networks, by the options at all places.
type Recent = VecDeque<(Vec<usize>, Arc<Merged>)>;

/// Whether a network may be found.
type Admit<'a> = dyn Fn(&VerifiedGraph) -> bool + Send + Sync + 'a;

impl<'a> MergedSpace<'a> {
    /// Finds out which choices can be mixed.
    ///
    /// # Errors
    /// Genotypes that do not lower.
    pub fn new(space: &Space) -> Result<Self, SpaceError> {
        let genes = Genes::new(space)?;
        let sketches = sketches(&genes)?;
        let is_mixed = soundly_mixed(&genes, &sketches)?;
        let names: Vec<String> = space.genes().map(|gene| gene.path).collect();
        let (mixed, rest): (Vec<usize>, Vec<usize>) = (0..names.len()).partition(|&place| is_mixed[place]);
        let mut choices: Vec<Choice> = Vec::with_capacity(mixed.len());
        for &place in &mixed {
            if let Some(sketch) = &sketches[place] {
                choices.push(sketch.choice(names[place].clone(), genes.words(place, &names[place])?));
            }
        }
        number(&mut choices);
        let drawn = rest.iter().map(|&place| {
            Ok(Drawn { name: names[place].clone(), options: genes.words(place, &names[place])? })
        });
        let drawn = drawn.collect::<Result<_, SpaceError>>()?;
        Ok(Self { genes, choices, drawn, mixed, rest, recent: Arc::default(), admit: Arc::new(|_| true) })
    }

    /// The same, where only some of the networks may be found: those that keep limits.
    pub fn only<'b>(self, admit: impl Fn(&VerifiedGraph) -> bool + Send + Sync + 'b) -> MergedSpace<'b> {
        let Self { genes, choices, drawn, mixed, rest, recent, .. } = self;
        MergedSpace { genes, choices, drawn, mixed, rest, recent, admit: Arc::new(admit) }
    }

    /// The genotype of these options.
    pub fn genotype(&self, drawn: &[usize], options: &[usize]) -> Genotype {
        self.genes.genotype(&self.decided(drawn, options))
    }

    /// The gene of every option of every place of the space, and its probability under those of the choices.
    pub fn distribution(&self, drawn: &Probabilities, mixed: &Probabilities) -> Vec<Vec<(Gene, f64)>> {
        let mut all = vec![Vec::new(); self.genes.options.len()];
        let places = self.rest.iter().zip(drawn).chain(self.mixed.iter().zip(mixed));
        for (&place, p) in places {
            all[place] = self.genes.options[place].iter().copied().zip(p.iter().copied()).collect();
        }
        all
    }

    /// The option at every place of the space.
    pub fn decided(&self, drawn: &[usize], options: &[usize]) -> Vec<usize> {
        let mut all = self.with(drawn);
        self.mixed.iter().zip(options).for_each(|(&place, &option)| all[place] = option);
        all
    }

    fn with(&self, drawn: &[usize]) -> Vec<usize> {
        let mut options = self.genes.base.clone();
        self.rest.iter().zip(drawn).for_each(|(&place, &option)| options[place] = option);
        options
    }

    /// The merged networks of these drawn options.
    fn merged(&self, drawn: &[usize]) -> Result<Arc<Merged>, SpaceError> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = recent.iter().find(|(options, _)| options == drawn) {
            return Ok(known.clone());
        }
        let mut is_mixed = vec![false; self.genes.options.len()];
        self.mixed.iter().for_each(|&place| is_mixed[place] = true);
        let merged = Merged::new(&self.genes, &self.with(drawn), &is_mixed);
        let merged = Arc::new(merged.map_err(|e| self.refused(drawn, &e))?);
        if recent.len() >= CACHE {
            recent.pop_front();
        }
        recent.push_back((drawn.to_vec(), merged.clone()));
        Ok(merged)
    }

    /// That these drawn options leave choices that cannot be mixed after all.
    fn refused(&self, drawn: &[usize], why: &Unmixable) -> SpaceError {
        let words =
            self.drawn.iter().zip(drawn).map(|(gene, &o)| format!("{}={}", gene.name, gene.options[o]));
        SpaceError::Shape {
            expected: "choices whose options can be mixed whatever the others are".to_owned(),
            got: format!(
                "{why}, under {}: use `spos`, or fix some of these genes in a space in TOML",
                words.collect::<Vec<_>>().join(" ")
            ),
        }
    }
}

impl RelaxedSpace for MergedSpace<'_> {
    fn choices(&self) -> &[Choice] {
        &self.choices
    }

    fn drawn(&self) -> &[Drawn] {
        &self.drawn
    }

    fn relaxed(&self, drawn: &[usize], kept: &Kept, form: Form) -> Result<RelaxedGraph, SpaceError> {
        let mut left: Vec<Vec<usize>> = self.with(drawn).into_iter().map(|option| vec![option]).collect();
        let mut numbers = vec![None; left.len()];
        for (choice, (&place, kept)) in self.mixed.iter().zip(kept).enumerate() {
            left[place] = kept.clone();
            numbers[place] = Some(choice);
        }
        let plan = Plan { kept: &left, numbers: &numbers, form };
        self.merged(drawn)?.assemble(plan).map_err(|e| self.refused(drawn, &e.into()))
    }

    fn existing(&self, drawn: &[usize], options: &[usize]) -> Result<Vec<bool>, SpaceError> {
        let exists = self.genes.lower(&self.decided(drawn, options))?.exists;
        Ok(self.mixed.iter().map(|&place| exists[place]).collect())
    }

    fn admits(&self, drawn: &[usize], options: &[usize]) -> bool {
        self.genes.lower(&self.decided(drawn, options)).is_ok_and(|lowered| (self.admit)(&lowered.graph))
    }

    /// Where costs add up, those of [`Costs::macs`]. Otherwise, where choices depend on each other, each option's is what it adds to the cheapest of
    /// its choice, the others being the richest: the sum is a bound.
    fn costs(&self) -> Result<Costs, SpaceError> {
        let macs = |options: &[usize]| Ok::<f64, SpaceError>(self.genes.lower(options)?.graph.macs() as f64);
        let additive = Costs::macs(self)?;
        let richest: Vec<usize> = self.mixed.iter().map(|&place| self.genes.base[place]).collect();
        let drawn = vec![0; self.drawn.len()];
        if additive.base >= 0.0 && additive.of(&richest) == macs(&self.decided(&drawn, &richest))? {
            return Ok(additive);
        }
        let mut cheapest = self.genes.base.clone();
        let mut options = Vec::with_capacity(self.mixed.len());
        for &place in &self.mixed {
            let mut context = self.genes.contexts[place].clone().unwrap_or_else(|| self.genes.base.clone());
            let all = (0..self.genes.options[place].len()).map(|option| {
                context[place] = option;
                macs(&context)
            });
            let all = all.collect::<Result<Vec<f64>, _>>()?;
            let least = all.iter().copied().fold(f64::INFINITY, f64::min);
            cheapest[place] = all.iter().position(|&cost| cost == least).unwrap_or(0);
            options.push(all.into_iter().map(|cost| cost - least).collect());
        }
        Ok(Costs { base: macs(&cheapest)?, options })
    }
}

/// Numbers values in place of vertices, in their order.
fn number(choices: &mut [Choice]) {
    let vertices: BTreeSet<usize> = choices.iter().flat_map(|c| [c.from, c.to]).collect();
    let rank = |vertex: usize| vertices.range(..vertex).count();
    for choice in choices {
        (choice.from, choice.to) = (rank(choice.from), rank(choice.to));
        choice.sum = choice.sum.map(rank);
    }
}
