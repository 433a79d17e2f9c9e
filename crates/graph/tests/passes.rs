//! What the passes do to the structure of a graph. That results stay equal is tested where they are computed, in the engine.

use nasmyth_graph::ops::{
    Activation, Add, BatchNorm, BlurPool, ChannelDropout, Concat, Conv, DropPath, Dropout, Function,
    GlobalPool, LeakyRelu, Linear, Mean, Mul, Permute, Pool, Pooling, Reshape, Scale, Slice, Softmax,
    Standardize, Zero,
};
use nasmyth_graph::passes::{Merge, fold_batch_norm, reparametrise, simplify};
use nasmyth_graph::{Graph, GraphError, NodeId, Op, VerifiedGraph};
use std::sync::Arc;

const RELU: Activation = Activation(Function::Relu);

/// A graph over an input of shape `[4, 4, 2]`.
fn graph(build: impl FnOnce(&mut Graph, NodeId) -> Result<NodeId, GraphError>) -> VerifiedGraph {
    let mut g = Graph::new("g");
    let x = g.add("x", Arc::new(nasmyth_graph::ops::Input(vec![4, 4, 2])), &[]).unwrap();
    let y = build(&mut g, x).unwrap();
    g.output(y);
    g.verify().unwrap()
}

fn names(g: &VerifiedGraph) -> Vec<&str> {
    g.nodes().iter().map(|n| n.name.as_str()).collect()
}

fn add(g: &mut Graph, name: &str, op: impl Op, inputs: &[NodeId]) -> Result<NodeId, GraphError> {
    g.add(name, Arc::new(op), inputs)
}

/// What is left of `x -> op`.
fn left_of(op: impl Op) -> Vec<String> {
    let g = simplify(&graph(|g, x| add(g, "op", op, &[x])));
    names(&g).iter().map(|&n| n.to_owned()).collect()
}

#[test]
fn operators_that_change_nothing_disappear() {
    assert_eq!(left_of(Dropout { rate: 0.0 }), ["x"]);
    assert_eq!(left_of(DropPath { rate: 0.0 }), ["x"]);
    assert_eq!(left_of(Slice { start: 0, end: 2 }), ["x"]);
    assert_eq!(left_of(Reshape(vec![4, 4, 2])), ["x"]);
    assert_eq!(left_of(Pool::new(Pooling::Max, &[1, 1])), ["x"]);
    assert_eq!(left_of(BlurPool { size: 1, stride: 1 }), ["x"]);
    assert_eq!(left_of(ChannelDropout { rate: 0.0 }), ["x"]);
    assert_eq!(left_of(LeakyRelu { slope: 1.0 }), ["x"]);
    assert_eq!(left_of(Mean { drop: 0.5 }), ["x"], "of one value, that one stays");
    assert_eq!(left_of(Permute(vec![0, 1, 2])), ["x"]);
    assert_eq!(left_of(Pool::new(Pooling::Average, &[1, 1])), ["x"]);
}

#[test]
fn operators_that_change_something_stay() {
    assert_eq!(left_of(Dropout { rate: 0.1 }), ["x", "op"]);
    assert_eq!(left_of(DropPath { rate: 0.1 }), ["x", "op"]);
    assert_eq!(left_of(Slice { start: 0, end: 1 }), ["x", "op"]);
    assert_eq!(left_of(Reshape(vec![4, 8])), ["x", "op"]);
    assert_eq!(left_of(BlurPool { size: 1, stride: 2 }), ["x", "op"]);
    assert_eq!(left_of(Permute(vec![1, 0, 2])), ["x", "op"], "of one shape, but another order");
    assert_eq!(left_of(Pool { stride: vec![2, 2], ..Pool::new(Pooling::Max, &[1, 1]) }), ["x", "op"]);
    assert_eq!(left_of(Pool::same(Pooling::Max, &[3, 3])), ["x", "op"]);
    assert_eq!(left_of(Scale { init: 1.0 }), ["x", "op"], "a scale that starts at 1 is learned");
    assert_eq!(left_of(Standardize { inverse: false }), ["x", "op"]);
}

