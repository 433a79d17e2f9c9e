//! From the trials of a search to trained networks: the best one, or where there are several objectives a front of them.

use crate::fleet::Fleet;
use crate::winner::{Length, Trained};
use crate::{Certificate, FinalLength, Metrics, Notice, Observer, RunConfig, RunFolder, Verdict, Winner};
use anyhow::Result;
use nasmyth_data::Dataset;
use nasmyth_device::Objectives;
use nasmyth_engine::Engine;
use nasmyth_estimator::StopFlag;
use nasmyth_graph::VerifiedGraph;
use nasmyth_space::{Genotype, Space};
use nasmyth_strategy::pareto::hypervolume;
use nasmyth_study::{State, Status};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Instant;

/// Most networks of a front that are trained to the end.
pub(crate) const FRONT: usize = 5;

/// A network that the search found.
pub(crate) struct Finalist {
    pub trial: Option<u64>,
    pub graph: VerifiedGraph,
    pub seed: u64,
    /// What the search measured on the validation part.
    pub valid: BTreeMap<String, f64>,
    /// Its folder within the run.
    pub place: String,
}

/// A network of a front, as `front.json` lists it.
///
/// ```no_run
/// use nasmyth::FrontMember;
///
/// let text = std::fs::read_to_string("runs/mnist1d/front/front.json")?;
/// for member in serde_json::from_str::<Vec<FrontMember>>(&text)? {
///     println!("{}: {:?} with {} parameters", member.folder, member.test, member.costs["params"]);
/// }
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrontMember {
    /// Its folder within the run.
    pub folder: String,
    /// The trial that found it.
    pub trial: Option<u64>,
    /// Canonical hash of the architecture.
    pub architecture: String,
    /// On the validation part, at the search's highest effort.
    pub valid: BTreeMap<String, f64>,
    /// On the test part, after the final training.
    pub test: BTreeMap<String, f64>,
    /// Every cost.
    pub costs: BTreeMap<String, u64>,
}

/// A finalist after its final training.
pub(crate) struct Finished {
    pub length: FinalLength,
    pub metrics: Metrics,
    pub certificate: Certificate,
}

impl Finished {
    /// What its certificate says of a limit that does not hold.
    pub fn broken(&self) -> Option<String> {
        let broken = self.certificate.broken()?;
        Some(format!(
            "the network that was found breaks {} when it is measured again: {} (all files are there, and the certificate says so). Raise the \
             limit to at least {}, or search again on a machine that is quieter",
            broken.limit,
            broken.value_text(),
            broken.value_text()
        ))
    }
}

/// The networks to train to the end, the best value first; the fallback, a network of a space of its own, if no trial has a value.
pub(crate) fn finalists(
    state: &State,
    space: &Space,
    config: &RunConfig,
    fallback: (&Space, &Genotype),
) -> Result<Vec<Finalist>> {
    let trials = match config.objectives.single() {
        true => Vec::from_iter(state.best()),
        false => spread(state, &config.objectives),
    };
    let chosen: Vec<_> = match trials.is_empty() {
        true => vec![(None, fallback)],
        false => trials.into_iter().map(|trial| (Some(trial), (space, &trial.genotype))).collect(),
    };
    type Chosen<'a> = (Option<&'a nasmyth_study::Trial>, (&'a Space, &'a Genotype));
    let finalist = |(i, (trial, (space, genotype))): (usize, Chosen<'_>)| {
        let graph = space.lower(genotype)?.verify()?;
        let valid = match trial.map(|t| &t.status) {
            Some(Status::Completed(estimate)) => estimate.metrics.clone(),
            _ => BTreeMap::new(),
        };
        let place = match config.objectives.single() {
            true => "best".to_owned(),
            false => format!("front/{:02}", i + 1),
        };
        let seed = config.seed ^ graph.canonical_hash() as u64;
        Ok(Finalist { trial: trial.map(|t| t.trial), graph, seed, valid, place })
    };
    chosen.into_iter().enumerate().map(finalist).collect()
}

/// The front, or of a long one [`FRONT`] networks: the best value, then again and again the network that adds the most hypervolume.
fn spread<'s>(state: &'s State, objectives: &Objectives) -> Vec<&'s nasmyth_study::Trial> {
    let front = state.pareto(objectives);
    if front.len() <= FRONT {
        return front;
    }
    let raw: Vec<Vec<f64>> = front
        .iter()
        .map(|trial| {
            let costs = objectives.among(&trial.costs).into_iter().map(|cost| -(cost.max(1.0).ln()));
            std::iter::once(trial.value().unwrap_or(f64::NEG_INFINITY)).chain(costs).collect()
        })
        .collect();
    let points = in_units_of_the_range(&raw);
    let reference = vec![-0.1; 1 + objectives.0.len()]; // so that the ends count, too
    let mut chosen = vec![0];
    while chosen.len() < FRONT {
        let gain = |&i: &usize| {
            let with: Vec<Vec<f64>> = chosen.iter().chain([&i]).map(|&j| points[j].clone()).collect();
            hypervolume(&with, &reference)
        };
        let rest = (0..points.len()).filter(|i| !chosen.contains(i));
        match rest.rev().max_by(|a, b| gain(a).total_cmp(&gain(b))) {
            Some(next) => chosen.push(next),
            None => break,
        }
    }
    chosen.sort_unstable();
    chosen.into_iter().map(|i| front[i]).collect()
}

