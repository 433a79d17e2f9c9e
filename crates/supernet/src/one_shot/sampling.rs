//! Which sub-networks are trained next.

use super::Sampling;
use nasmyth_graph::VerifiedGraph;
use nasmyth_space::{Gene, Genotype, Rng, Scale, Space};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

/// Draws before a network that does not keep the limits is taken all the same.
const MOST_DRAWS: usize = 64;

/// Whether a network keeps the limits.
pub type Admit<'a> = &'a (dyn Fn(&VerifiedGraph) -> bool + Sync);

impl Sampling {
    /// Sub-networks before the weights move.
    pub fn paths(self, space: &Space) -> u64 {
        match self {
            Self::Uniform => 1,
            Self::Fair => space.scales().iter().map(|s| options(*s)).max().unwrap_or(1).into(),
        }
    }

    /// The sub-networks of update number `update`: a function of it and of `seed`. Of uniform ones only those that `admit` takes, if it
    /// takes any in a while; a fair round takes all.
    pub fn draw(self, space: &Space, seed: u64, update: u64, admit: Option<Admit<'_>>) -> Vec<Genotype> {
        let mut rng = numbered(seed, update);
        match self {
            Self::Uniform => vec![uniform(space, &mut rng, admit)],
            Self::Fair => fair(space, self.paths(space), &mut rng),
        }
    }
}

/// The random numbers of an update.
pub(crate) fn numbered(seed: u64, update: u64) -> Rng {
    let mut rng = Rng::seed_from_u64(seed);
    Rng::seed_from_u64(rng.random::<u64>() ^ update)
}

/// A random network that `admit` takes, if it takes any in a while.
pub(super) fn uniform(space: &Space, rng: &mut Rng, admit: Option<Admit<'_>>) -> Genotype {
    let first = space.sample(rng);
    let Some(admit) = admit else { return first };
    let admitted =
        |g: &Genotype| space.lower(g).ok().and_then(|g| g.verify().ok()).is_some_and(|g| admit(&g));
    let mut drawn = first.clone();
    for _ in 0..MOST_DRAWS {
        if admitted(&drawn) {
            return drawn;
        }
        drawn = space.sample(rng);
    }
    first
}

/// For each gene a permutation of its options, repeated where others have more.
fn fair(space: &Space, paths: u64, rng: &mut Rng) -> Vec<Genotype> {
    let orders: Vec<Vec<Gene>> = space.scales().iter().map(|scale| order(*scale, paths, rng)).collect();
    (0..paths as usize).map(|path| space.compose(|place| orders[place][path % orders[place].len()])).collect()
}

fn order(scale: Scale, paths: u64, rng: &mut Rng) -> Vec<Gene> {
    match scale {
        Scale::Unordered(n) | Scale::Ordered(n) => {
            let mut genes: Vec<Gene> = (0..n).map(Gene::Index).collect();
            genes.shuffle(rng);
            genes
        }
        Scale::Real { low, high } => (0..paths).map(|_| Gene::Real(rng.random_range(low..=high))).collect(),
    }
}

/// Options of a gene; a continuum asks for one path only.
fn options(scale: Scale) -> u32 {
    match scale {
        Scale::Unordered(n) | Scale::Ordered(n) => n,
        Scale::Real { .. } => 1,
    }
}
