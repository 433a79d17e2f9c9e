//! Draws networks: `cargo run -p nasmyth-export --example draw -- FOLDER`

use nasmyth_export::to_svg;
use nasmyth_graph::blocks::{InvertedResidual, conv_bn_act, inverted_residual};
use nasmyth_graph::ops::*;
use nasmyth_graph::{Graph, GraphError, NodeId, VerifiedGraph};
use std::path::Path;

/// About 150 operators in the manner of MobileNetV3.
fn mobile() -> Result<VerifiedGraph, GraphError> {
    let mut g = Graph::new("mobile");
    let x = g.input(&[64, 64, 3])?;
    let x = g.push(Standardize { inverse: false }, &[x])?;
    let mut x = conv_bn_act(&mut g, x, Conv::same(16, &[3, 3]).stride(2), Some(Function::HardSwish))?;
    let plan = [
        (16, 3, 1, 1, 0.0),
        (24, 3, 2, 4, 0.0),
        (24, 3, 1, 3, 0.0),
        (40, 5, 2, 3, 0.25),
        (40, 5, 1, 3, 0.25),
        (80, 3, 2, 6, 0.0),
        (80, 3, 1, 2, 0.0),
        (112, 3, 1, 6, 0.25),
        (112, 3, 1, 6, 0.25),
        (160, 5, 2, 6, 0.25),
    ];
    for (out, k, stride, expansion, squeeze) in plan {
        let block = InvertedResidual::new(g.fact(x).channels(), expansion, out, &[k, k]).stride(stride);
        x = inverted_residual(&mut g, x, &block.squeeze(squeeze).act(Function::HardSwish))?;
    }
    let x = conv_bn_act(&mut g, x, Conv::same(480, &[1, 1]), Some(Function::HardSwish))?;
    let x = g.push(GlobalPool(Pooling::Average), &[x])?;
    let x = g.push(Dropout { rate: 0.2 }, &[x])?;
    let y = g.push(Linear::new(10), &[x])?;
    g.output(y);
    g.verify()
}

/// Cells of four nodes, every pair of them joined (NAS-Bench-201).
fn cells() -> Result<VerifiedGraph, GraphError> {
    let mut g = Graph::new("cells <3 & \"more\"");
    let x = g.input(&[32, 32, 3])?;
    let mut x = conv_bn_act(&mut g, x, Conv::same(16, &[3, 3]), None)?;
    for _ in 0..3 {
        let conv = |g: &mut Graph, x: NodeId, k: usize| {
            let r = g.push(Activation(Function::Relu), &[x])?;
            conv_bn_act(g, r, Conv::same(16, &[k, k]), None)
        };
        let a = conv(&mut g, x, 3)?;
        let (p, c) = (g.push(Pool::same(Pooling::Average, &[3, 3]), &[x])?, conv(&mut g, a, 1)?);
        let b = g.push(Add, &[p, c])?;
        let (d, e) = (conv(&mut g, a, 3)?, conv(&mut g, b, 3)?);
        x = g.push(Add, &[x, d, e])?;
    }
    let x = g.push(GlobalPool(Pooling::Average), &[x])?;
    let y = g.push(Linear::new(10), &[x])?;
    g.output(y);
    g.verify()
}

/// Densely joined layers and two branches.
fn dense() -> Result<VerifiedGraph, GraphError> {
    let mut g = Graph::new("dense");
    let x = g.input(&[128, 6])?;
    let mut parts = vec![conv_bn_act(&mut g, x, Conv::same(8, &[7]), Some(Function::Relu))?];
    for _ in 0..5 {
        let x = if let [one] = parts[..] { one } else { g.push(Concat, &parts.clone())? };
        parts.push(conv_bn_act(&mut g, x, Conv::same(8, &[3]), Some(Function::Relu))?);
    }
    let x = g.push(Concat, &parts)?;
    let (a, b) = (g.push(GlobalPool(Pooling::Average), &[x])?, g.push(GlobalPool(Pooling::Max), &[x])?);
    let x = g.push(Concat, &[a, b])?;
    let y = g.push(Linear::new(4), &[x])?;
    g.output(y);
    g.verify()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("expected a folder")?;
    for (name, graph) in [("mobile", mobile()?), ("cells", cells()?), ("dense", dense()?)] {
        println!("{name}: {} operators", graph.nodes().len());
        std::fs::write(Path::new(&folder).join(format!("{name}.svg")), to_svg(&graph))?;
    }
    Ok(())
}
