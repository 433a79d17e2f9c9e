//! Rewrites of a graph, one per file.
//!
//! The passes of [`PASSES`] keep what the graph means where all values are finite: its outputs exactly, and in training the
//! gradients of all parameters that remain up to rounding (what was added up in two nodes is added up in one); the gradients of
//! parameters that disappear are zero. Nodes that remain keep their names, so a simplified graph reads the parameters of the
//! original.
//!
//! Identity and counters ([`canonical_hash`](VerifiedGraph::canonical_hash), [`params`](VerifiedGraph::params),
//! [`macs`](VerifiedGraph::macs)) are those of the graph that the user gave: whoever runs a graph simplifies it, nobody else.

mod common_subexpressions;
mod constant_folding;
mod dead_code;
mod fold_batch_norm;
mod reparametrise;
mod rewrite;

pub use common_subexpressions::common_subexpressions;
pub use constant_folding::constant_folding;
pub use dead_code::dead_code;
pub use fold_batch_norm::{Folded, fold_batch_norm};
pub use reparametrise::{Branch, Merge, reparametrise};

use crate::{Graph, VerifiedGraph};

/// A rewrite that keeps the meaning of a graph.
pub struct Pass {
    /// Name, as its file has it.
    pub name: &'static str,
    /// One sentence for people.
    pub doc: &'static str,
    /// The rewritten graph.
    pub apply: fn(&Graph) -> Graph,
}

/// What [`simplify`] applies, in this order.
pub static PASSES: &[Pass] = &[
    Pass {
        name: "constant_folding",
        doc: "What is always zero becomes zero, and what changes nothing disappears.",
        apply: constant_folding,
    },
    Pass {
        name: "common_subexpressions",
        doc: "Equal operators without parameters on equal inputs become one.",
        apply: common_subexpressions,
    },
    Pass { name: "dead_code", doc: "What no output depends on disappears.", apply: dead_code },
];

/// Applies all passes until none removes a node any more.
///
/// ```
/// use nasmyth_graph::{Graph, ops::{Add, Zero}, passes::simplify};
/// let mut g = Graph::new("nothing to add");
/// let x = g.input(&[4])?;
/// let nothing = g.push(Zero, &[x])?;
/// let y = g.push(Add, &[x, nothing])?;
/// g.output(y);
/// assert_eq!(simplify(&g.verify()?).nodes().len(), 1);
/// # Ok::<(), nasmyth_graph::GraphError>(())
/// ```
pub fn simplify(graph: &VerifiedGraph) -> VerifiedGraph {
    let round = |graph: &Graph| PASSES.iter().fold(graph.clone(), |g, pass| (pass.apply)(&g));
    let mut simple = round(graph);
    loop {
        let next = round(&simple);
        if next.nodes().len() == simple.nodes().len() {
            return VerifiedGraph::rewritten(next);
        }
        simple = next;
    }
}
