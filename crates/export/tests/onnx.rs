//! ONNX files, run by an independent runtime, compute what the graph means.

mod reference;

use nasmyth_export::{RuntimeError, Session, channels_first, metadata, run_onnx, to_onnx};
use nasmyth_graph::VerifiedGraph;
use proptest::prelude::*;
use reference::{Numbers, cases, evaluate, mobile, random_params};

const BATCH: usize = 3;

/// Input of a batch, channels last, and the expected first output, channels first.
fn batch(g: &VerifiedGraph, params: &nasmyth_engine::ParamStore<f32>) -> (Vec<f32>, Vec<f32>) {
    let fact = g.fact(g.input_id());
    let input: Vec<f32> = Numbers(7).vec(BATCH * fact.len()).iter().map(|v| 3.0 * v).collect();
    let outputs = input.chunks(fact.len()).flat_map(|sample| {
        let y = evaluate(g, params, sample).swap_remove(0);
        let data: Vec<f32> = y.data.iter().map(|&v| v as f32).collect();
        channels_first(&y.shape, &data)
    });
    let outputs = outputs.collect();
    (input, outputs)
}

#[test]
fn every_operator_computes_what_the_reference_computes() {
    for (name, g) in cases() {
        let params = random_params(&g, 1);
        let (input, expected) = batch(&g, &params);
        let bytes = to_onnx(&g, &params, &[]).unwrap();
        let session = Session::load(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        let got = session.run(&channels_first(g.fact(g.input_id()).shape(), &input), BATCH);
        let got = got.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(got.len(), expected.len(), "{name}");
        for (g, e) in got.iter().zip(&expected) {
            assert!((g - e).abs() <= 1e-4 * e.abs().max(1.0), "{name}: expected {e}, got {g}");
        }
    }
}

#[test]
fn codes_outside_their_range_are_clamped() {
    let g =
        reference::parsed("x = input(shape=[2])\ne = embedding(x, cardinalities=[3, 2], width=4)\noutput e");
    let params = random_params(&g, 5);
    for codes in [[0.0, 0.0], [2.0, 1.0], [-1.0, 9.0], [1e30, -1e30]] {
        let expected: Vec<f32> = evaluate(&g, &params, &codes)[0].data.iter().map(|&v| v as f32).collect();
        assert_eq!(run_onnx(&to_onnx(&g, &params, &[]).unwrap(), &codes, 1).unwrap(), expected);
    }
}

#[test]
fn bytes_are_the_same_each_time_and_metadata_comes_back() {
    let (g, meta) = (mobile(), vec![("task".to_owned(), "<é>".to_owned()), ("b".to_owned(), String::new())]);
    let params = random_params(&g, 2);
    let bytes = to_onnx(&g, &params, &meta).unwrap();
    assert_eq!(bytes, to_onnx(&g, &params, &meta).unwrap());
    assert_eq!(metadata(&bytes).unwrap(), meta);
    assert_eq!(Session::load(&bytes).unwrap().input_shape(), [3, 12, 10]);
}

#[test]
fn batch_norm_vanishes_into_the_layer_before() {
    let bytes = to_onnx(&mobile(), &random_params(&mobile(), 2), &[]).unwrap();
    let has = |word: &str| bytes.windows(word.len()).any(|w| w == word.as_bytes());
    assert!(has("Conv") && !has("BatchNormalization") && !has("Identity") && !has("Transpose"));
}

#[test]
fn parameters_of_another_graph_are_refused() {
    let other = reference::parsed("x = input(shape=[5])\ny = linear(x, out=2)\noutput y");
    let error = to_onnx(&mobile(), &random_params(&other, 1), &[]).unwrap_err().to_string();
    assert!(error.contains("is missing"), "{error}");
    let wider = reference::parsed("x = input(shape=[5])\ny = linear(x, out=3)\noutput y");
    let error = to_onnx(&wider, &random_params(&other, 1), &[]).unwrap_err().to_string();
    assert!(error.contains("`y.weight`: expected shape [5, 3]"), "{error}");
}

#[test]
fn empty_truncated_and_damaged_files_are_named_as_such() {
    let bytes = to_onnx(&mobile(), &random_params(&mobile(), 2), &[]).unwrap();
    assert!(matches!(Session::load(&[]), Err(RuntimeError::Empty)));
    assert!(matches!(Session::load(&bytes[..bytes.len() / 2]), Err(RuntimeError::Format(_))));
    let mut damaged = bytes.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let error = Session::load(&damaged).err().unwrap().to_string();
    assert!(error.contains("damaged") || error.contains("not an ONNX file"), "{error}");
    let session = Session::load(&bytes).unwrap();
    assert!(matches!(session.run(&[0.0; 7], 1), Err(RuntimeError::Input { expected: 360, got: 7, .. })));
    assert!(session.run(&[], 0).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = (Session::load(&bytes), metadata(&bytes));
    }

    #[test]
    fn no_flipped_bit_passes_unseen_or_panics(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let g = reference::parsed("x = input(shape=[4, 3])\nc = conv(x, out=2, kernel=[3])\ny = global_pool(c, pooling=max)\noutput y");
        let params = random_params(&g, 3);
        let mut bytes = to_onnx(&g, &params, &[]).unwrap();
        let whole = run_onnx(&bytes, &[0.5; 12], 1).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1u8 << bit;
        if let Ok(y) = run_onnx(&bytes, &[0.5; 12], 1) {
            prop_assert_eq!(y, whole);
        }
    }

    #[test]
    fn damage_that_no_checksum_shows_is_an_error_at_worst(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let g = mobile();
        let mut bytes = to_onnx(&g, &random_params(&g, 3), &[]).unwrap();
        let guard = bytes.windows(16).position(|w| w == b"nasmyth.checksum").unwrap();
        bytes[guard] = b'N';
        let at = at.index(bytes.len());
        bytes[at] ^= 1u8 << bit;
        let _ = run_onnx(&bytes, &[0.5; 360], 1);
    }
}
