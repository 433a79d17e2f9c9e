//! Formats other than ONNX.

mod reference;

use nasmyth_export::{FORMATS, from_safetensors, safetensors_metadata, to_dot, to_safetensors, to_svg};
use nasmyth_graph::parse;
use proptest::prelude::*;
use reference::{cases, mobile, parsed, random_params};

#[test]
fn every_format_writes_every_network_and_always_the_same_bytes() {
    for (name, g) in cases() {
        let params = random_params(&g, 1);
        let meta: Vec<_> = (0..9).map(|i| (format!("key {i}"), "\"<&>é".to_owned())).collect();
        for format in FORMATS {
            let bytes = (format.write)(&g, &params, &meta).unwrap();
            assert!(!bytes.is_empty(), "{name} as {}", format.name);
            assert_eq!(bytes, (format.write)(&g, &params, &meta).unwrap(), "{name} as {}", format.name);
        }
    }
}

#[test]
fn text_reads_back() {
    let text = FORMATS.iter().find(|f| f.name == "text").unwrap();
    let bytes = (text.write)(&mobile(), &random_params(&mobile(), 1), &[]).unwrap();
    assert_eq!(parse(std::str::from_utf8(&bytes).unwrap()).unwrap().to_text(), mobile().to_text());
}

#[test]
fn weights_read_back_with_their_metadata() {
    let params = random_params(&mobile(), 4);
    let meta = vec![("a".to_owned(), "1 \"é\"".to_owned()), ("b".to_owned(), String::new())];
    let bytes = to_safetensors(&mobile(), &params, &meta).unwrap();
    assert_eq!(from_safetensors(&mobile(), &bytes).unwrap().values(), params.values());
    assert_eq!(safetensors_metadata(&bytes).unwrap(), meta);
}

#[test]
fn weights_of_another_graph_are_refused_by_name() {
    let linear = |out| parsed(&format!("x = input(shape=[5])\ny = linear(x, out={out})\noutput y"));
    let bytes = to_safetensors(&linear(2), &random_params(&linear(2), 1), &[]).unwrap();
    let error = |g| from_safetensors(&g, &bytes).unwrap_err().to_string();
    assert_eq!(error(linear(3)), "parameter `y.bias`: expected shape [3], got [2]");
    assert!(error(mobile()).contains("tensor `y.bias` in the file is no parameter of graph `mobile`"));
    let more = parsed("x = input(shape=[5])\ny = linear(x, out=2)\nz = scale(y)\noutput z");
    assert!(error(more).contains("`z.gamma` is missing"));
    let half = String::from_utf8_lossy(&bytes[8..80]).replace("F32", "I32");
    let bytes = [&bytes[..8], half.as_bytes(), &bytes[80..]].concat();
    assert!(from_safetensors(&linear(2), &bytes).unwrap_err().to_string().contains("expected float32"));
}

#[test]
fn drawings_are_well_formed_and_show_every_operator() {
    for (name, g) in cases() {
        let svg = to_svg(&g);
        let document = roxmltree::Document::parse(&svg).unwrap_or_else(|e| panic!("{name}: {e}"));
        let text: String = document.descendants().filter_map(|n| n.text()).collect();
        assert!(g.nodes().iter().all(|n| text.contains(&format!("{}: {}(", n.name, n.op.kind()))), "{name}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
    }
}

#[test]
fn names_cannot_break_out_of_a_drawing() {
    let mut g = nasmyth_graph::Graph::new("</svg><script>\u{1}\"&");
    let x = g.input(&[2]).unwrap();
    let y = g.add("\"];} <b>\\", std::sync::Arc::new(nasmyth_graph::ops::Linear::new(2)), &[x]).unwrap();
    g.output(y);
    let g = g.verify().unwrap();
    let svg = to_svg(&g);
    assert!(roxmltree::Document::parse(&svg).is_ok() && !svg.contains("<script>") && !svg.contains("<b>"));
    assert!(to_dot(&g).contains("label=\"\\\"];} <b>\\\\\\nlinear\\nout=2\\n[2]\""), "{}", to_dot(&g));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn damaged_weights_never_panic(at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<prop::sample::Index>()) {
        let g = parsed("x = input(shape=[5])\ny = linear(x, out=2)\noutput y");
        let mut bytes = to_safetensors(&g, &random_params(&g, 1), &[("k".to_owned(), "v".to_owned())]).unwrap();
        prop_assert!(from_safetensors(&g, &bytes[..cut.index(bytes.len())]).is_err());
        let at = at.index(bytes.len());
        bytes[at] ^= 1u8 << bit;
        let _ = (from_safetensors(&g, &bytes), safetensors_metadata(&bytes));
    }
}
