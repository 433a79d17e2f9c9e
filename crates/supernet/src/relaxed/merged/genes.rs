//! The genes of a space as places with numbered options.

use nasmyth_graph::VerifiedGraph;
use nasmyth_space::{Gene, Genotype, Scale, Space, SpaceError};

/// Points of a range that count as options: of more, so many at equal distances.
const POINTS: u32 = 11;

/// Most options of a gene that are mixed; a choice of more words than this is drawn.
pub(super) const MOST_MIXED: usize = 16;

/// A space as one number for each place.
#[derive(Clone)]
pub(super) struct Genes {
    pub space: Space,
    /// The genes that the options of each place stand for.
    pub options: Vec<Vec<Gene>>,
    /// Of each place the option whose network has the most nodes, which the others are compared with.
    pub base: Vec<usize>,
    /// Options of all places under which the gene exists, if such were found.
    pub contexts: Vec<Option<Vec<usize>>>,
}

/// The network of numbered options, and which places have a gene.
pub(super) struct Lowered {
    pub graph: VerifiedGraph,
    pub exists: Vec<bool>,
}

impl Genes {
    pub fn new(space: &Space) -> Result<Self, SpaceError> {
        let options: Vec<Vec<Gene>> = space.scales().iter().map(points).collect();
        let default = space.by_place(&space.default_genotype());
        let of = |(gene, options): (&Option<Gene>, &Vec<Gene>)| {
            gene.and_then(|gene| options.iter().position(|o| *o == gene)).unwrap_or(0)
        };
        let base: Vec<usize> = default.iter().zip(&options).map(of).collect();
        let contexts = vec![None; options.len()];
        let mut genes = Self { space: space.clone(), options, base: base.clone(), contexts };
        genes.enrich(base)?;
        // Under the richest options of the places before it, a gene may exist in the base itself.
        let Lowered { exists, .. } = genes.lower(&genes.base)?;
        for place in (0..exists.len()).filter(|&place| exists[place]) {
            genes.contexts[place] = Some(genes.base.clone());
        }
        Ok(genes)
    }

    pub fn genotype(&self, options: &[usize]) -> Genotype {
        self.space.compose(|place| self.options[place][options[place]])
    }

    pub fn lower(&self, options: &[usize]) -> Result<Lowered, SpaceError> {
        let genotype = self.genotype(options);
        let exists = self.space.by_place(&genotype).iter().map(Option::is_some).collect();
        Ok(Lowered { graph: self.space.lower(&genotype)?.verify()?, exists })
    }

    /// What the options of the gene at a place are called.
    pub fn words(&self, place: usize, path: &str) -> Result<Vec<String>, SpaceError> {
        let context = self.contexts[place].as_ref().unwrap_or(&self.base);
        let word = |option: usize| {
            let mut options = context.clone();
            options[place] = option;
            let values = self.space.values(&self.genotype(&options))?;
            let own = values.into_iter().find(|(gene, _)| gene == path);
            Ok(own.map_or_else(|| option.to_string(), |(_, value)| value.to_string()))
        };
        (0..self.options[place].len()).map(word).collect()
    }

    /// Finds the richest option of every place that exists in this context, then of those that exist with its other options.
    fn enrich(&mut self, mut context: Vec<usize>) -> Result<(), SpaceError> {
        let mut opens = Vec::new();
        for place in 0..context.len() {
            if self.contexts[place].is_some() || !self.lower(&context)?.exists[place] {
                continue;
            }
            self.contexts[place] = Some(context.clone());
            let (mut best, mut most) = (context[place], self.lower(&context)?.graph.nodes().len());
            for option in (0..self.options[place].len().min(MOST_MIXED)).filter(|&o| o != context[place]) {
                let mut other = context.clone();
                other[place] = option;
                let lowered = self.lower(&other)?;
                opens.push((place, option));
                if lowered.graph.nodes().len() > most {
                    (best, most) = (option, lowered.graph.nodes().len());
                }
            }
            opens.push((place, context[place]));
            (context[place], self.base[place]) = (best, best);
        }
        for (place, option) in opens.into_iter().filter(|&(place, option)| option != context[place]) {
            let mut other = context.clone();
            other[place] = option;
            let exists = self.lower(&other)?.exists;
            if (0..exists.len()).any(|p| exists[p] && self.contexts[p].is_none()) {
                self.enrich(other)?;
            }
        }
        Ok(())
    }
}

fn points(scale: &Scale) -> Vec<Gene> {
    let spread =
        |n: u32| (0..POINTS).map(move |i| (u64::from(i) * u64::from(n - 1) / u64::from(POINTS - 1)) as u32);
    match *scale {
        Scale::Ordered(n) if n as usize > MOST_MIXED => spread(n).map(Gene::Index).collect(),
        Scale::Unordered(n) | Scale::Ordered(n) => (0..n).map(Gene::Index).collect(),
        Scale::Real { low, high } => {
            let at = |i| low + (high - low) * f64::from(i) / f64::from(POINTS - 1);
            (0..POINTS).map(|i| Gene::Real(at(i))).collect()
        }
    }
}
