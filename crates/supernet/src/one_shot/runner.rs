//! Runs sub-networks one after the other.

use nasmyth_engine::{Crew, Memory, ParamStore, Program};
use nasmyth_train::Feed;

/// Threads and memory that sub-networks run in, one after the other.
pub(crate) struct Runner {
    crew: Crew,
    memory: Option<Memory>,
    seed: u64,
}

impl Runner {
    /// `seed` is that of what is random in training, such as dropout.
    pub fn new(crew: Crew, seed: u64) -> Self {
        Self { crew, memory: None, seed }
    }

    /// Runs a training program forward and backward on a batch: its loss, the gradients of all trained parameters, and the memory with
    /// targets, outputs and statistics.
    pub fn pass(
        &mut self,
        program: &Program,
        params: &ParamStore<f32>,
        feed: &mut Feed<'_>,
        batch: u64,
    ) -> (f32, Vec<f32>, &mut Memory) {
        let memory = match self.memory.take() {
            Some(memory) => program.memory_from(memory),
            None => program.memory(),
        };
        let memory = self.memory.insert(memory);
        feed.read(batch, program, memory, &mut self.crew);
        let mut grads = vec![0.0; params.layout().trained().len()];
        // Golden ratio: spreads bits.
        let seed = self.seed ^ batch.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let loss = program.train_with(&mut self.crew, params, &mut grads, memory, seed);
        (loss, grads, memory)
    }
}
