//! In which segment of a step each node is computed.
//!
//! A node can run as soon as its inputs are there; only statistics over the batch make everybody wait. The *level* of a call
//! counts the waits before it; calls of one level make up one segment.

use crate::Real;
use crate::lower::Lowered;

/// Levels of all calls.
pub(crate) struct Levels {
    pub training: bool,
    /// For each node the level at which its value is there.
    pub forward: Vec<usize>,
    /// For each node the levels at which its value is computed: one, or each that needs it if it is cheap.
    pub computed: Vec<Vec<usize>>,
    /// Which nodes are computed wherever they are needed.
    pub recomputed: Vec<bool>,
    /// Level of the loss.
    pub loss: usize,
    /// For each node the level of its backward call; meaningless unless it needs one.
    pub backward: Vec<usize>,
    /// Which nodes have a backward call.
    pub needs_grad: Vec<bool>,
    pub count: usize,
}

impl Levels {
    pub fn new<T: Real>(lowered: &Lowered<T>) -> Self {
        let nodes = &lowered.nodes;
        let waits =
            |i: usize| usize::from(nodes[i].kernel.as_ref().is_some_and(|k| k.statistics().is_some()));
        let mut forward = vec![0; nodes.len()];
        let mut needs_grad = vec![false; nodes.len()];
        for (i, node) in nodes.iter().enumerate() {
            forward[i] = node.inputs.iter().map(|&x| forward[x]).max().unwrap_or(0) + waits(i);
            let trained = node.params.iter().any(|p| p.role != nasmyth_graph::Role::Buffer);
            needs_grad[i] = lowered.training && (trained || node.inputs.iter().any(|&x| needs_grad[x]));
        }
        let loss = forward[lowered.output];
        let mut backward = vec![0; nodes.len()];
        backward[lowered.output] = loss;
        for (i, node) in nodes.iter().enumerate().rev().filter(|&(i, _)| needs_grad[i]) {
            backward[i] = backward[i].max(loss) + waits(i);
            for &x in &node.inputs {
                backward[x] = backward[x].max(backward[i]);
            }
        }
        let calls = (0..nodes.len()).filter(|&i| needs_grad[i]).map(|i| backward[i]);
        let count = 1 + calls.chain(forward.iter().copied()).max().unwrap_or(0);
        let recomputed: Vec<bool> = nodes
            .iter()
            .enumerate()
            .map(|(i, n)| i != lowered.output && n.kernel.as_ref().is_some_and(|k| k.is_cheap()))
            .collect();
        let mut levels = Self {
            training: lowered.training,
            forward,
            computed: Vec::new(),
            recomputed,
            loss,
            backward,
            needs_grad,
            count,
        };
        levels.computed = levels.computed(lowered);
        levels
    }

    fn computed<T: Real>(&self, lowered: &Lowered<T>) -> Vec<Vec<usize>> {
        let nodes = &lowered.nodes;
        let mut wanted: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        for (i, node) in nodes.iter().enumerate().rev() {
            let Some(kernel) = &node.kernel else { continue };
            let (needs, waits) = (kernel.needs(), kernel.statistics().is_some());
            if self.needs_grad[i] && needs.output {
                wanted[i].push(self.backward[i]);
            }
            if !self.recomputed[i] {
                wanted[i] = vec![self.forward[i]];
            }
            wanted[i].sort_unstable();
            wanted[i].dedup();
            let mut reads = wanted[i].clone();
            if waits {
                reads.push(self.forward[i] - 1);
            }
            if self.needs_grad[i] && needs.inputs {
                reads.push(self.backward[i]);
                reads.extend(waits.then(|| self.backward[i] - 1));
            }
            node.inputs.iter().for_each(|&x| wanted[x].extend(&reads));
        }
        wanted
    }
}
