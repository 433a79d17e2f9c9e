//! What can be wrong with a graph, and where.

use thiserror::Error;

/// An operator refused its inputs or its attributes. The graph adds which node it was.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{0}")]
pub struct OpError(pub String);

impl OpError {
    /// `expected` against `got`, in the operator's words.
    pub fn expected(expected: impl std::fmt::Display, got: impl std::fmt::Debug) -> Self {
        Self(format!("expected {expected}, got {got:?}"))
    }
}

/// A graph that cannot be built, read or verified.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum GraphError {
    /// An operator does not fit its inputs.
    #[error("node `{node}` ({kind}): {source}")]
    Op {
        /// Name of the node.
        node: String,
        /// Kind of its operator.
        kind: String,
        /// What the operator said.
        source: OpError,
    },
    /// Two nodes have one name.
    #[error("two nodes are called `{0}`: names address parameters and must be unique")]
    DuplicateName(String),
    /// A node that was never added.
    #[error(
        "node `{node}` takes input {input}, which does not exist: inputs must be added before their consumers"
    )]
    UnknownInput {
        /// Name of the consumer.
        node: String,
        /// What it asked for.
        input: String,
    },
    /// Nothing to compute.
    #[error("graph `{0}` has no output: call `Graph::output` with the last node")]
    NoOutput(String),
    /// Nothing to feed.
    #[error("graph `{graph}` must have exactly one input that its output depends on, got {got}")]
    Inputs {
        /// Name of the graph.
        graph: String,
        /// How many inputs it has.
        got: usize,
    },
    /// The text form does not parse.
    #[error("line {line}: {message}")]
    Text {
        /// Line, from 1.
        line: usize,
        /// Expected and got.
        message: String,
    },
}
