//! What the good networks of a search have in common.

use crate::RunFolder;
use anyhow::Result;
use nasmyth_space::Space;
use nasmyth_study::{State, Trial};
use nasmyth_surrogate::{Dag, Features, WlProcess, half_rank, motifs};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Trials that there must be at least, and that are looked at.
const TRIALS: (usize, usize) = (20, 200);
/// Nodes of a network at most: patterns of larger ones are not read by people.
const NODES: usize = 200;
/// Networks that must have a pattern, and as many must not: else it tells nothing apart.
const APART: usize = 4;
/// Patterns that are kept from either end.
const KEPT: usize = 6;
/// Characters of a pattern beyond which it explains nothing.
const LONGEST: usize = 200;

/// A pattern of layers, and what it goes along with; see [`nasmyth_surrogate::Motif`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pattern {
    pub text: String,
    /// What one occurrence more adds to the predicted value, in standard deviations of the values.
    pub gradient: f64,
    /// Networks that have it.
    pub networks: usize,
    /// Networks that were looked at.
    pub of: usize,
}

/// Writes `motifs.json`: the patterns that speak most for and against a network, by a Gaussian process with the Weisfeiler-Lehman kernel
/// over the trials of the lowest rung. Without enough trials, nothing.
pub(crate) fn write_motifs(state: &State, space: &Space, folder: &RunFolder) -> Result<()> {
    let rung = |t: &&Trial| t.fidelity.rung == 0 && t.cached_from.is_none();
    let mut networks: Vec<(Dag, f64)> = Vec::new();
    for trial in state.completed().filter(rung).take(TRIALS.1) {
        let graph = space.lower(&trial.genotype)?.verify()?;
        let dag = Dag::of(&graph);
        if let Some(value) = trial.value().filter(|_| dag.labels().len() <= NODES) {
            networks.push((dag, value));
        }
    }
    let (dags, values): (Vec<Dag>, Vec<f64>) = networks.into_iter().unzip();
    if dags.len() < TRIALS.0 {
        return Ok(());
    }
    let targets = half_rank(&values);
    let features: Vec<Arc<Features>> = dags.iter().map(|dag| Arc::new(Features::of(dag))).collect();
    let Some(process) = WlProcess::fit(&features, &targets) else { return Ok(()) };
    let mut patterns: Vec<Pattern> = motifs(&process, &dags, &targets)
        .into_iter()
        .filter(|m| (APART..=dags.len() - APART).contains(&m.graphs) && m.text.len() <= LONGEST)
        .map(|m| Pattern { text: m.text, gradient: m.gradient, networks: m.graphs, of: dags.len() })
        .collect();
    if patterns.len() > 2 * KEPT {
        patterns.drain(KEPT..patterns.len() - KEPT);
    }
    RunFolder::write(&folder.motifs(), &serde_json::to_vec_pretty(&patterns)?)
}
