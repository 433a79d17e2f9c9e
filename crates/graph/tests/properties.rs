//! Invariants over random graphs.

use nasmyth_graph::ops::{Activation, Add, BatchNorm, Concat, Conv, Function, GlobalPool, Linear, Pooling};
use nasmyth_graph::{Graph, NodeId, VerifiedGraph, parse, plan_memory};
use proptest::prelude::*;

/// A random directed acyclic graph: each byte pair adds a node that reads earlier ones.
fn grow(recipe: &[(u8, u8, u8)]) -> VerifiedGraph {
    let mut g = Graph::new("random");
    let mut made = vec![g.input(&[6, 6, 4]).unwrap()];
    for &(kind, a, b) in recipe {
        let pick = |i: u8| made[i as usize % made.len()];
        let (a, b) = (pick(a), pick(b));
        let id = match kind % 5 {
            0 => g.push(Conv::same(4, &[3, 3]), &[a]),
            1 => g.push(Activation(Function::Relu), &[a]),
            2 => g.push(Add, &[a, b]),
            3 => g.push(BatchNorm::default(), &[a]),
            _ => {
                let joined = g.push(Concat, &[a, b]).unwrap();
                g.push(Conv::same(4, &[1, 1]), &[joined])
            }
        };
        made.push(id.unwrap());
    }
    let pooled = g.push(GlobalPool(Pooling::Average), &[*made.last().unwrap()]).unwrap();
    let y = g.push(Linear::new(2), &[pooled]).unwrap();
    g.output(y);
    g.verify().unwrap()
}

/// The same graph with other names and another valid node order.
fn shuffled(g: &VerifiedGraph, seed: u64) -> VerifiedGraph {
    let mut state = seed | 1;
    let mut next = move |n: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % n
    };
    let mut out = Graph::new("shuffled");
    let mut at = vec![None; g.nodes().len()];
    while let Some(_left) = at.iter().position(Option::is_none) {
        let ready: Vec<usize> = (0..at.len())
            .filter(|&i| at[i].is_none() && g.nodes()[i].inputs.iter().all(|p| at[p.0].is_some()))
            .collect();
        let i = ready[next(ready.len())];
        let node = &g.nodes()[i];
        let mut inputs: Vec<NodeId> = node.inputs.iter().map(|p| at[p.0].unwrap()).collect();
        if node.op.commutative() {
            inputs.reverse();
        }
        at[i] = Some(out.add(format!("n{i}_{seed}"), node.op.clone(), &inputs).unwrap());
    }
    g.outputs().iter().for_each(|o| out.output(at[o.0].unwrap()));
    out.verify().unwrap()
}

