//! Every operator of the list keeps the contract of the list.

use nasmyth_graph::{Fact, Graph, NodeId, OPS, Op, parse};
use std::sync::Arc;

/// A graph around one operator: its first input is the graph's input, further ones are made from it.
fn around(op: Arc<dyn Op>, shapes: &[Vec<usize>]) -> nasmyth_graph::VerifiedGraph {
    let mut g = Graph::new("around");
    let total: usize = shapes.iter().map(|s| s.iter().product::<usize>()).sum();
    let x = g.input(&[total]).unwrap();
    let mut start = 0;
    let inputs: Vec<NodeId> = shapes
        .iter()
        .map(|shape| {
            let end = start + shape.iter().product::<usize>();
            let part = g.push(nasmyth_graph::ops::Slice { start, end }, &[x]).unwrap();
            start = end;
            g.push(nasmyth_graph::ops::Reshape(shape.clone()), &[part]).unwrap()
        })
        .collect();
    let y = g.add("op", op, &inputs).unwrap();
    g.output(y);
    g.verify().unwrap()
}

#[test]
fn every_operator_round_trips_through_text_and_keeps_its_identity() {
    let mut seen = 0;
    for kind in OPS {
        for (op, shapes) in (kind.examples)() {
            assert_eq!(op.kind(), kind.name);
            let g = around(op, &shapes);
            let back = parse(&g.to_text()).unwrap();
            assert_eq!(back.to_text(), g.to_text());
            assert_eq!(back.canonical_hash(), g.canonical_hash());
            assert_eq!((back.params(), back.macs()), (g.params(), g.macs()));
            seen += 1;
        }
    }
    assert!(seen >= 2 * (OPS.len() - 1), "every operator but the input has examples");
}

#[test]
fn no_operator_panics_on_shapes_that_do_not_fit() {
    let shapes: Vec<Fact> = [&[1][..], &[2, 3], &[1, 1, 1], &[2, 2, 2, 2], &[7, 5]]
        .iter()
        .map(|s| Fact::new(s).unwrap())
        .collect();
    for (op, _) in OPS.iter().flat_map(|k| (k.examples)()) {
        for a in &shapes {
            let _ = op.infer(&[]);
            let _ = op.infer(&[a]);
            for b in &shapes {
                let _ = op.infer(&[a, b]);
            }
        }
    }
}

#[test]
fn nodes_may_be_called_like_the_words_of_the_text_form() {
    let text = "graph g\ngraph = input(shape=[5])\noutput = linear(graph, out=2)\noutput output\n";
    assert_eq!(parse(text).unwrap().to_text(), text);
}
