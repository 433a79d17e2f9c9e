//! Encoders of HAT (Wang et al. 2020, section 3.1): Transformers whose layers differ in the width of the perceptron and the number of heads.
//! Queries, keys and values have 512 features together however wide a token is. HAT translates; here its encoder answers for a text,
//! with the ends of BERT (learned positions, which HAT has none of, and an answer from the first token).
//!
//! The paper's space: width 512 or 640; inner 1024, 2048 or 3072; heads 4 or 8 (WMT); inner 512, 1024 or 2048, heads 2 or 4 (IWSLT).
//! Members are the encoders of networks that it found, for a device and a latency.

use super::bert::embed;
use crate::blocks::{EncoderLayer, NormOrder, SelfAttention, answer_of_first_token};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::{Function, LayerNorm};

/// A member for texts of 128 tokens with two answers.
const fn found(name: &'static str, numbers: &'static str) -> Member {
    Member::new(name, 128, numbers).classes(2)
}

pub(super) const FAMILY: Family = Family {
    name: "hat",
    doc: "Transformer encoder of text with its own perceptron and heads in every layer.",
    paper: "Wang, Wu, Liu, Cai, Zhu, Gan and Han 2020, HAT: Hardware-Aware Transformers for Efficient Natural Language Processing",
    data: Data::Tokens,
    knobs: &[
        Knob::int("width", "features of a token", "512", (1, 16384), &[512, 640]),
        Knob::int(
            "depth",
            "layers; the first entries of the lists are theirs",
            "6",
            (1, 64),
            &[1, 2, 3, 4, 5, 6],
        ),
        Knob::list(
            "inner",
            "inner width of each perceptron",
            "3072/3072/3072/3072/3072/3072",
            (1, 64),
            (1, 1 << 16),
        )
        .searched(&[1024, 2048, 3072]),
        Knob::list("heads", "heads of each layer, divisors of qkv", "8/8/8/8/8/8", (1, 64), (1, 256))
            .searched(&[4, 8]),
        Knob::int("qkv", "features of the queries of all heads", "512", (1, 16384), &[]),
        Knob::int("vocabulary", "kinds of tokens", "30522", (2, 1 << 20), &[]),
        Knob::int("positions", "longest text, in tokens", "512", (1, 1 << 16), &[]),
    ],
    members: &[
        found("hat_wmt14ende_raspberrypi_3.5s", "inner=1024/3072/3072/2048/2048/2048,heads=4/8/4/4/4/8"),
        found("hat_wmt14ende_raspberrypi_6.9s", "heads=8/4/8/8/8/8"),
        found("hat_wmt14ende_xeon_137.9ms", "heads=4/8/8/8/8/8"),
        found("hat_wmt14ende_xeon_450.9ms", "heads=4/4/8/8/8/4"),
        found("hat_wmt14ende_titanxp_126.0ms", "heads=4/4/8/8/8/4"),
        found("hat_wmt14ende_titanxp_208.1ms", "heads=8/4/8/8/8/4"),
        found("hat_iwslt14deen_titanxp_168.8ms", "inner=1024/1024/1024/1024/1024/1024,heads=4/4/4/4/4/4"),
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (inner, heads) = (numbers.sizes("inner")?, numbers.sizes("heads")?);
    let (depth, qkv) = (numbers.size("depth")?, numbers.size("qkv")?);
    for (name, len) in [("inner", inner.len()), ("heads", heads.len())] {
        if len < depth {
            return Err(numbers.wrong(name, format!("one for each of the {depth} layers")));
        }
    }
    if heads.iter().any(|heads| qkv % heads != 0) {
        return Err(numbers.wrong("heads", format!("divisors of qkv, {qkv}")));
    }
    let norm = LayerNorm::default();
    net.scope("embeddings", |net| embed(net, numbers, numbers.size("width")?, &norm))?;
    for (i, (inner, heads)) in inner.into_iter().zip(heads).take(depth).enumerate() {
        let layer = EncoderLayer {
            attention: SelfAttention { heads, width: qkv / heads, joint: false },
            inner,
            act: Function::Relu,
            norm: norm.clone(),
            order: NormOrder::Post,
            scale: None,
        };
        net.scope(format!("layer{}", i + 1), |net| layer.apply(net))?;
    }
    net.scope("head", answer_of_first_token)?;
    Ok(())
}
