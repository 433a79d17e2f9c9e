//! Where the time and the memory of a step go.

use crate::plan::Run;
use crate::{Arena, ParamStore, Plan, Real};
use std::time::{Duration, Instant};

/// One entry of the schedule: a kernel call that every chunk goes through, or the end of a segment.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Segment that it belongs to; segments are separated by waiting for the whole batch.
    pub segment: usize,
    /// Samples that it computes at once.
    pub chunk: usize,
    /// Name of the node.
    pub node: String,
    /// What is done for it.
    pub phase: &'static str,
    /// Bytes that the calls of one step read and write, without parameters and scratch.
    pub bytes: usize,
    /// Share of the bytes that lie in the thread's own memory, which is meant to stay in cache.
    pub local: f64,
    /// Time that it took in one step.
    pub time: Duration,
}

impl<T: Real> Plan<T> {
    /// The schedule in order, with the times of one step on this thread. `grads` as in [`train`](Self::train).
    pub fn profile(
        &self,
        params: &ParamStore<T>,
        grads: &mut [T],
        arena: &mut Arena<T>,
        seed: u64,
    ) -> Vec<Entry> {
        let run = Run::new(arena.view(), params, grads, seed);
        let mut entries = Vec::new();
        let start = Instant::now();
        self.begin(0, 1, &run);
        entries.push(Entry {
            segment: 0,
            chunk: self.batch(),
            node: String::new(),
            phase: "prepare",
            bytes: 0,
            local: 0.0,
            time: start.elapsed(),
        });
        for (i, segment) in self.schedule().segments.iter().enumerate() {
            let mut times = vec![Duration::ZERO; segment.calls.len()];
            for part in 0..self.parts().len() {
                for (number, chunk) in self.schedule().chunks(segment, part) {
                    for (call, time) in segment.calls.iter().zip(&mut times) {
                        let start = Instant::now();
                        self.call(call, part, number, chunk, &run);
                        *time += start.elapsed();
                    }
                }
            }
            for (call, time) in segment.calls.iter().zip(times) {
                let [stored, local] = call.elements().map(|n| n * self.batch() * size_of::<T>());
                entries.push(Entry {
                    segment: i,
                    chunk: segment.chunk,
                    node: self.schedule().nodes[call.node].name.clone(),
                    phase: call.phase.name(),
                    bytes: stored + local,
                    local: local as f64 / (stored + local).max(1) as f64,
                    time,
                });
            }
            for finish in &segment.finishes {
                let start = Instant::now();
                self.finish(segment, finish, &run);
                entries.push(Entry {
                    segment: i,
                    chunk: self.batch(),
                    node: self.schedule().nodes[finish.node].name.clone(),
                    phase: if finish.backward { "finish backward" } else { "finish" },
                    bytes: 0,
                    local: 0.0,
                    time: start.elapsed(),
                });
            }
        }
        entries
    }
}
