//! Identity: one hash for all graphs that are equal up to names and order of nodes.
//!
//! Labels are refined as by Weisfeiler and Lehman, along and against the edges: first a node knows what it is
//! computed from, then also what it is used for. Two parallel nodes that compute the same from the same (with
//! parameters of their own) stay two, because the hash is over the multiset of all labels.

use crate::VerifiedGraph;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Sweeps forward and backward; two tell apart what one sweep with symmetric surroundings leaves equal.
const SWEEPS: usize = 2;

impl VerifiedGraph {
    /// A hash that isomorphic graphs share, whatever their names and node order.
    pub fn canonical_hash(&self) -> u128 {
        let mut labels = self.own_labels();
        for _ in 0..SWEEPS {
            labels = self.along(&labels);
            labels = self.against(&labels);
        }
        labels.sort_unstable();
        let mut hash = Xxh3::new();
        labels.iter().for_each(|l| hash.update(&l.to_le_bytes()));
        hash.digest128()
    }

    /// Operator, attributes, shape, and which output it is, if any.
    fn own_labels(&self) -> Vec<u64> {
        let label = |(i, node): (usize, &crate::Node)| {
            let output = self.outputs().iter().position(|o| o.0 == i);
            let text = format!("{}({}){:?}{output:?}", node.op.kind(), node.op.attributes(), node.fact);
            xxh3_64(text.as_bytes())
        };
        self.nodes().iter().enumerate().map(label).collect()
    }

    fn along(&self, own: &[u64]) -> Vec<u64> {
        let mut labels = own.to_vec();
        for (i, node) in self.nodes().iter().enumerate() {
            let mut from: Vec<u64> = node.inputs.iter().map(|input| labels[input.0]).collect();
            if node.op.commutative() {
                from.sort_unstable();
            }
            labels[i] = combine(own[i], &from);
        }
        labels
    }

    fn against(&self, own: &[u64]) -> Vec<u64> {
        let mut uses: Vec<Vec<u64>> = vec![Vec::new(); own.len()];
        let mut labels = own.to_vec();
        for (i, node) in self.nodes().iter().enumerate().rev() {
            uses[i].sort_unstable();
            labels[i] = combine(own[i], &uses[i]);
            for (position, input) in node.inputs.iter().enumerate() {
                let position = if node.op.commutative() { 0 } else { position as u64 };
                uses[input.0].push(combine(labels[i], &[position]));
            }
        }
        labels
    }
}

fn combine(own: u64, others: &[u64]) -> u64 {
    let mut hash = Xxh3::with_seed(own);
    others.iter().for_each(|o| hash.update(&o.to_le_bytes()));
    hash.digest()
}
