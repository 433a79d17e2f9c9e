//! The sub-networks of the next update, compiled while this one is computed.

use super::sampling::Admit;
use super::subnetwork::{Compiled, Ready};
use super::{OneShotError, Sampling, Task};
use crate::Partition;
use nasmyth_engine::Engine;
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
    pub networks: Vec<Ready>,
}

/// A thread that makes sub-networks ready, and clears away those that are not needed any more: that takes as long as a part of a step, too.
pub(super) struct Helper {
    requests: Sender<Request>,
    answers: Receiver<Option<Ahead>>,
}

struct Request {
    update: u64,
    partition: Partition,
    retired: Vec<Arc<Compiled>>,
}

impl Helper {
    /// Ends when it is dropped.
    pub fn begin<'scope>(scope: &'scope Scope<'scope, '_>, draws: Draws<'scope>) -> Self {
        let (requests, inbox) = channel::<Request>();
        let (outbox, answers) = channel();
        scope.spawn(move || {
            for Request { update, partition, retired } in inbox {
                drop(retired);
                if outbox.send(draws.ahead(update, &partition).ok()).is_err() {
                    break;
                }
            }
        });
        Self { requests, answers }
    }

    /// Asks for the sub-networks of an update. What is `retired` is dropped there.
    pub fn ask(&self, update: u64, partition: Partition, retired: Vec<Arc<Compiled>>) {
        // A thread that has ended does not answer either.
        drop(self.requests.send(Request { update, partition, retired }));
    }

    /// What was asked for; nothing if it cannot be made: the update will come upon the reason itself.
    pub fn answer(&self) -> Option<Ahead> {
        self.answers.recv().ok().flatten()
    }
}

impl Draws<'_> {
    fn ahead(&self, update: u64, partition: &Partition) -> Result<Ahead, OneShotError> {
        let Self { task, recipe, engine, .. } = self;
        let genotypes = self.sampling.draw(task.space, task.seed, update, self.admit);
        let ready = |genotype| Ready::new(*task, partition, genotype, recipe, engine);
        Ok(Ahead { update, networks: genotypes.into_iter().map(ready).collect::<Result<_, _>>()? })
    }
}
