//! Learned vectors for categories and tokens.

use super::{Backward, Forward, Kernel, Needs, Site};
use crate::Real;
use nasmyth_graph::Op;
use nasmyth_graph::ops::{Embedding, TokenEmbedding};

pub(super) fn lower<T: Real>(op: &dyn Op, _: &Site) -> Option<Box<dyn Kernel<T>>> {
    let embedding = op.downcast::<Embedding>()?;
    let columns = embedding.offsets().into_iter().zip(embedding.cardinalities.iter().copied()).collect();
    Some(Box::new(EmbeddingKernel { columns, width: embedding.width }))
}

pub(super) fn lower_tokens<T: Real>(op: &dyn Op, _: &Site) -> Option<Box<dyn Kernel<T>>> {
    let embedding = op.downcast::<TokenEmbedding>()?;
    Some(Box::new(EmbeddingKernel { columns: vec![(0, embedding.vocabulary)], width: embedding.width }))
}

struct EmbeddingKernel {
    /// First row and number of rows of each column, columns taking turns.
    columns: Vec<(usize, usize)>,
    width: usize,
}

impl EmbeddingKernel {
    /// First element of the vector for `code` of a column; codes out of range are clamped into it.
    fn at<T: Real>(&self, (first, count): (usize, usize), code: T) -> usize {
        let code = code.f64().max(0.0) as usize;
        (first + code.min(count - 1)) * self.width
    }
}

impl<T: Real> Kernel<T> for EmbeddingKernel {
    fn needs(&self) -> Needs {
        Needs { inputs: true, output: false }
    }

    fn forward(&self, io: Forward<'_, T>) {
        let weight = io.param(0);
        let codes = io.input(0).iter().zip(self.columns.iter().cycle());
        for (y, (&code, &column)) in io.output.chunks_exact_mut(self.width).zip(codes) {
            let at = self.at(column, code);
            y.copy_from_slice(&weight[at..at + self.width]);
        }
    }

    fn backward(&self, mut io: Backward<'_, T>) {
        let (codes, dy) = (io.input(0), io.grad_output());
        let dweight = io.take_grad_param(0);
        let codes = codes.iter().zip(self.columns.iter().cycle());
        for (dy, (&code, &column)) in dy.chunks_exact(self.width).zip(codes) {
            let at = self.at(column, code);
            dweight[at..at + self.width].iter_mut().zip(dy).for_each(|(w, &d)| *w += d);
        }
        // A code is not a quantity: no gradient goes through it.
        if let Some(mut dx) = io.grad_input(0) {
            dx.start();
        }
    }
}
