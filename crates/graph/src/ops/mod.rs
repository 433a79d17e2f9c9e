//! The operators, one per file. [`OPS`] is the only list of them.

mod activation;
mod add;
mod batch_norm;
mod blur_pool;
mod class_token;
mod concat;
mod conv;
mod conv_transpose;
mod dropout;
mod embedding;
mod global_pool;
mod input;
mod layer_norm;
mod leaky_relu;
mod linear;
mod matmul;
mod max_unpool;
mod mean;
mod mix;
mod mul;
mod permute;
mod pool;
mod position_embedding;
mod prelu;
mod reshape;
mod scale;
mod slice;
mod softmax;
mod standardize;
mod token_embedding;
mod zero;

pub use activation::{Activation, Function};
pub use add::Add;
pub use batch_norm::BatchNorm;
pub use blur_pool::BlurPool;
pub use class_token::ClassToken;
pub use concat::Concat;
pub use conv::Conv;
pub use conv_transpose::ConvTranspose;
pub use dropout::{ChannelDropout, DropPath, Dropout};
pub use embedding::Embedding;
pub use global_pool::GlobalPool;
pub use input::Input;
pub use layer_norm::LayerNorm;
pub use leaky_relu::LeakyRelu;
pub use linear::Linear;
pub use matmul::MatMul;
pub use max_unpool::MaxUnpool;
pub use mean::Mean;
pub use mix::Mix;
pub use mul::Mul;
pub use permute::Permute;
pub use pool::{Pool, Pooling};
pub use position_embedding::PositionEmbedding;
pub use prelu::Prelu;
pub use reshape::Reshape;
pub use scale::Scale;
pub use slice::Slice;
pub use softmax::Softmax;
pub use standardize::Standardize;
pub use token_embedding::TokenEmbedding;
pub use zero::Zero;

use crate::OpKind;

/// Every operator that a graph may hold.
pub static OPS: &[OpKind] = &[
    input::KIND,
    conv::KIND,
    conv_transpose::KIND,
    linear::KIND,
    matmul::KIND,
    embedding::KIND,
    token_embedding::KIND,
    position_embedding::KIND,
    class_token::KIND,
    batch_norm::KIND,
    layer_norm::KIND,
    activation::KIND,
    leaky_relu::KIND,
    prelu::KIND,
    softmax::KIND,
    pool::KIND,
    blur_pool::KIND,
    max_unpool::KIND,
    global_pool::KIND,
    add::KIND,
    mul::KIND,
    mean::KIND,
    mix::KIND,
    concat::KIND,
    slice::KIND,
    reshape::KIND,
    permute::KIND,
    scale::KIND,
    standardize::KIND,
    dropout::DROPOUT,
    dropout::CHANNEL_DROPOUT,
    dropout::DROP_PATH,
    zero::KIND,
];