fn in_units_of_the_range(points: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let range = |k: usize| {
        let values = points.iter().map(|p| p[k]);
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        (low, (high - low).max(f64::MIN_POSITIVE))
    };
    let ranges: Vec<(f64, f64)> = (0..points.first().map_or(0, Vec::len)).map(range).collect();
    let scaled = |p: &Vec<f64>| p.iter().zip(&ranges).map(|(v, (low, range))| (v - low) / range).collect();
    points.iter().map(scaled).collect()
}

/// Trains and publishes finalists.
pub(crate) struct Finals<'a> {
    pub config: &'a RunConfig,
    pub data: &'a Dataset,
    pub engine: &'a Engine,
    pub folder: &'a RunFolder,
    pub fleet: &'a Fleet,
    /// When all of it has to be over, and the most epochs of each; without a clock, the configuration says how long.
    pub clock: Option<(Instant, f64)>,
}

impl Finals<'_> {
    /// In the order of the finalists. Small networks are trained first: what they leave of their time, larger ones get.
    pub fn run(
        &self,
        finalists: &[Finalist],
        stop: &StopFlag,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Finished>> {
        let mut order: Vec<usize> = (0..finalists.len()).collect();
        order.sort_by_key(|&i| (finalists[i].graph.macs(), i));
        let mut finished: Vec<Option<Finished>> = finalists.iter().map(|_| None).collect();
        for (done, &i) in order.iter().enumerate() {
            if finalists.len() > 1 {
                let params = finalists[i].graph.params();
                let text =
                    format!("front     network {} of {}: {params} parameters", done + 1, finalists.len());
                observer.notice(&Notice::Remark { text });
            }
            finished[i] = Some(self.finish(&finalists[i], finalists.len() - done, stop, observer)?);
        }
        let finished: Vec<Finished> = finished.into_iter().flatten().collect();
        if !self.config.objectives.single() {
            self.publish_front(finalists, &finished)?;
        }
        Ok(finished)
    }

    fn finish(
        &self,
        finalist: &Finalist,
        left: usize,
        stop: &StopFlag,
        observer: &mut dyn Observer,
    ) -> Result<Finished> {
        let network = format!("{:032x}", finalist.graph.canonical_hash());
        let recorded = self.config.search.length_of(&network);
        let mut recipe = self.config.recipe.clone();
        recipe.learning_rate = recorded.learning_rate.unwrap_or(recipe.learning_rate);
        let winner = Winner {
            graph: &finalist.graph,
            data: self.data,
            recipe: &recipe,
            seed: finalist.seed,
            engine: self.engine,
            folder: self.folder,
            place: &finalist.place,
        };
        let now = Instant::now();
        let length = match self.clock {
            Some((end, most)) => Length::Until(now + end.saturating_duration_since(now) / left as u32, most),
            None => recorded.length(),
        };
        let trained = winner.train(length, stop, observer)?;
        let (metrics, certificate) =
            winner.publish(&trained, self.config, self.fleet, finalist.valid.clone())?;
        for text in certificate.limits.iter().filter_map(Verdict::unmeasured) {
            observer.notice(&Notice::Remark { text });
        }
        let Trained { planned, epochs, learning_rate, .. } = trained;
        let length = FinalLength {
            network,
            epochs: planned,
            stop: (epochs < planned).then_some(epochs),
            learning_rate: Some(learning_rate).filter(|rate| *rate != self.config.recipe.learning_rate),
        };
        Ok(Finished { length, metrics, certificate })
    }

    /// The list of the front; its first network is the best one, too.
    fn publish_front(&self, finalists: &[Finalist], finished: &[Finished]) -> Result<()> {
        let member = |(finalist, finished): (&Finalist, &Finished)| FrontMember {
            folder: finalist.place.clone(),
            trial: finalist.trial,
            architecture: finished.certificate.architecture.clone(),
            valid: finalist.valid.clone(),
            test: finished.metrics.test.clone(),
            costs: finished.metrics.costs.clone(),
        };
        let members: Vec<FrontMember> = finalists.iter().zip(finished).map(member).collect();
        RunFolder::write(&self.folder.front(), &serde_json::to_vec_pretty(&members)?)?;
        match finalists.first() {
            Some(first) => self.folder.copy(&first.place, "best"),
            None => Ok(()),
        }
    }
}
