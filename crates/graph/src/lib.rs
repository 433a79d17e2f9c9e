//! The graph: a typed, acyclic graph of a few dozen operators with inferred shapes.
//!
//! Everything else in Nasmyth is a function of it: cost, identity, training, export.
//! Activations are *channels last*: an image is `[height, width, channels]`, a series `[steps, channels]`, a table row
//! `[features]`. The batch is an implicit leading axis that no operator sees.
//!
//! ```
//! use nasmyth_graph::{Graph, ops::{Activation, Function, Linear}};
//! let mut g = Graph::new("tiny");
//! let x = g.input(&[4])?;
//! let h = g.push(Linear::new(8), &[x])?;
//! let h = g.push(Activation(Function::Relu), &[h])?;
//! let y = g.push(Linear::new(3), &[h])?;
//! g.output(y);
//! let g = g.verify()?;
//! assert_eq!(g.params(), 4 * 8 + 8 + 8 * 3 + 3);
//! assert_eq!(nasmyth_graph::parse(&g.to_text())?.canonical_hash(), g.canonical_hash());
//! # Ok::<(), nasmyth_graph::GraphError>(())
//! ```

mod attribute;
pub mod blocks;
mod error;
mod fact;
mod graph;
mod hash;
mod memory;
mod op;
pub mod ops;
pub mod passes;
mod text;
mod work;

pub use attribute::{Attribute, AttributeReader, Attributes};
pub use error::{GraphError, OpError};
pub use fact::Fact;
pub use graph::{Graph, Node, NodeId, VerifiedGraph};
pub use memory::{MemoryPlan, plan_memory};
pub use op::{Example, Init, Op, OpKind, ParamSpec, Role};
pub use ops::OPS;
pub use text::parse;
