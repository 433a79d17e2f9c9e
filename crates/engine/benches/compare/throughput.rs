//! Samples a second.

use super::Result;
use super::candidate::Candidate;
use super::networks::Network;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Steps before the first that is measured, as in `pytorch_step.py`.
const WARM_UP: usize = 3;

/// One candidate, its batch divided over `threads`.
pub fn one(network: &Network, threads: usize, steps: usize) -> Result<f64> {
    let mut candidate = Candidate::new(network, threads)?;
    candidate.median_step(WARM_UP);
    Ok(network.batch as f64 / candidate.median_step(steps))
}

/// Two candidates at once, one thread each: the sum of their rates. Measured steps begin together, and who is through goes on
/// training until the other is too.
pub fn two(network: &Network, steps: usize) -> Result<f64> {
    let mut candidates = [Candidate::new(network, 1)?, Candidate::new(network, 1)?];
    let (start, done) = (Barrier::new(candidates.len()), AtomicUsize::new(0));
    let rates = thread::scope(|scope| {
        let work = candidates.each_mut().map(|candidate| {
            scope.spawn(|| {
                candidate.median_step(WARM_UP);
                start.wait();
                let time = candidate.median_step(steps);
                done.fetch_add(1, Ordering::Relaxed);
                while done.load(Ordering::Relaxed) < 2 {
                    candidate.step();
                }
                network.batch as f64 / time
            })
        });
        work.map(|thread| thread.join().map_err(|_| "a candidate panicked"))
    });
    Ok(rates.into_iter().sum::<std::result::Result<f64, _>>()?)
}
