//! What an operator is.

use crate::{AttributeReader, Attributes, Fact, OpError};
use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

/// How a parameter starts.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// All of one value.
    Constant(f64),
    /// Normal with variance 2 / fan-in (He et al. 2015, equation 10).
    HeNormal {
        /// Inputs that one output sums over.
        fan_in: usize,
    },
    /// Uniform in ±bound.
    Uniform {
        /// Largest absolute value.
        bound: f64,
    },
}

/// What training does with a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Trained, with weight decay.
    Weight,
    /// Trained, without weight decay (biases, scales of normalisation, slopes, learned positions).
    Bias,
    /// Not trained by gradient: running statistics, statistics of the data.
    Buffer,
}

/// One tensor that an operator owns. Its key in a parameter store is `NODE.NAME`.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamSpec {
    /// Name within the node.
    pub name: &'static str,
    /// Axes; convolution weights are `[kernel.., in / groups, out]`, linear weights `[in, out]`.
    pub shape: Vec<usize>,
    /// Initial value.
    pub init: Init,
    /// What training does with it.
    pub role: Role,
}

impl ParamSpec {
    /// A trained weight, He-initialised.
    pub fn weight(name: &'static str, shape: &[usize], fan_in: usize) -> Self {
        Self { name, shape: shape.to_vec(), init: Init::HeNormal { fan_in }, role: Role::Weight }
    }

    /// A trained vector without decay that starts constant.
    pub fn bias(name: &'static str, len: usize, value: f64) -> Self {
        Self { name, shape: vec![len], init: Init::Constant(value), role: Role::Bias }
    }

    /// A trained tensor that starts uniform in ±sqrt(3) `std`, which has this standard deviation.
    pub fn uniform(name: &'static str, shape: &[usize], std: f64, role: Role) -> Self {
        Self { name, shape: shape.to_vec(), init: Init::Uniform { bound: 3f64.sqrt() * std }, role }
    }

    /// A vector of statistics.
    pub fn buffer(name: &'static str, len: usize, value: f64) -> Self {
        Self { name, shape: vec![len], init: Init::Constant(value), role: Role::Buffer }
    }

    /// Number of elements.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A primitive operator: a pure function of its inputs and its parameters. Its shape rule, parameters and work live here; its
/// kernels (forward and gradient) in the engine, its ONNX form in the exporter, each in one file of the same name.
pub trait Op: Any + Debug + Send + Sync {
    /// Name in the text form, as in [`OPS`](crate::OPS).
    fn kind(&self) -> &'static str;

    /// What distinguishes this instance; two operators of one kind and equal attributes are the same function.
    fn attributes(&self) -> Attributes {
        Attributes::new()
    }

    /// Shape of the output, or why the inputs do not fit.
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError>;

    /// Parameters for inputs that `infer` accepted.
    fn params(&self, _inputs: &[&Fact]) -> Vec<ParamSpec> {
        Vec::new()
    }

    /// Multiply-accumulates for one sample (convolutions and matrix products; element-wise work counts as none).
    fn macs(&self, _inputs: &[&Fact], _output: &Fact) -> u64 {
        0
    }

    /// Whether the order of the inputs is irrelevant.
    fn commutative(&self) -> bool {
        false
    }

    /// Whether the output is zero where all inputs are, for any parameters, at inference and in training; then the gradients of the
    /// parameters are zero too.
    fn keeps_zero(&self) -> bool {
        false
    }

    /// Whether the output is the first input, at inference and in training.
    fn is_identity(&self, _inputs: &[&Fact]) -> bool {
        false
    }

    /// Whether training draws random numbers; at inference such an operator passes its input on, if it has only one.
    fn random(&self) -> bool {
        false
    }

    /// Whether, at inference, the output may overwrite input `i` when nothing else reads that input.
    fn in_place(&self, _input: usize, _inputs: &[&Fact], _output: &Fact) -> bool {
        false
    }
}

impl dyn Op {
    /// The concrete operator, if it is a `T`.
    pub fn downcast<T: Op>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }
}

/// An operator and shapes of inputs that it takes.
pub type Example = (Arc<dyn Op>, Vec<Vec<usize>>);

/// An entry of the operator list.
pub struct OpKind {
    /// Name in the text form.
    pub name: &'static str,
    /// One sentence for people.
    pub doc: &'static str,
    /// Reads attributes.
    pub parse: fn(&mut AttributeReader) -> Result<Arc<dyn Op>, OpError>,
    /// Small instances with input shapes, for the conformance suites of every crate that handles operators.
    pub examples: fn() -> Vec<Example>,
}

/// The only input, or an error that says how many came.
pub(crate) fn one<'a>(inputs: &[&'a Fact]) -> Result<&'a Fact, OpError> {
    match inputs {
        [x] => Ok(x),
        _ => Err(OpError(format!("expected 1 input, got {}", inputs.len()))),
    }
}

/// A fact of `shape`, or an error.
pub(crate) fn fact(shape: &[usize]) -> Result<Fact, OpError> {
    Fact::new(shape).ok_or_else(|| OpError(format!("the output would have the impossible shape {shape:?}")))
}
