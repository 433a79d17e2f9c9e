//! Learned vectors for tokens.

use crate::op::{fact, one};
use crate::{AttributeReader, Attributes, Fact, Op, OpError, OpKind, ParamSpec, Role};
use std::sync::Arc;

/// `[n]` token codes (whole numbers as floats, clamped to the vocabulary) to `[n, width]`: row `code` of the weight
/// `[vocabulary, width]`, which all positions share.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenEmbedding {
    /// Number of codes.
    pub vocabulary: usize,
    /// Features per token.
    pub width: usize,
}

pub(super) const KIND: OpKind = OpKind {
    name: "token_embedding",
    doc: "Learned vectors for the token codes of a sequence.",
    parse: |a| {
        Ok(Arc::new(TokenEmbedding {
            vocabulary: AttributeReader::required("vocabulary", a.size("vocabulary")?)?,
            width: AttributeReader::required("width", a.size("width")?)?,
        }))
    },
    examples: || {
        vec![
            (Arc::new(TokenEmbedding { vocabulary: 3, width: 4 }), vec![vec![5]]),
            (Arc::new(TokenEmbedding { vocabulary: 2, width: 1 }), vec![vec![1]]),
        ]
    },
};

impl Op for TokenEmbedding {
    fn kind(&self) -> &'static str {
        KIND.name
    }
    fn attributes(&self) -> Attributes {
        Attributes::new().with("vocabulary", self.vocabulary).with("width", self.width)
    }
    fn infer(&self, inputs: &[&Fact]) -> Result<Fact, OpError> {
        match one(inputs)?.shape() {
            &[n] if (1..=1 << 24).contains(&self.vocabulary) => fact(&[n, self.width]),
            _ => Err(OpError(format!(
                "expected codes `[n]` and a vocabulary in 1..=2^24, got {inputs:?} and {}",
                self.vocabulary
            ))),
        }
    }
    fn params(&self, _inputs: &[&Fact]) -> Vec<ParamSpec> {
        vec![ParamSpec::uniform("weight", &[self.vocabulary, self.width], 0.02, Role::Weight)]
    }
}
