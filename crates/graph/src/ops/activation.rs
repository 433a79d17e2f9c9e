//! Element-wise non-linearities.

use crate::op::one;
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind};
use std::sync::Arc;

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the field's own
pub enum Function {
    Relu,
    Relu6,
    LeakyRelu,
    Elu,
    Silu,
    Gelu,
    HardSigmoid,
    HardSwish,
    Sigmoid,
    Softplus,
    Tanh,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Relu,
        Self::Relu6,
        Self::LeakyRelu,
        Self::Elu,
        Self::Silu,
        Self::Gelu,
        Self::HardSigmoid,
        Self::HardSwish,
        Self::Sigmoid,
        Self::Softplus,
        Self::Tanh,
    ];

    /// Name in the text form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::LeakyRelu => "leaky_relu",
            Self::Elu => "elu",
            Self::Silu => "silu",
            Self::Gelu => "gelu",
            Self::HardSigmoid => "hard_sigmoid",
            Self::HardSwish => "hard_swish",
            Self::Sigmoid => "sigmoid",
            Self::Softplus => "softplus",
            Self::Tanh => "tanh",
        }
    }

    /// The function of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == name)
    }
}

/// `y = f(x)` element by element. GELU is the exact form with the error function; hard-sigmoid is
/// `relu6(x + 3) / 6`; leaky ReLU has slope 0.01.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation(pub Function);

pub(super) const KIND: OpKind = OpKind {
    name: "activation",
    doc: "Element-wise function: relu, relu6, leaky_relu, elu, silu, gelu, hard_sigmoid, hard_swish, sigmoid, softplus, tanh.",
    parse: |a| {
        let name = AttributeReader::required("function", a.word("function")?)?;
        let names = || Function::ALL.map(Function::name).join(", ");
        let function = Function::from_name(&name)
            .ok_or_else(|| OpError::expected(format!("one of {}", names()), &name))?;
        Ok(Arc::new(Activation(function)))
    },
    examples: || Function::ALL.map(|f| (Arc::new(Activation(f)) as Arc<dyn Op>, vec![vec![3, 5]])).into(),
};

impl Op for Activation {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("function", self.0.name())
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        Ok(one(inputs)?.clone())
    }
    fn keeps_zero(&self) -> bool {
        !matches!(self.0, Function::HardSigmoid | Function::Sigmoid | Function::Softplus)
    }
    fn in_place(&self, _: usize, _: &[&Fact], _: &Fact) -> bool {
        true
    }
}
