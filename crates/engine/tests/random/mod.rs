//! Random graphs for tests.

use nasmyth_graph::ops::{
    Activation, Add, BatchNorm, Concat, Conv, Function, GlobalPool, Linear, Mul, Pooling,
};
use nasmyth_graph::{Graph, VerifiedGraph};

/// A random graph with shared values, so that gradients meet and buffers are reused; also as the two operands of one operator.
pub fn random_graph(recipe: &[(u8, u8, u8)]) -> VerifiedGraph {
    let mut g = Graph::new("random");
    let x = g.input(&[4, 4, 2]).unwrap();
    let mut made = vec![g.push(Conv::same(4, &[3, 3]), &[x]).unwrap()];
    for &(kind, a, b) in recipe {
        let pick = |i: u8| made[i as usize % made.len()];
        let (a, b) = (pick(a), pick(b));
        let id = match kind % 8 {
            0 => g.push(Conv::same(4, &[3, 3]), &[a]),
            1 => g.push(Activation(Function::Tanh), &[a]),
            2 => g.push(Add, &[a, b]),
            3 => g.push(BatchNorm::default(), &[a]),
            4 => g.push(Mul, &[a, b]),
            5 => g.push(Conv::same(4, &[3, 3]).groups(4), &[a]),
            6 => g.push(Activation(Function::Silu), &[a]),
            _ => {
                let joined = g.push(Concat, &[a, b]).unwrap();
                g.push(Conv::same(4, &[1, 1]), &[joined])
            }
        };
        made.push(id.unwrap());
    }
    let pooled = g.push(GlobalPool(Pooling::Average), &[*made.last().unwrap()]).unwrap();
    let y = g.push(Linear::new(3), &[pooled]).unwrap();
    g.output(y);
    g.verify().unwrap()
}
