//! What training minimises.

use crate::Real;

/// A loss over outputs and dense targets, both `[batch, outputs]`; the mean over the batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Softmax cross-entropy of logits against a distribution over classes.
    CrossEntropy,
    /// Squared error divided by `variance`, so that it does not depend on the target's unit.
    SquaredError {
        /// Variance of the target in the training data.
        variance: f64,
    },
}

impl Loss {
    /// What some samples of a batch of `batch` contribute to its loss, and the gradient by their outputs in `grad`. `width`:
    /// outputs of a sample.
    pub(crate) fn evaluate<T: Real>(
        self,
        output: &[T],
        target: &[T],
        width: usize,
        batch: usize,
        grad: &mut [T],
    ) -> T {
        let share = T::ONE / T::of(batch as f64);
        let rows =
            output.chunks_exact(width).zip(target.chunks_exact(width)).zip(grad.chunks_exact_mut(width));
        let mut sum = T::ZERO;
        T::vectorized(
            #[inline(always)]
            || {
                for ((y, t), g) in rows {
                    sum += match self {
                        Self::CrossEntropy => cross_entropy(y, t, g, share),
                        Self::SquaredError { variance } => {
                            squared_error(y, t, g, share, T::of(1.0 / variance))
                        }
                    };
                }
            },
        );
        sum * share
    }
}

/// `-sum_i t_i log softmax(y)_i` and `share (softmax(y) sum(t) - t)`.
#[inline(always)]
fn cross_entropy<T: Real>(y: &[T], t: &[T], grad: &mut [T], share: T) -> T {
    let largest = y.iter().fold(y[0], |m, &v| m.max(v));
    let mut total = T::ZERO;
    for (g, &v) in grad.iter_mut().zip(y) {
        *g = (v - largest).exp();
        total += *g;
    }
    let log_total = T::of(total.f64().ln());
    let mass = t.iter().fold(T::ZERO, |s, &v| s + v);
    let mut loss = T::ZERO;
    for ((g, &v), &target) in grad.iter_mut().zip(y).zip(t) {
        loss += target * (log_total - (v - largest));
        *g = share * (*g / total * mass - target);
    }
    loss
}

/// `weight sum_i (y_i - t_i)^2` and `2 share weight (y - t)`.
#[inline(always)]
fn squared_error<T: Real>(y: &[T], t: &[T], grad: &mut [T], share: T, weight: T) -> T {
    let mut sum = T::ZERO;
    for ((g, &v), &target) in grad.iter_mut().zip(y).zip(t) {
        let error = v - target;
        *g = (error + error) * weight * share;
        sum += error * error;
    }
    weight * sum
}
