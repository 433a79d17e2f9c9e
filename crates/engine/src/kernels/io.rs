//! What a kernel call sees.

use crate::arena::{View, disjoint};
use crate::{Real, schedule::Step};
use std::ops::Range;

/// Operands of a forward call.
pub(crate) struct Forward<'a, T> {
    step: &'a Step,
    view: View<'a, T>,
    params: &'a [T],
    /// The value to compute. With an in-place step it holds the first input.
    pub output: &'a mut [T],
    /// Kept for the backward pass.
    pub saved: &'a mut [T],
    /// Free to use.
    pub scratch: &'a mut [T],
    /// Whether this is training.
    pub train: bool,
    /// Randomness of this step and node.
    pub seed: u64,
}

impl<'a, T: Real> Forward<'a, T> {
    pub fn new(step: &'a Step, view: View<'a, T>, params: &'a [T], train: bool, seed: u64) -> Self {
        step.assert_forward_disjoint();
        // SAFETY: the ranges of output, saved and scratch are disjoint from each other and from all inputs (asserted), except
        // for the first input of an in-place step, which `input` refuses to hand out.
        let (output, saved, scratch) = unsafe {
            (view.piece_mut(&step.output), view.piece_mut(&step.saved), view.piece_mut(&step.scratch))
        };
        Self { step, view, params, output, saved, scratch, train, seed }
    }

    /// Input `i`. Not for in-place steps, whose input is `output`.
    pub fn input(&self, i: usize) -> &'a [T] {
        assert!(!self.step.in_place, "an in-place step finds its input in its output");
        // SAFETY: disjoint from every mutable piece of this call (asserted in `new`).
        unsafe { self.view.piece(&self.step.inputs[i]) }
    }

    /// Parameter `i` of the node, buffers included.
    pub fn param(&self, i: usize) -> &'a [T] {
        &self.params[self.step.params[i].clone()]
    }

    /// Applies `f` to every element, in place or not.
    #[inline(always)]
    pub fn map(self, f: impl Fn(T) -> T) {
        if self.step.in_place {
            self.output.iter_mut().for_each(|y| *y = f(*y));
        } else {
            let x = self.input(0);
            self.output.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x));
        }
    }
}

/// Where the gradient of an input goes.
pub(crate) struct Gradient<'a, T> {
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
pub(crate) struct Backward<'a, T> {
    step: &'a Step,
    view: View<'a, T>,
    params: &'a [T],
    grads: &'a mut [T],
    grads_start: usize,
    /// What the forward pass kept.
    pub saved: &'a [T],
    /// Free to use.
    pub scratch: &'a mut [T],
}

impl<'a, T: Real> Backward<'a, T> {
    pub fn new(step: &'a Step, view: View<'a, T>, params: &'a [T], grads: &'a mut [T]) -> Self {
        step.assert_backward_disjoint();
        // SAFETY: scratch is disjoint from saved, from the gradients of the inputs (asserted here) and from all that is handed
        // out later (asserted there); saved is only read.
        let (saved, scratch) = unsafe { (view.piece(&step.saved), view.piece_mut(&step.scratch)) };
        Self { step, view, params, grads, grads_start: 0, saved, scratch }
    }

    /// Input `i` of the forward pass, for kernels that declared to need it.
    pub fn input(&self, i: usize) -> &'a [T] {
        self.step.assert_not_written(&self.step.inputs[i]);
        // SAFETY: disjoint from everything that this call writes (asserted above).
        unsafe { self.view.piece(&self.step.inputs[i]) }
    }

    /// Output of the forward pass, for kernels that declared to need it.
    pub fn output(&self) -> &'a [T] {
        self.step.assert_not_written(&self.step.output);
        // SAFETY: disjoint from everything that this call writes (asserted above).
        unsafe { self.view.piece(&self.step.output) }
    }

    /// Gradient of the output. Not for in-place steps.
    pub fn grad_output(&self) -> &'a [T] {
        assert!(!self.step.grad_in_place, "an in-place step finds its gradient in the input's");
        // SAFETY: disjoint from everything that this call writes (asserted in `new`).
        unsafe { self.view.piece(&self.step.grad_output) }
    }

    /// Parameter `i` of the node.
    pub fn param(&self, i: usize) -> &'a [T] {
        &self.params[self.step.params[i].clone()]
    }

    /// Where the gradient of input `i` goes, or `None` if nobody wants it.
    pub fn grad_input(&mut self, i: usize) -> Option<Gradient<'_, T>> {
        let (range, accumulate) = self.step.grad_inputs[i].clone()?;
        // SAFETY: disjoint from all that this call reads (asserted where it is handed out) and from scratch (asserted in `new`);
        // of the gradients of inputs only one is alive at a time, because it borrows `self`.
        Some(Gradient { values: unsafe { self.view.piece_mut(&range) }, accumulate })
    }

    /// Where the gradient of trained parameter `i` goes; to be overwritten. Each at most once, in rising order.
    pub fn take_grad_param(&mut self, i: usize) -> &'a mut [T] {
        let Range { start, end } = self.step.params[i].clone();
        let rest = std::mem::take(&mut self.grads);
        let (_, rest) = rest.split_at_mut(start - self.grads_start);
        let (own, rest) = rest.split_at_mut(end - start);
        (self.grads, self.grads_start) = (rest, end);
        own
    }

    /// Gradient of an element-wise function of one input: `dx = g(i, dy)` for element `i`, in place or not.
    #[inline(always)]
    pub fn map(mut self, g: impl Fn(usize, T) -> T) {
        let dy = (!self.step.grad_in_place).then(|| self.grad_output());
        let Some(dx) = self.grad_input(0) else { return };
        match dy {
            None => dx.values.iter_mut().enumerate().for_each(|(i, d)| *d = g(i, *d)),
            Some(dy) => dx.put(dy.iter().enumerate().map(|(i, &d)| g(i, d))),
        }
    }
}

impl Step {
    fn assert_forward_disjoint(&self) {
        let written = [&self.output, &self.saved, &self.scratch];
        assert!(pairwise(&written), "a plan keeps what a step writes apart");
        let skip = usize::from(self.in_place);
        let apart = self.inputs.iter().skip(skip).all(|i| written.iter().all(|w| disjoint(i, w)));
        assert!(
            apart && (!self.in_place || self.inputs[0] == self.output),
            "a plan keeps inputs apart from outputs"
        );
    }

    fn assert_backward_disjoint(&self) {
        self.assert_not_written(&self.saved);
        let apart = self.grad_inputs.iter().flatten().all(|(g, _)| disjoint(g, &self.scratch));
        assert!(apart, "a plan keeps gradients apart from scratch");
        if !self.grad_in_place {
            self.assert_not_written(&self.grad_output);
        }
    }

    /// That the backward pass does not write where it reads `range`. Values that no kernel needs any more may be overwritten.
    fn assert_not_written(&self, range: &Range<usize>) {
        let apart = self.grad_inputs.iter().flatten().all(|(g, _)| disjoint(g, range));
        assert!(
            apart && disjoint(range, &self.scratch),
            "a plan keeps what the backward pass reads apart from what it writes"
        );
    }
}

fn pairwise(ranges: &[&Range<usize>]) -> bool {
    ranges.iter().enumerate().all(|(i, a)| ranges[i + 1..].iter().all(|b| disjoint(a, b)))
}
