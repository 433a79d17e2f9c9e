//! BERT (Devlin et al. 2019) and its small sizes (Turc et al. 2019): a Transformer encoder of text that answers from its first token.
//!
//! | member | tiny | mini | small | medium | base | large |
//! |---|---|---|---|---|---|---|
//! | depth (L) | 2 | 4 | 4 | 8 | 12 | 24 |
//! | width (H) | 128 | 256 | 512 | 512 | 768 | 1024 |
//! | heads (A) | 2 | 4 | 8 | 8 | 12 | 16 |
//!
//! There are vectors for 512 positions however long the text is, so parameters do not depend on its length.

use crate::blocks::{EncoderLayer, NormOrder, SelfAttention, answer_of_first_token, embeddings};
use crate::{Data, Family, Knob, Member, Net, Numbers, ZooError};
use nasmyth_graph::ops::{Function, LayerNorm};

/// Tokens of a text, unless one says otherwise.
const TOKENS: usize = 128;

pub(super) const FAMILY: Family = Family {
    name: "bert",
    doc: "Transformer encoder of text, classified by its first token.",
    paper: "Devlin, Chang, Lee and Toutanova 2019, BERT: Pre-training of Deep Bidirectional Transformers; Turc, Chang, Lee and \
            Toutanova 2019, Well-Read Students Learn Better",
    data: Data::Tokens,
    knobs: &[
        Knob::int("depth", "layers (L)", "4", (1, 200), &[2, 4, 6, 8, 10, 12]),
        Knob::int(
            "width",
            "features of a token (H), a multiple of the heads",
            "256",
            (1, 16384),
            &[128, 256, 512, 768],
        ),
        Knob::int("heads", "heads (A)", "4", (1, 256), &[2, 4, 8]),
        Knob::real("expansion", "inner width of the perceptrons", "4", (0.1, 16.0), &[2.0, 4.0]),
        Knob::int("vocabulary", "kinds of tokens", "30522", (2, 1 << 20), &[]),
        Knob::int("positions", "longest text, in tokens", "512", (1, 1 << 16), &[]),
    ],
    members: &[
        Member::new("bert_mini", TOKENS, "").classes(2),
        Member::new("bert_tiny", TOKENS, "depth=2,width=128,heads=2").classes(2),
        Member::new("bert_small", TOKENS, "depth=4,width=512,heads=8").classes(2),
        Member::new("bert_medium", TOKENS, "depth=8,width=512,heads=8").classes(2),
        Member::new("bert_base", TOKENS, "depth=12,width=768,heads=12").classes(2),
        Member::new("bert_large", TOKENS, "depth=24,width=1024,heads=16").classes(2),
    ],
    build,
};

fn build(net: &mut Net, numbers: &Numbers) -> Result<(), ZooError> {
    let (width, heads) = (numbers.size("width")?, numbers.size("heads")?);
    if width % heads != 0 {
        return Err(numbers.wrong("heads", format!("a divisor of the width {width}")));
    }
    let norm = LayerNorm { eps: 1e-12 };
    net.scope("embeddings", |net| embed(net, numbers, width, &norm))?;
    let layer = EncoderLayer {
        attention: SelfAttention { heads, width: width / heads, joint: false },
        inner: ((width as f64 * numbers.real("expansion")?) as usize).max(1),
        act: Function::Gelu,
        norm,
        order: NormOrder::Post,
        scale: None,
    };
    for i in 0..numbers.size("depth")? {
        net.scope(format!("layer{}", i + 1), |net| layer.apply(net))?;
    }
    net.scope("head", answer_of_first_token)?;
    Ok(())
}

/// [`embeddings`] of the family's vocabulary and positions.
pub(super) fn embed(
    net: &mut Net,
    numbers: &Numbers,
    width: usize,
    norm: &LayerNorm,
) -> Result<(), ZooError> {
    let (tokens, positions) = (net.shape().shape()[0], numbers.size("positions")?);
    if tokens > positions {
        return Err(numbers.wrong("positions", format!("at least as many as the text has tokens, {tokens}")));
    }
    embeddings(net, numbers.size("vocabulary")?, positions, width, norm)
}

#[cfg(test)]
mod tests {
    use crate::{Input, member};

    #[test]
    fn parameters_do_not_depend_on_the_length_of_the_text() {
        let params = |resolution| {
            let input = Input { resolution: Some(resolution), ..Input::default() };
            member("bert_mini").unwrap().graph(&input).unwrap().verify().unwrap().params()
        };
        // Embeddings, four layers, pooler and answers, as the paper adds them up.
        let (width, inner) = (256, 1024);
        let layer = 4 * (width * width + width) + 2 * width * inner + inner + width + 4 * width;
        let expected = (30522 + 512 + 2 + 2) * width + 4 * layer + width * width + width + 2 * width + 2;
        assert_eq!([1, 128, 512].map(params), [expected; 3]);
        let input = Input { resolution: Some(513), ..Input::default() };
        assert!(
            member("bert_mini").unwrap().graph(&input).err().unwrap().to_string().contains("`positions`")
        );
    }
}
