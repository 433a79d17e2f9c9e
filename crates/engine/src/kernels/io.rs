//! What a kernel call sees.

use crate::Real;
use crate::arena::View;
use crate::schedule::{Call, Chunk, Node};
use std::ops::Range;

/// Operands of a forward call.
pub struct Forward<'a, T> {
    at: At<'a, T>,
    /// The value to compute: `[samples, shape..]`.
    pub output: &'a mut [T],
    /// Kept for the backward pass.
    pub saved: &'a mut [T],
    /// Free to use.
    pub scratch: &'a mut [T],
    seed: u64,
}

/// Randomness of a call: for each sample a function of the step's seed, the node and the sample's place in the batch.
#[derive(Clone, Copy)]
pub(crate) struct Seeds {
    pub step: u64,
    /// A hash of the node's name.
    pub node: u64,
    /// The first sample of the call within the batch.
    pub first: u64,
}

impl Seeds {
    /// For sample `i` of the call.
    pub fn of(&self, i: usize) -> u64 {
        let place = [self.node, self.first + i as u64].map(u64::to_le_bytes);
        xxhash_rust::xxh3::xxh3_64_with_seed(place.as_flattened(), self.step)
    }
}

/// What all calls have in common.
#[derive(Clone, Copy)]
pub(crate) struct At<'a, T> {
    pub call: &'a Call,
    pub node: &'a Node,
    pub view: View<'a, T>,
    pub chunk: Chunk,
    pub params: &'a [T],
}

impl<'a, T: Real> At<'a, T> {
    /// Parameter `i` of the node, buffers included.
    fn param(&self, i: usize) -> &'a [T] {
        &self.params[self.node.params[i].clone()]
    }

    /// A range of the arena that this call reads.
    fn read(&self, range: &Range<usize>) -> &'a [T] {
        // SAFETY: the scheduler checked that no call writes what it reads, and that what other threads write at the same time
        // is apart (`Schedule::check`).
        unsafe { self.view.piece(range) }
    }

    /// Input `i` of the forward pass, for kernels that are in their forward pass or declared to need it.
    pub fn input(&self, i: usize) -> &'a [T] {
        self.read(&self.call.inputs[i].range(self.chunk))
    }

    /// Gradient of the output.
    pub fn grad_output(&self) -> &'a [T] {
        self.read(&self.call.grad_output.range(self.chunk))
    }

    /// Free to use, to be asked for once.
    fn scratch(&self) -> &'a mut [T] {
        let start = self.chunk.scratch;
        // SAFETY: every thread has scratch of its own, which no call's operands overlap.
        unsafe { self.view.piece_mut(&(start..start + self.node.scratch)) }
    }
}

impl<'a, T: Real> Forward<'a, T> {
    pub(crate) fn new(at: At<'a, T>, seed: u64) -> Self {
        // SAFETY: output and saved are disjoint from each other and from all inputs (`Schedule::check`).
        let (output, saved) = unsafe {
            (
                at.view.piece_mut(&at.call.output.range(at.chunk)),
                at.view.piece_mut(&at.call.saved.range(at.chunk)),
            )
        };
        Self { scratch: at.scratch(), at, output, saved, seed }
    }

    /// Input `i`.
    pub fn input(&self, i: usize) -> &'a [T] {
        self.at.input(i)
    }

    /// Parameter `i` of the node, buffers included.
    pub fn param(&self, i: usize) -> &'a [T] {
        self.at.param(i)
    }

    /// What the kernel prepared from its parameters.
    pub fn prepared(&self) -> &'a [T] {
        self.at.read(&self.at.node.prepared)
    }

    /// What the statistics of the batch came to.
    pub fn shared(&self) -> &'a [T] {
        self.at.read(&self.at.node.shared)
    }

    /// Randomness of this call.
    pub(crate) fn seeds(&self) -> Seeds {
        Seeds { step: self.seed, node: self.at.node.salt, first: self.at.chunk.first as u64 }
    }

    /// Applies `f` to every element of the only input.
    #[inline(always)]
    pub fn map(self, f: impl Fn(T) -> T) {
        let x = self.input(0);
        self.output.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x));
    }
}