#[test]
fn zeros_are_followed_to_where_something_is_learned_or_added() {
    let g = graph(|g, x| {
        let dead = add(g, "dead", Conv::same(2, &[3, 3]), &[x])?;
        let zero = add(g, "zero", Zero, &[dead])?;
        let relu = add(g, "relu", RELU, &[zero])?;
        let pool = add(g, "pool", Pool::same(Pooling::Average, &[3, 3]), &[relu])?;
        let conv = add(g, "conv", Conv::same(2, &[3, 3]), &[pool])?;
        let mul = add(g, "mul", Mul, &[x, conv])?;
        let live = add(g, "live", Conv::same(2, &[3, 3]), &[x])?;
        add(g, "sum", Add, &[mul, live, conv])
    });
    let simple = simplify(&g);
    assert_eq!(names(&simple), ["x", "live"]);
    assert_eq!(simple.outputs(), [NodeId(1)]);
    assert_eq!(names(&g).len(), 9, "the original is as it was");
}

#[test]
fn what_makes_something_of_zeros_stays() {
    let keeps: [Arc<dyn Op>; 6] = [
        Arc::new(BatchNorm::default()),
        Arc::new(Conv::same(2, &[1, 1]).with_bias()),
        Arc::new(Linear::new(2)),
        Arc::new(Standardize { inverse: true }),
        Arc::new(Activation(Function::Sigmoid)),
        Arc::new(Softmax),
    ];
    for op in keeps {
        let g = graph(|g, x| {
            let conv = add(g, "conv", Conv::same(2, &[3, 3]), &[x])?;
            let zero = add(g, "zero", Zero, &[conv])?;
            g.add("op", op.clone(), &[zero])
        });
        let simple = simplify(&g);
        assert_eq!(names(&simple), ["x", "zero", "op"], "{op:?}");
        assert_eq!(simple.nodes()[1].inputs, [NodeId(0)], "a zero needs a shape only");
    }
}

#[test]
fn a_zero_of_a_shape_of_its_own_is_computed() {
    let g = graph(|g, x| {
        let zero = add(g, "zero", Zero, &[x])?;
        let pool = add(g, "pool", GlobalPool(Pooling::Max), &[zero])?;
        let relu = add(g, "relu", RELU, &[pool])?;
        add(g, "linear", Linear::new(3), &[relu])
    });
    assert_eq!(names(&simplify(&g)), ["x", "zero", "pool", "linear"]);
}

#[test]
fn an_output_that_is_always_zero_still_has_its_input() {
    let g = simplify(&graph(|g, x| {
        let conv = add(g, "conv", Conv::same(2, &[3, 3]), &[x])?;
        let zero = add(g, "zero", Zero, &[conv])?;
        add(g, "sum", Add, &[zero, zero])
    }));
    assert_eq!(names(&g), ["x", "zero"]);
}

#[test]
fn equal_computations_become_one_in_chains() {
    let g = graph(|g, x| {
        let chain = |g: &mut Graph, i: usize| {
            let relu = add(g, &format!("relu{i}"), RELU, &[x])?;
            add(g, &format!("pool{i}"), Pool::same(Pooling::Max, &[3, 3]), &[relu])
        };
        let (a, b) = (chain(g, 0)?, chain(g, 1)?);
        let ab = add(g, "ab", Add, &[a, x])?;
        let ba = add(g, "ba", Add, &[x, b])?;
        add(g, "both", Concat, &[ab, ba])
    });
    let simple = simplify(&g);
    assert_eq!(names(&simple), ["x", "relu0", "pool0", "ab", "both"]);
    assert_eq!(simple.nodes()[4].inputs, [NodeId(3), NodeId(3)]);
}

