//! Workers: threads that estimate one trial at a time.

use crate::panics::quietly;
use nasmyth_estimator::{Estimate, EstimateError, Estimator, Fidelity, Job, StopFlag};
use nasmyth_graph::VerifiedGraph;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::Scope;

/// A trial for a worker.
pub(crate) struct Work {
    pub(crate) trial: u64,
    pub(crate) arch: VerifiedGraph,
    pub(crate) genotype: String,
    pub(crate) hash: u128,
    pub(crate) fidelity: Fidelity,
    pub(crate) previous: Option<Fidelity>,
    pub(crate) seed: u64,
}

/// What came of it.
pub(crate) struct Done {
    pub(crate) trial: u64,
    pub(crate) result: Result<Estimate, EstimateError>,
}

/// The workers, seen from the search. They end when it is dropped.
pub(crate) struct Pool {
    work: Sender<Work>,
    done: Receiver<Done>,
    running: usize,
}

impl Pool {
    pub(crate) fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        workers: usize,
        estimator: &'env dyn Estimator,
        stop: &StopFlag,
    ) -> Self {
        let (work, queue) = channel();
        let (finished, done) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..workers {
            let (queue, finished, stop) = (Arc::clone(&queue), finished.clone(), stop.clone());
            scope.spawn(move || {
                while let Some(work) = next(&queue) {
                    let done = Done { trial: work.trial, result: estimate(estimator, &work, &stop) };
                    if finished.send(done).is_err() {
                        return;
                    }
                }
            });
        }
        Self { work, done, running: 0 }
    }

    pub(crate) fn submit(&mut self, work: Work) {
        // Fails only when all workers are gone, and then `wait` says so.
        self.running += usize::from(self.work.send(work).is_ok());
    }

    /// The next trial that is over; nothing when none is running.
    pub(crate) fn wait(&mut self) -> Option<Done> {
        if self.running == 0 {
            return None;
        }
        self.running -= 1;
        self.done.recv().ok()
    }
}

fn next(queue: &Mutex<Receiver<Work>>) -> Option<Work> {
    queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).recv().ok()
}

/// One estimate; a panic and a value that is no number are failures.
fn estimate(estimator: &dyn Estimator, work: &Work, stop: &StopFlag) -> Result<Estimate, EstimateError> {
    if stop.stopped() {
        return Err(EstimateError::Interrupted);
    }
    let job = Job {
        trial: work.trial,
        arch: &work.arch,
        genotype: &work.genotype,
        hash: work.hash,
        fidelity: work.fidelity,
        previous: work.previous,
        seed: work.seed,
        stop,
    };
    let result = quietly(|| estimator.estimate(&job));
    result.unwrap_or_else(|reason| Err(EstimateError::failed(reason))).and_then(sound)
}

/// The estimate, if its value is finite. Metrics that are not are left out: the log could not hold them.
fn sound(mut estimate: Estimate) -> Result<Estimate, EstimateError> {
    if !estimate.value.is_finite() {
        return Err(EstimateError::failed(format!(
            "the value is {}: expected a finite number",
            estimate.value
        )));
    }
    estimate.metrics.retain(|_, metric| metric.is_finite());
    estimate.seconds = if estimate.seconds.is_finite() { estimate.seconds } else { 0.0 };
    Ok(estimate)
}
