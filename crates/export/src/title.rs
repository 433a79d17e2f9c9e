//! What people call an operator.

use nasmyth_graph::ops::*;
use nasmyth_graph::{NodeId, VerifiedGraph};

/// Colour of a box and line of the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Data,
    Convolution,
    Depthwise,
    Linear,
    Pointwise,
    Pool,
    Gate,
    Join,
}

impl Family {
    pub(crate) const ALL: [Self; 8] = [
        Self::Data,
        Self::Convolution,
        Self::Depthwise,
        Self::Linear,
        Self::Pointwise,
        Self::Pool,
        Self::Gate,
        Self::Join,
    ];

    /// CSS class.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Convolution => "conv",
            Self::Depthwise => "depthwise",
            Self::Linear => "linear",
            Self::Pointwise => "pointwise",
            Self::Pool => "pool",
            Self::Gate => "gate",
            Self::Join => "join",
        }
    }

    /// Name in the legend.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Convolution => "convolution",
            Self::Depthwise => "depthwise / grouped",
            Self::Linear => "linear, embedding",
            Self::Pointwise => "norm, activation",
            Self::Pool => "pooling",
            Self::Gate => "squeeze-excitation",
            Self::Join => "sum, product, concat",
        }
    }
}

/// Title and family of a node on its own.
pub(crate) fn title(g: &VerifiedGraph, id: NodeId) -> (String, Family) {
    let op = g.node(id).op.as_ref();
    if let Some(conv) = op.downcast::<Conv>() {
        return conv_title(conv, g.input_facts(id)[0].channels());
    }
    if let Some(conv) = op.downcast::<ConvTranspose>() {
        let name = format!("Transposed conv {}{}", times(&conv.kernel), stride(&conv.stride));
        return (name, Family::Convolution);
    }
    if let Some(blur) = op.downcast::<BlurPool>() {
        return (format!("Blur pool {}{}", blur.size, stride(&[blur.stride])), Family::Pool);
    }
    if let Some(unpool) = op.downcast::<MaxUnpool>() {
        return (format!("Max unpool {}", times(&unpool.kernel)), Family::Pool);
    }
    if let Some(pool) = op.downcast::<Pool>() {
        let name = if pool.pooling == Pooling::Max { "Max pool" } else { "Average pool" };
        return (format!("{name} {}{}", times(&pool.kernel), stride(&pool.stride)), Family::Pool);
    }
    if let Some(GlobalPool(pooling)) = op.downcast::<GlobalPool>() {
        return (format!("Global {} pool", pooling.name()), Family::Pool);
    }
    if let Some(slice) = op.downcast::<Slice>() {
        return (format!("Channels {}–{}", slice.start, slice.end - 1), Family::Data);
    }
    let (title, family) = match op.kind() {
        "input" => ("Input", Family::Data),
        "linear" => ("Linear", Family::Linear),
        "embedding" => ("Embedding", Family::Linear),
        "token_embedding" => ("Token embedding", Family::Linear),
        "position_embedding" => ("Position embedding", Family::Linear),
        "class_token" => ("Class token", Family::Linear),
        "permute" => ("Permute", Family::Data),
        "matmul" => ("Matrix product", Family::Join),
        "mean" => ("mean", Family::Join),
        "mix" => ("mix", Family::Join),
        "reshape" => ("Reshape", Family::Data),
        "zero" => ("Zero", Family::Data),
        "add" => ("+", Family::Join),
        "mul" => ("×", Family::Join),
        "concat" => ("concat", Family::Join),
        _ => return (capital(&suffix(g, id)), Family::Pointwise),
    };
    (title.to_owned(), family)
}

/// What a node adds to the box of the node before it.
pub(crate) fn suffix(g: &VerifiedGraph, id: NodeId) -> String {
    let node = g.node(id);
    if let Some(Activation(function)) = node.op.downcast::<Activation>() {
        return activation(*function).to_owned();
    }
    match node.op.kind() {
        "batch_norm" => "BN".to_owned(),
        "layer_norm" => "LN".to_owned(),
        "leaky_relu" => "leaky ReLU".to_owned(),
        "prelu" => "PReLU".to_owned(),
        "standardize" => "standardize".to_owned(),
        "reshape" if node.fact.spatial().is_empty() => "flatten".to_owned(),
        kind => kind.replace('_', " "),
    }
}

fn conv_title(conv: &Conv, channels: usize) -> (String, Family) {
    let (name, family) = match conv.groups {
        _ if conv.is_depthwise(channels) => ("Depthwise", Family::Depthwise),
        1 => ("Conv", Family::Convolution),
        _ => ("Grouped conv", Family::Depthwise),
    };
    let dilation = if conv.dilation.iter().all(|&d| d == 1) {
        String::new()
    } else {
        format!(" dil {}", conv.dilation[0])
    };
    (format!("{name} {}{}{dilation}", times(&conv.kernel), stride(&conv.stride)), family)
}

fn stride(stride: &[usize]) -> String {
    if stride.iter().all(|&s| s == 1) { String::new() } else { format!(" /{}", stride[0]) }
}

/// `3×3`
pub(crate) fn times(sizes: &[usize]) -> String {
    sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

fn activation(function: Function) -> &'static str {
    match function {
        Function::Relu => "ReLU",
        Function::Relu6 => "ReLU6",
        Function::LeakyRelu => "leaky ReLU",
        Function::Elu => "ELU",
        Function::Silu => "SiLU",
        Function::Gelu => "GELU",
        Function::HardSigmoid => "hard sigmoid",
        Function::HardSwish => "hard swish",
        Function::Sigmoid => "sigmoid",
        Function::Softplus => "softplus",
        Function::Tanh => "tanh",
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// `1.2 k`, `3.45 M`
pub(crate) fn short(n: u64) -> String {
    let v = n as f64;
    match n {
        0..1_000 => n.to_string(),
        1_000..10_000 => format!("{:.1} k", v / 1e3),
        10_000..1_000_000 => format!("{:.0} k", v / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} M", v / 1e6),
        _ => format!("{:.2} G", v / 1e9),
    }
}