#[test]
fn computations_that_are_not_equal_stay_apart() {
    let pairs: [[Arc<dyn Op>; 2]; 6] = [
        [Arc::new(Conv::same(2, &[1, 1])), Arc::new(Conv::same(2, &[1, 1]))],
        [Arc::new(BatchNorm::default()), Arc::new(BatchNorm::default())],
        [Arc::new(Standardize { inverse: false }), Arc::new(Standardize { inverse: false })],
        [Arc::new(Dropout { rate: 0.5 }), Arc::new(Dropout { rate: 0.5 })],
        [Arc::new(DropPath { rate: 0.5 }), Arc::new(DropPath { rate: 0.5 })],
        [Arc::new(RELU), Arc::new(Activation(Function::Relu6))],
    ];
    for pair in pairs {
        let g = graph(|g, x| {
            let [a, b] = &pair;
            let (a, b) = (g.add("a", a.clone(), &[x])?, g.add("b", b.clone(), &[x])?);
            add(g, "sum", Add, &[a, b])
        });
        assert_eq!(names(&simplify(&g)), ["x", "a", "b", "sum"], "{pair:?}");
    }
    let order = graph(|g, x| {
        let y = add(g, "y", RELU, &[x])?;
        let (a, b) = (add(g, "a", Concat, &[x, y])?, add(g, "b", Concat, &[y, x])?);
        add(g, "sum", Add, &[a, b])
    });
    assert_eq!(simplify(&order).nodes().len(), 5, "the order of what is joined matters");
}

#[test]
fn maps_go_into_the_layer_that_only_they_read() {
    let g = graph(|g, x| {
        let norm = |g: &mut Graph, name: &str, x| add(g, name, BatchNorm::default(), &[x]);
        let first = norm(g, "first", x)?;
        let conv = add(g, "conv", Conv::same(2, &[3, 3]), &[first])?;
        let noise = add(g, "noise", DropPath { rate: 0.2 }, &[conv])?;
        let bn = norm(g, "bn", noise)?;
        let scale = add(g, "scale", Scale { init: 1.0 }, &[bn])?;
        let shared = add(g, "shared", Linear { out: 2, bias: false }, &[scale])?;
        let beside = norm(g, "beside", shared)?;
        let sum = add(g, "sum", Add, &[shared, beside])?;
        let after = norm(g, "after", sum)?;
        let last = add(g, "last", Linear { out: 1, bias: true }, &[after])?;
        add(g, "units", Standardize { inverse: true }, &[last])
    });
    let (new, folded) = fold_batch_norm(&g);
    assert_eq!(names(&new), ["x", "first", "conv", "shared", "beside", "sum", "after", "last", "units"]);
    let folded: Vec<(&str, Vec<&str>)> =
        folded.iter().map(|f| (f.layer.as_str(), f.maps.iter().map(|n| n.name.as_str()).collect())).collect();
    assert_eq!(folded, [("conv", vec!["bn", "scale"])]);
    assert!(new.nodes()[2].op.downcast::<Conv>().unwrap().bias);
    assert!(!new.nodes()[3].op.downcast::<Linear>().unwrap().bias, "not folded, not changed");
    assert_eq!(new.outputs(), [NodeId(8)]);
}

#[test]
fn an_output_is_not_folded_away() {
    let mut g = Graph::new("two outputs");
    let x = g.input(&[4, 2]).unwrap();
    let conv = g.push(Conv::same(2, &[3]), &[x]).unwrap();
    let bn = g.push(BatchNorm::default(), &[conv]).unwrap();
    g.output(conv);
    g.output(bn);
    let (new, folded) = fold_batch_norm(&g.verify().unwrap());
    assert_eq!((new.nodes().len(), folded.len()), (3, 0));
}

#[test]
fn a_zero_that_says_over_how_many_positions_a_term_is_spread_stays() {
    let g = graph(|g, x| {
        let none = add(g, "none", Zero, &[x])?;
        let c = add(g, "c", GlobalPool(Pooling::Average), &[x])?;
        add(g, "y", Add, &[none, c])
    });
    assert_eq!(names(&simplify(&g)), names(&g));
    let g = graph(|g, x| {
        let none = add(g, "none", Zero, &[x])?;
        let c = add(g, "c", GlobalPool(Pooling::Average), &[x])?;
        let y = add(g, "y", RELU, &[x])?;
        add(g, "sum", Add, &[c, none, y])
    });
    assert_eq!(names(&simplify(&g)), ["x", "c", "y", "sum"]);
}

