//! What a training reads.

use nasmyth_data::{Augment, Batches, Dataset, Subset};
use nasmyth_engine::{Crew, Memory, Program};
use std::ops::Range;

/// The batches of a training by number. Each part of a batch is read by a stream of its own, on any thread.
pub struct Feed<'a> {
    readers: Vec<Reader<'a>>,
    batch: u64,
}

/// What reads the samples of a part of the batch.
struct Reader<'a> {
    batches: Batches<'a>,
    /// Samples of the part within the batch.
    part: Range<usize>,
}

impl<'a> Feed<'a> {
    /// Batches of a subset that is not empty, in the parts of a program. Batch number `i` is a function of `seed` and `i`.
    pub fn new(
        data: &'a Dataset,
        subset: Subset,
        parts: &[Range<usize>],
        augment: &Augment,
        seed: u64,
    ) -> Self {
        let reader = |part: &Range<usize>| Reader {
            batches: Batches::new(data, subset, part.len(), augment, seed),
            part: part.clone(),
        };
        let batch = parts.last().map_or(0, |last| last.end) as u64;
        Self { readers: parts.iter().map(reader).collect(), batch }
    }

    /// Puts batch number `number` in place for a program of the same parts.
    pub fn read(&mut self, number: u64, program: &Program, memory: &mut Memory, crew: &mut Crew) {
        let start = number * self.batch;
        let (x, t) = program.sample(memory);
        let (sample, outputs) = (x.len() / program.batch(), t.len() / program.batch());
        let (mut x, mut t) = (x, t);
        let mut jobs: Vec<_> = Vec::with_capacity(self.readers.len());
        for reader in &mut self.readers {
            let (own_x, rest_x) = x.split_at_mut(reader.part.len() * sample);
            let (own_t, rest_t) = t.split_at_mut(reader.part.len() * outputs);
            jobs.push((reader, own_x, own_t));
            (x, t) = (rest_x, rest_t);
        }
        crew.each(&mut jobs, |_, (reader, x, t)| {
            reader.batches.seek(start + reader.part.start as u64);
            reader.batches.next(x, t);
        });
    }
}