/// The smallest peak over all orders, by trying them all, without any sharing of buffers.
fn brute_force(g: &VerifiedGraph, done: &mut Vec<usize>) -> u64 {
    let n = g.nodes().len();
    if done.len() == n {
        return 0;
    }
    let consumers = g.consumers();
    let live = |done: &[usize]| -> u64 {
        done.iter()
            .filter(|&&i| {
                g.outputs().contains(&NodeId(i)) || consumers[i].iter().any(|c| !done.contains(&c.0))
            })
            .map(|&i| g.nodes()[i].fact.bytes())
            .sum()
    };
    let before = live(done);
    let mut best = u64::MAX;
    for i in 0..n {
        if !done.contains(&i) && g.nodes()[i].inputs.iter().all(|p| done.contains(&p.0)) {
            done.push(i);
            let here = before + g.nodes()[i].fact.bytes();
            best = best.min(here.max(brute_force(g, done)));
            done.pop();
        }
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn identity_ignores_names_and_order(recipe in prop::collection::vec(any::<(u8, u8, u8)>(), 1..14), seed: u64) {
        let g = grow(&recipe);
        prop_assert_eq!(shuffled(&g, seed).canonical_hash(), g.canonical_hash());
        prop_assert_eq!(parse(&g.to_text()).unwrap().to_text(), g.to_text());
    }

    #[test]
    fn another_operator_is_another_identity(recipe in prop::collection::vec(any::<(u8, u8, u8)>(), 1..10)) {
        let g = grow(&recipe);
        let text = g.to_text().replacen("out=2", "out=3", 1);
        prop_assert_ne!(parse(&text).unwrap().canonical_hash(), g.canonical_hash());
    }

    #[test]
    fn the_planned_order_is_valid_and_never_worse_than_any_order_without_sharing(
        recipe in prop::collection::vec(any::<(u8, u8, u8)>(), 1..5),
    ) {
        let g = grow(&recipe);
        let plan = plan_memory(&g);
        let position = |id: NodeId| plan.order.iter().position(|&n| n == id).unwrap();
        prop_assert_eq!(plan.order.len(), g.nodes().len());
        for (i, node) in g.nodes().iter().enumerate() {
            prop_assert!(node.inputs.iter().all(|&p| position(p) < position(NodeId(i))));
        }
        prop_assert!(plan.exact);
        prop_assert!(plan.peak_bytes <= brute_force(&g, &mut Vec::new()));
        let largest = g.nodes().iter().map(|n| n.fact.bytes()).max().unwrap();
        prop_assert!(plan.peak_bytes >= largest);
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic(text in "(graph|output|[a-z]+ = (conv|linear|input|add|slice)\\([a-z0-9=,\\[\\] .-]*\\)|\\PC*|\n){0,12}") {
        let _ = parse(&text);
    }
}

#[test]
fn two_parallel_nodes_with_their_own_weights_are_not_one_node_used_twice() {
    let twice = |parallel: bool| {
        let mut g = Graph::new("g");
        let x = g.input(&[4]).unwrap();
        let a = g.push(Linear::new(4), &[x]).unwrap();
        let b = if parallel { g.push(Linear::new(4), &[x]).unwrap() } else { a };
        let y = g.push(Add, &[a, b]).unwrap();
        g.output(y);
        g.verify().unwrap().canonical_hash()
    };
    assert_ne!(twice(true), twice(false));
}

#[test]
fn a_gated_residual_overwrites_in_place() {
    // x (1 unit) -> squeeze-excitation -> added to x: x and one copy are enough.
    let mut g = Graph::new("se");
    let x = g.input(&[8, 8, 16]).unwrap();
    let c = g.push(Conv::same(16, &[1, 1]), &[x]).unwrap();
    let s =
        nasmyth_graph::blocks::squeeze_excitation(&mut g, c, 4, Function::Relu, Function::Sigmoid).unwrap();
    let y = g.push(Add, &[x, s]).unwrap();
    g.output(y);
    let unit = 4 * 8 * 8 * 16;
    let peak = plan_memory(&g.verify().unwrap()).peak_bytes;
    assert!(peak <= 2 * unit + 4 * 32, "{peak} against {unit}");
}

#[test]
fn errors_name_the_line_and_the_node() {
    let error = |text: &str| parse(text).unwrap_err().to_string();
    assert!(error("x = input(shape=[4])\ny = linear(z, out=3)").contains("line 2: unknown node `z`"));
    assert!(error("x = input(shape=[4])\ny = conv(x, out=3, kernel=[3,3])").contains("node `y` (conv)"));
    assert!(error("x = input(shape=[4])\ny = linar(x, out=3)").contains("unknown operator `linar`"));
    assert!(
        error("x = input(shape=[4])\ny = linear(x, out=3, depth=3)").contains("unknown attribute `depth=3`")
    );
    assert!(error("x = input(shape=[4])").contains("no output"));
    assert!(error("x = input(shape=[0])\noutput x").contains("impossible shape"));
}

#[test]
fn a_sum_is_the_same_in_any_order_of_its_terms() {
    let sum = |order: [usize; 3]| {
        let mut g = Graph::new("g");
        let x = g.input(&[3, 4]).unwrap();
        let c = g.push(GlobalPool(Pooling::Max), &[x]).unwrap();
        let y = g.push(Activation(Function::Tanh), &[x]).unwrap();
        let sum = g.push(Add, &order.map(|i| [x, c, y][i])).unwrap();
        g.output(sum);
        (g.fact(sum).shape().to_vec(), g.verify().unwrap().canonical_hash())
    };
    assert_eq!(sum([0, 1, 2]).0, [3, 4]);
    assert_eq!(sum([0, 1, 2]), sum([1, 2, 0]));
    assert_eq!(sum([0, 1, 2]), sum([2, 1, 0]));
}

#[test]
fn operators_refuse_shapes_that_do_not_fit() {
    let refuses = |text: &str| parse(&format!("x = input(shape=[4, 6, 2])\n{text}\noutput y")).is_err();
    assert!(refuses("y = permute(x, order=[0, 1])"));
    assert!(refuses("y = permute(x, order=[0, 1, 1])"));
    assert!(refuses("y = matmul(x, x)"), "2 columns against 6 rows");
    assert!(!refuses("y = matmul(x, x, transpose_b=true)"));
    assert!(refuses("y = blur_pool(x, size=9, stride=2)"), "an axis of 4 has no 4 positions to reflect");
    assert!(refuses("y = max_unpool(x, x, kernel=[2, 2])"));
    assert!(refuses("y = conv_transpose(x, out=2, kernel=[2, 2], pad=[3, 0, 3, 0])"), "nothing is left");
    assert!(
        refuses("y = conv_transpose(x, out=2, kernel=[2, 2], output_pad=[1, 1])"),
        "as much as the stride"
    );
    assert!(refuses("y = class_token(x, count=1)"), "three axes");
    assert!(refuses("y = mean(x, x, drop=1.0)"));
    assert!(refuses("p = global_pool(x, pooling=max)\ny = mean(x, p)"));
    assert!(refuses("y = leaky_relu(x)"), "no slope");
}

#[test]
fn products_and_transposed_convolutions_are_counted() {
    let macs = |text: &str| parse(&format!("x = input(shape=[4, 6, 2])\n{text}\noutput y")).unwrap().macs();
    assert_eq!(macs("y = matmul(x, x, transpose_b=true)"), 4 * 6 * 6 * 2);
    assert_eq!(
        macs("y = conv_transpose(x, out=8, kernel=[3, 3], stride=[2, 2], groups=2)"),
        4 * 6 * 9 * 2 * 4
    );
    assert_eq!(macs("y = blur_pool(x, size=3, stride=2)"), 0);
}
