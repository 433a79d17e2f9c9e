//! Bayesian optimisation with an ensemble on the paths of networks.
//!
//! White, Neiswanger and Savani: "BANANAS: Bayesian Optimization with Neural Architectures for Neural Architecture Search", AAAI 2021,
//! algorithm 1: path encoding, an ensemble of five networks, independent Thompson sampling. The networks here are shallow, with
//! random hidden layers (see [`Ensemble`]).

use super::StrategyKind;
use crate::cell_encoding::{EncodedSpace, GENES, PATHS, READ, encoding};
use crate::model_based::{Evidence, Model, ModelBased, SETTINGS};
use crate::{Rng, Setting, SettingKind, StrategyError};
use nasmyth_space::{Genotype, Space};
use nasmyth_surrogate::encodings::{Encoding, Paths};
use nasmyth_surrogate::{Dag, Ensemble, acquisition::thompson, half_rank};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "bananas",
    doc: "Thompson sampling from an ensemble on the paths of small networks, on the genes of deep ones",
    several: true,
    settings: &[SETTINGS[0], SETTINGS[1], SETTINGS[2], ENCODING],
    build: |settings| Box::new(ModelBased::new(Bananas::new(settings.text("encoding")), settings)),
};

/// What the ensemble reads; candidates are drawn and mutated gene by gene in any case.
const ENCODING: SettingKind = SettingKind {
    name: "encoding",
    doc: "what the ensemble reads: paths, where networks are small enough for them; the genes; or an encoding of cells",
    setting: Setting::Word { default: PATHS, options: &READ },
};

/// Networks of the ensemble.
const MEMBERS: usize = 5;
/// Paths that are kept, beyond which they are all computed anew.
const CACHED: usize = 20_000;

/// What it reads, and the paths of networks seen so far; none where there are too many or too long ones.
struct Bananas {
    /// Whether it reads genes although there are paths.
    genes: bool,
    /// Of cells, in place of both.
    encoding: Option<&'static dyn Encoding>,
    paths: HashMap<Genotype, Option<Arc<Paths>>>,
}

impl Bananas {
    fn new(name: &str) -> Self {
        Self { genes: name == GENES, encoding: encoding(name), paths: HashMap::new() }
    }

    fn paths(&mut self, space: &Space, genotype: &Genotype) -> Option<Arc<Paths>> {
        if self.paths.len() > CACHED {
            self.paths.clear();
        }
        let compute = || {
            let graph = space.lower(genotype).ok()?.verify().ok()?;
            Paths::of(&Dag::of(&graph)).map(Arc::new)
        };
        self.paths.entry(genotype.clone()).or_insert_with(compute).clone()
    }

    /// The vectors of networks: the paths that trials have, or the genes if one of the trials has no paths.
    fn vectors(&mut self, evidence: &Evidence<'_>, pool: &[Genotype]) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let trials: Vec<&Genotype> = evidence.known.iter().map(|known| &known.genotype).collect();
        if let Some(Ok(encoded)) = self.encoding.map(|e| EncodedSpace::new(evidence.space, e)) {
            let trials = trials.into_iter().map(|genotype| encoded.encode(genotype)).collect();
            return (trials, pool.iter().map(|genotype| encoded.encode(genotype)).collect());
        }
        let paths: Option<Vec<Arc<Paths>>> = match self.genes {
            true => None,
            false => trials.iter().map(|g| self.paths(evidence.space, g)).collect(),
        };
        let genes =
            |genotype: &Genotype| evidence.space.encode(genotype).into_iter().map(f64::from).collect();
        let Some(paths) = paths else {
            return (trials.into_iter().map(genes).collect(), pool.iter().map(genes).collect());
        };
        let list: BTreeSet<u64> = paths.iter().flat_map(|paths| paths.iter()).collect();
        let list: Vec<u64> = list.into_iter().collect();
        let candidate = |genotype: &Genotype| match self.paths(evidence.space, genotype) {
            Some(paths) => paths.one_hot(&list),
            None => vec![0.0; list.len()],
        };
        let pool = pool.iter().map(candidate).collect();
        (paths.iter().map(|paths| paths.one_hot(&list)).collect(), pool)
    }
}

impl Model for Bananas {
    fn check(&self, space: &Space) -> Result<(), StrategyError> {
        self.encoding.map_or(Ok(()), |encoding| EncodedSpace::new(space, encoding).map(drop))
    }

    fn acquire(&mut self, evidence: &Evidence<'_>, pool: &[Genotype], rng: &mut Rng) -> Option<Vec<f64>> {
        let values: Vec<f64> = evidence.known.iter().map(|known| known.value).collect();
        let (trials, pool) = self.vectors(evidence, pool);
        let ensemble = Ensemble::fit(&trials, &half_rank(&values), MEMBERS, rng)?;
        Some(pool.iter().map(|row| thompson(ensemble.predict(row), rng)).collect())
    }
}
