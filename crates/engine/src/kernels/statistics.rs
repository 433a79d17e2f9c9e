//! Operators that look at the whole batch before they can compute one sample.

use crate::Real;

/// What a chunk of the batch contributed: a record, and the number of its samples.
pub type Records<'a, T> = &'a mut dyn Iterator<Item = (&'a [T], usize)>;

/// Statistics over the batch: chunks of samples are measured each on its own, on any thread; then the records are
/// put together in the order of the chunks.
pub trait Statistics<T: Real> {
    /// Elements of a record.
    fn record(&self) -> usize;

    /// Elements that the statistics come to, both ways.
    fn shared(&self) -> usize;

    /// Writes the record of input `x`.
    fn measure(&self, x: &[T], record: &mut [T]);

    /// What forward calls will see, in `shared`. `params`: those of the node.
    fn finish(&self, records: Records<'_, T>, params: &[&[T]], shared: &mut [T]);

    /// Writes the record of input `x` and gradient `dy` of the output.
    fn measure_backward(&self, x: &[T], dy: &[T], shared: &[T], record: &mut [T]);

    /// What backward calls will see, in `shared`. Adds to the gradients of the parameters.
    fn finish_backward(
        &self,
        records: Records<'_, T>,
        params: &[&[T]],
        shared: &mut [T],
        grads: &mut [&mut [T]],
    );

    /// Moves running statistics towards those of the last batch, of so many samples. `buffers`: those of the node, in order.
    fn update_buffers(&self, samples: usize, shared: &[T], buffers: &mut [&mut [T]]);
}
