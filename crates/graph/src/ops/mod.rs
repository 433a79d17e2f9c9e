//! The operators, one per file. [`OPS`] is the only list of them.

mod activation;
mod add;
mod batch_norm;
mod concat;
mod conv;
mod dropout;
mod embedding;
mod global_pool;
mod input;
mod layer_norm;
mod linear;
mod mul;
mod pool;
mod reshape;
mod scale;
mod slice;
mod softmax;
mod standardize;
mod zero;

pub use activation::{Activation, Function};
pub use add::Add;
pub use batch_norm::BatchNorm;
pub use concat::Concat;
pub use conv::Conv;
pub use dropout::{DropPath, Dropout};
pub use embedding::Embedding;
pub use global_pool::GlobalPool;
pub use input::Input;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use mul::Mul;
pub use pool::{Pool, Pooling};
pub use reshape::Reshape;
pub use scale::Scale;
pub use slice::Slice;
pub use softmax::Softmax;
pub use standardize::Standardize;
pub use zero::Zero;

use crate::OpKind;

/// Every operator that a graph may hold.
pub static OPS: &[OpKind] = &[
    input::KIND,
    conv::KIND,
    linear::KIND,
    embedding::KIND,
    batch_norm::KIND,
    layer_norm::KIND,
    activation::KIND,
    softmax::KIND,
    pool::KIND,
    global_pool::KIND,
    add::KIND,
    mul::KIND,
    concat::KIND,
    slice::KIND,
    reshape::KIND,
    scale::KIND,
    standardize::KIND,
    dropout::DROPOUT,
    dropout::DROP_PATH,
    zero::KIND,
];