#[test]
fn a_mean_of_several_values_stays_at_inference() {
    let g = graph(|g, x| {
        let y = add(g, "y", RELU, &[x])?;
        add(g, "mean", Mean { drop: 0.5 }, &[x, y])
    });
    let (folded, _) = fold_batch_norm(&g);
    assert_eq!(names(&folded), ["x", "y", "mean"]);
}

#[test]
fn parallel_linear_parts_become_their_largest_convolution() {
    let g = graph(|g, x| {
        let norm = add(g, "norm", BatchNorm::default(), &[x])?;
        let small = add(g, "small", Conv::same(2, &[1, 1]), &[x])?;
        let large = add(g, "large", Conv::same(2, &[3, 3]), &[x])?;
        add(g, "sum", Add, &[norm, small, large])
    });
    let (merged, merges) = reparametrise(&g);
    assert_eq!(names(&merged), ["x", "large"]);
    let [Merge::Sum { layer, window: 9, branches }] = &merges[..] else { panic!("{merges:?}") };
    assert_eq!(layer, "large");
    let taps: Vec<_> =
        branches.iter().map(|b| (b.node.as_ref().map(|n| n.name.as_str()), &b.taps[..])).collect();
    assert_eq!(taps, [(Some("norm"), &[4][..]), (Some("small"), &[4][..])], "both in the middle of 3x3");
    assert_eq!(merged.params(), 3 * 3 * 2 * 2 + 2);
}

#[test]
fn layers_that_others_read_or_that_differ_in_stride_or_groups_stay_apart() {
    let read_twice = graph(|g, x| {
        let small = add(g, "small", Conv::same(2, &[1, 1]), &[x])?;
        let large = add(g, "large", Conv::same(2, &[3, 3]), &[x])?;
        let sum = add(g, "sum", Add, &[small, large])?;
        add(g, "product", Mul, &[sum, small])
    });
    let (merged, merges) = reparametrise(&read_twice);
    assert!(merges.is_empty(), "{}", merged.to_text());
    let grouped = graph(|g, x| {
        let each = add(g, "each", Conv::same(2, &[3, 3]).groups(2), &[x])?;
        let all = add(g, "all", Conv::same(2, &[3, 3]), &[x])?;
        add(g, "sum", Add, &[each, all])
    });
    assert!(reparametrise(&grouped).1.is_empty());
    let strided = graph(|g, x| {
        let x = add(g, "a", Conv::same(2, &[3, 3]).stride(2), &[x])?;
        let y = add(g, "b", Conv::same(4, &[3, 3]), &[x])?;
        let z = add(g, "c", Conv::same(4, &[3, 3]).groups(2), &[x])?;
        add(g, "sum", Add, &[y, z])
    });
    assert!(reparametrise(&strided).1.is_empty());
}

#[test]
fn rows_of_layers_become_one_unless_that_takes_more_parameters() {
    let row = |middle: usize, out: usize| {
        graph(move |g, x| {
            let x = add(g, "first", Conv::same(middle, &[3, 3]), &[x])?;
            add(g, "second", Conv::same(out, &[1, 1]), &[x])
        })
    };
    let (merged, merges) = reparametrise(&row(4, 4));
    assert_eq!(names(&merged), ["x", "second"]);
    assert!(matches!(&merges[..], [Merge::Chain { first, .. }] if first.name == "first"));
    assert_eq!(merged.params(), 3 * 3 * 2 * 4);
    assert!(reparametrise(&row(1, 8)).1.is_empty(), "a bottleneck");
    let padded = graph(|g, x| {
        let x = add(g, "first", Conv::same(4, &[1, 1]).with_bias(), &[x])?;
        add(g, "second", Conv::same(4, &[3, 3]), &[x])
    });
    assert!(reparametrise(&padded).1.is_empty(), "zeros around the first one's outputs are not its bias");
}