/// Where the gradient of an input goes.
pub struct Gradient<'a, T> {
    /// The gradient's elements.
    pub values: &'a mut [T],
    /// Whether another consumer has written already, so that this one adds.
    pub accumulate: bool,
}

impl<T: Real> Gradient<'_, T> {
    /// Zeros, unless something is there to be added to.
    pub fn start(&mut self) {
        if !self.accumulate {
            self.values.fill(T::ZERO);
        }
    }

    /// Writes or adds element by element.
    #[inline(always)]
    pub fn put(self, gradient: impl Iterator<Item = T>) {
        if self.accumulate {
            self.values.iter_mut().zip(gradient).for_each(|(v, g)| *v += g);
        } else {
            self.values.iter_mut().zip(gradient).for_each(|(v, g)| *v = g);
        }
    }
}

/// Operands of a backward call.
pub struct Backward<'a, T> {
    at: At<'a, T>,
    grads: &'a mut [T],
    grads_start: usize,
    /// What the forward pass kept.
    pub saved: &'a [T],
    /// Free to use.
    pub scratch: &'a mut [T],
}

impl<'a, T: Real> Backward<'a, T> {
    /// `grads`: the gradients of all trained parameters.
    pub(crate) fn new(at: At<'a, T>, grads: &'a mut [T]) -> Self {
        let saved = at.read(&at.call.saved.range(at.chunk));
        Self { scratch: at.scratch(), at, grads, grads_start: 0, saved }
    }

    /// Input `i` of the forward pass, for kernels that declared to need it.
    pub fn input(&self, i: usize) -> &'a [T] {
        self.at.input(i)
    }

    /// Output of the forward pass, for kernels that declared to need it.
    pub fn output(&self) -> &'a [T] {
        self.at.read(&self.at.call.output.range(self.at.chunk))
    }

    /// Gradient of the output.
    pub fn grad_output(&self) -> &'a [T] {
        self.at.grad_output()
    }

    /// Parameter `i` of the node.
    pub fn param(&self, i: usize) -> &'a [T] {
        self.at.param(i)
    }

    /// What the kernel prepared from its parameters.
    pub fn prepared(&self) -> &'a [T] {
        self.at.read(&self.at.node.prepared)
    }

    /// What the statistics of the batch came to.
    pub fn shared(&self) -> &'a [T] {
        self.at.read(&self.at.node.shared)
    }

    /// Where the gradient of input `i` goes, or `None` if nobody wants it.
    pub fn grad_input(&mut self, i: usize) -> Option<Gradient<'_, T>> {
        let (slot, accumulate) = (*self.at.call.grad_inputs.get(i)?)?;
        // SAFETY: disjoint from all that this call reads and from scratch (`Schedule::check`); of the gradients of inputs only
        // one is alive at a time, because it borrows `self`.
        Some(Gradient { values: unsafe { self.at.view.piece_mut(&slot.range(self.at.chunk)) }, accumulate })
    }

    /// Where the gradient of trained parameter `i` is added to. Each at most once, in rising order.
    pub fn take_grad_param(&mut self, i: usize) -> &'a mut [T] {
        let Range { start, end } = self.at.node.params[i].clone();
        let rest = std::mem::take(&mut self.grads);
        let (_, rest) = rest.split_at_mut(start - self.grads_start);
        let (own, rest) = rest.split_at_mut(end - start);
        (self.grads, self.grads_start) = (rest, end);
        own
    }

    /// Gradient of an element-wise function of one input: `dx = g(i, dy)` for element `i`.
    #[inline(always)]
    pub fn map(mut self, g: impl Fn(usize, T) -> T) {
        let dy = self.grad_output();
        let Some(dx) = self.grad_input(0) else { return };
        dx.put(dy.iter().enumerate().map(|(i, &d)| g(i, d)));
    }
}
