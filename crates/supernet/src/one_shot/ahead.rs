//! The sub-networks of the next update, compiled while this one is computed.

use super::sampling::Admit;
use super::subnetwork::{Compiled, Ready};
use super::{OneShotError, Sampling, Task};
use crate::Partition;
use nasmyth_engine::Engine;
use nasmyth_space::{Genotype, Space};
use nasmyth_train::Recipe;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;

/// What the sub-networks of an update are a function of, beside the partition.
pub(super) struct Draws<'a> {
    pub task: Task<'a>,
    pub sampling: Sampling,
    pub admit: Option<Admit<'a>>,
    pub recipe: Recipe,
    pub engine: Engine,
}

/// An update and its sub-networks.
pub(super) struct Ahead {
    pub update: u64,
    pub genotypes: Vec<Genotype>,
    /// Those that were to be compiled.
    pub networks: Vec<Ready>,
}

/// A thread that makes sub-networks ready, and clears away those that are not needed any more: that takes as long as a part of a step, too.
pub(super) struct Helper {
    requests: Sender<Request>,
    answers: Receiver<Option<Ahead>>,
}

pub(super) struct Request {
    pub update: u64,
    pub partition: Partition,
    /// The networks that are sampled.
    pub space: Space,
    /// Sub-networks to be dropped.
    pub retired: Vec<Arc<Compiled>>,
    /// The genotypes of the update and whether they are to be compiled, where sampling is quick; otherwise they are sampled here.
    pub sampled: Option<Vec<(Genotype, bool)>>,
}

impl Helper {
    /// Ends when it is dropped.
    pub fn begin<'scope>(scope: &'scope Scope<'scope, '_>, draws: Draws<'scope>) -> Self {
        let (requests, inbox) = channel::<Request>();
        let (outbox, answers) = channel();
        scope.spawn(move || {
            for mut request in inbox {
                request.retired.clear();
                if outbox.send(draws.ahead(request).ok()).is_err() {
                    break;
                }
            }
        });
        Self { requests, answers }
    }

    /// Asks for the sub-networks of an update.
    pub fn ask(&self, request: Request) {
        // A thread that has ended does not answer either.
        drop(self.requests.send(request));
    }

    /// What was asked for; nothing if it cannot be made: the update will come upon the reason itself.
    pub fn answer(&self) -> Option<Ahead> {
        self.answers.recv().ok().flatten()
    }
}

impl Draws<'_> {
    fn ahead(&self, request: Request) -> Result<Ahead, OneShotError> {
        let Self { recipe, engine, .. } = self;
        let Request { update, partition, space, sampled, .. } = request;
        let task = Task { space: &space, ..self.task };
        let all = || self.sampling.draw(task.space, task.seed, update, self.admit);
        let sampled = sampled.unwrap_or_else(|| all().into_iter().map(|genotype| (genotype, true)).collect());
        let unknown = sampled.iter().filter(|(_, unknown)| *unknown);
        let ready =
            |(genotype, _): &(Genotype, bool)| Ready::new(task, &partition, genotype.clone(), recipe, engine);
        let networks = unknown.map(ready).collect::<Result<_, _>>()?;
        Ok(Ahead { update, networks, genotypes: sampled.into_iter().map(|(genotype, _)| genotype).collect() })
    }
}
