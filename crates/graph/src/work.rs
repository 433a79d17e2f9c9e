//! Exact counters.

use crate::{NodeId, Role, VerifiedGraph};

impl VerifiedGraph {
    fn elements(&self, counts: impl Fn(Role) -> bool) -> u64 {
        let ids = (0..self.nodes().len()).map(NodeId);
        ids.flat_map(|id| self.params_of(id)).filter(|p| counts(p.role)).map(|p| p.len() as u64).sum()
    }

    /// Trainable parameters.
    pub fn params(&self) -> u64 {
        self.elements(|role| role != Role::Buffer)
    }

    /// Values that training measures and gradients do not move: running statistics.
    pub fn buffers(&self) -> u64 {
        self.elements(|role| role == Role::Buffer)
    }

    /// Bytes of all parameters and buffers in float32: what a weights file holds.
    pub fn weight_bytes(&self) -> u64 {
        4 * self.elements(|_| true)
    }

    /// Multiply-accumulates of convolutions and matrix products for one sample.
    pub fn macs(&self) -> u64 {
        let ids = (0..self.nodes().len()).map(NodeId);
        ids.map(|id| self.node(id).op.macs(&self.input_facts(id), self.fact(id))).sum()
    }

    /// Those of [`macs`](Self::macs) that multiply by a weight: convolutions and linear layers, without products of two values as in
    /// attention.
    pub fn layer_macs(&self) -> u64 {
        let ids = (0..self.nodes().len()).map(NodeId);
        let weighted = ids.filter(|&id| self.params_of(id).iter().any(|p| p.role == Role::Weight));
        weighted.map(|id| self.node(id).op.macs(&self.input_facts(id), self.fact(id))).sum()
    }

    /// Elements of all activations of one sample, each node's output counted once.
    pub fn activations(&self) -> u64 {
        self.nodes().iter().map(|n| n.fact.len() as u64).sum()
    }

    /// Bytes of all activations of one sample, each node's output counted once.
    pub fn activation_bytes(&self) -> u64 {
        4 * self.activations()
    }

    /// Peak bytes of live activations at inference of one sample, under the best order that the planner finds.
    pub fn peak_memory(&self) -> u64 {
        crate::plan_memory(self).peak_bytes
    }
}
