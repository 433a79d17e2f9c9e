//! The way back from maximum pooling.

use super::window::Window;
use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::MaxUnpool;

pub(super) fn lower<T: Real>(op: &dyn Op, site: &Site) -> Option<Box<dyn Kernel<T>>> {
    let kernel = &op.downcast::<MaxUnpool>()?.kernel;
    let ones = vec![1; kernel.len()];
    let pad = vec![0; kernel.len()];
    let window =
        Window::between(site.output.spatial(), site.inputs[0].spatial(), kernel, kernel, &ones, &pad);
    Some(Box::new(MaxUnpoolKernel { window, channels: site.channels() }))
}

struct MaxUnpoolKernel {
    /// From the source to the value.
    window: Window,
    channels: usize,
}

impl MaxUnpoolKernel {
    /// Element of the source that holds the first maximum of the window of `element` of the value.
    #[inline(always)]
    fn holder<T: Real>(&self, source: &[T], element: usize) -> usize {
        let (to, c) = (element / self.channels, element % self.channels);
        let under = self.window.under(to).map(|at| at * self.channels + c);
        under.reduce(|most, at| if source[at] > source[most] { at } else { most }).unwrap_or(0)
    }
}

impl<T: Real> Kernel<T> for MaxUnpoolKernel {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    fn forward(&self, io: Forward<'_, T>) {
        let (value, source) = (io.input(0), io.input(1));
        io.output.fill(T::ZERO);
        for (i, &v) in value.iter().enumerate() {
            io.output[self.holder(source, i)] = v;
        }
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (source, dy) = (io.input(1), io.grad_output());
        let values = io.input(0).len();
        if let Some(dx) = io.grad_input(0) {
            dx.put((0..values).map(|i| dy[self.holder(source, i)]));
        }
        // Which element is largest is not a quantity: no gradient goes through it.
        if let Some(mut dsource) = io.grad_input(1) {
            dsource.start();
        }
    }
}
