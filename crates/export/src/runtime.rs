//! Running ONNX files, with the runtime `rten`: an implementation that shares no code with the engine.

use crate::RuntimeError;
use crate::onnx::header;
use rten::{Model, NodeId, RunOptions, ThreadPool, Value};
use rten_tensor::prelude::*;
use rten_tensor::{Tensor, TensorView};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The runtime's version.
pub const RTEN_VERSION: &str = "0.27";

/// A loaded ONNX model with one input and one output that counts.
pub struct Session {
    model: Model,
    input: NodeId,
    output: NodeId,
    shape: Vec<usize>,
    options: RunOptions,
}

impl Session {
    /// Reads a model.
    ///
    /// # Errors
    /// The bytes are no ONNX file, a damaged one, or one that the runtime cannot use.
    pub fn load(bytes: &[u8]) -> Result<Self, RuntimeError> {
        let header = header(bytes)?;
        let owned = bytes.to_vec();
        let model = guarded(|| Model::load(owned).map_err(|e| RuntimeError::Model(e.to_string())))
            .unwrap_or_else(|panic| Err(RuntimeError::Model(panic)))?;
        let missing = |what: &str| RuntimeError::Model(format!("it has no {what}"));
        let input = *model.input_ids().first().ok_or_else(|| missing("input"))?;
        let output = *model.output_ids().first().ok_or_else(|| missing("output"))?;
        Ok(Self { model, input, output, shape: header.input_shape, options: RunOptions::default() })
    }

    /// Runs on so many threads of its own, which are started here, instead of those that all sessions share (one for each core).
    pub fn with_threads(self, threads: usize) -> Self {
        let pool = Some(Arc::new(ThreadPool::with_num_threads(threads)));
        Self { options: self.options.with_thread_pool(pool), ..self }
    }

    /// Axes of one sample: channels first, without the batch.
    pub fn input_shape(&self) -> &[usize] {
        &self.shape
    }

    /// The first output for `n` samples, channels first, one after the other.
    ///
    /// # Errors
    /// `batch` does not hold `n` samples, or the runtime fails.
    pub fn run(&self, batch: &[f32], n: usize) -> Result<Vec<f32>, RuntimeError> {
        let per_sample: usize = self.shape.iter().product();
        let expected = per_sample.saturating_mul(n);
        if batch.len() != expected || n == 0 {
            let shape = self.shape.clone();
            return Err(RuntimeError::Input { samples: n, shape, expected, got: batch.len() });
        }
        let dims = [&[n], &self.shape[..]].concat();
        let input = TensorView::from_data(&dims[..], batch);
        guarded(|| self.run_tensor(input)).unwrap_or_else(|panic| Err(RuntimeError::Run(panic)))
    }

    fn run_tensor(&self, input: TensorView<f32>) -> Result<Vec<f32>, RuntimeError> {
        let failed = |e: &dyn std::fmt::Display| RuntimeError::Run(e.to_string());
        let inputs = vec![(self.input, input.into())];
        let outputs =
            self.model.run(inputs, &[self.output], Some(self.options.clone())).map_err(|e| failed(&e))?;
        let output: Value =
            outputs.into_iter().next().ok_or_else(|| RuntimeError::Run("it gave no output".to_owned()))?;
        let output = Tensor::<f32>::try_from(output).map_err(|e| failed(&e))?;
        Ok(output.to_vec())
    }
}

/// Loads a model and runs it once: [`Session::load`] and [`Session::run`].
///
/// # Errors
/// As those two.
pub fn run_onnx(bytes: &[u8], batch: &[f32], n: usize) -> Result<Vec<f32>, RuntimeError> {
    Session::load(bytes)?.run(batch, n)
}

/// What `f` gives, or the message that it panicked with.
fn guarded<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        format!("the runtime stopped: {}", text.unwrap_or_else(|| "no reason given".to_owned()))
    })
}

/// Samples of `shape` (`[s.., c]`, channels last) one after the other, each rewritten channels first (`[c, s..]`).
pub fn channels_first(shape: &[usize], samples: &[f32]) -> Vec<f32> {
    let channels = shape.last().copied().unwrap_or(1).max(1);
    let positions = (shape.iter().product::<usize>() / channels).max(1);
    let rewrite = |sample: &[f32]| -> Vec<f32> {
        let of = |c: usize| sample.iter().skip(c).step_by(channels);
        (0..channels).flat_map(of).copied().collect()
    };
    samples.chunks(channels * positions).flat_map(rewrite).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_that_is_locked() {
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"rten\"\nversion = \"{RTEN_VERSION}.")));
    }

    #[test]
    fn channels_move_to_the_front_sample_by_sample() {
        let samples: Vec<f32> = (0..12).map(|v| v as f32).collect();
        let moved = [0., 3., 1., 4., 2., 5., 6., 9., 7., 10., 8., 11.];
        assert_eq!(channels_first(&[2, 1, 3], &samples), moved);
        assert_eq!(channels_first(&[6], &samples), samples);
    }
}
