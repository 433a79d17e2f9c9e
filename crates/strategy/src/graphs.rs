//! Genotypes as graphs, for models that read those.

use nasmyth_space::{Genotype, Space};
use nasmyth_surrogate::Dag;

/// Nodes of a graph at most: what models compute grows like their square.
const NODES: usize = 64;

/// The layers of the network. If it cannot be built or is too large, the genes, each after the one before.
pub(crate) fn graph(space: &Space, genotype: &Genotype) -> Dag {
    layers(space, genotype).unwrap_or_else(|| genes(genotype))
}

fn layers(space: &Space, genotype: &Genotype) -> Option<Dag> {
    let graph = space.lower(genotype).ok()?.verify().ok()?;
    Some(Dag::of(&graph)).filter(|dag| dag.labels().len() <= NODES)
}

fn genes(genotype: &Genotype) -> Dag {
    let label = |(i, gene)| format!("{i}: {gene:?}");
    let labels: Vec<String> = genotype.genes().iter().take(NODES).enumerate().map(label).collect();
    Dag::chain(labels)
}
