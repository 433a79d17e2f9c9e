//! Training throughput of the network in a text file, or of a small residual network: `throughput [ARCHITECTURE.txt] [BATCH]`.

use nasmyth_engine::{Loss, Mode, ParamStore, Plan};
use nasmyth_graph::blocks::conv_bn_act;
use nasmyth_graph::ops::{Activation, Add, Conv, Function, GlobalPool, Linear, Pooling};
use nasmyth_graph::{Graph, GraphError, VerifiedGraph};
use std::time::Instant;

fn resnet() -> Result<VerifiedGraph, GraphError> {
    let mut g = Graph::new("resnet");
    let x = g.input(&[32, 32, 3])?;
    let relu = Some(Function::Relu);
    let mut x = conv_bn_act(&mut g, x, Conv::same(16, &[3, 3]), relu)?;
    for (i, out) in [16, 16, 16, 32, 32, 32, 64, 64, 64].into_iter().enumerate() {
        let stride = if i == 3 || i == 6 { 2 } else { 1 };
        let y = conv_bn_act(&mut g, x, Conv::same(out, &[3, 3]).stride(stride), relu)?;
        let y = conv_bn_act(&mut g, y, Conv::same(out, &[3, 3]), None)?;
        let y = if stride == 1 { g.push(Add, &[x, y])? } else { y };
        x = g.push(Activation(Function::Relu), &[y])?;
    }
    let y = g.push(GlobalPool(Pooling::Average), &[x])?;
    let y = g.push(Linear::new(10), &[y])?;
    g.output(y);
    g.verify()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let graph = match arguments.next() {
        Some(path) => nasmyth_graph::parse(&std::fs::read_to_string(path)?)?,
        None => resnet()?,
    };
    let batch = arguments.next().map_or(Ok(64), |b| b.parse())?;
    let compiling = Instant::now();
    let plan = Plan::<f32>::compile(&graph, batch, Mode::Train(Loss::CrossEntropy))?;
    let compiling = compiling.elapsed();
    let params = ParamStore::new(&graph, 1);
    let mut arena = plan.arena();
    let mut grads = vec![0.0; params.layout().trained().len()];
    plan.input(&mut arena).iter_mut().enumerate().for_each(|(i, v)| *v = (i % 17) as f32);
    let mut times = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        plan.train(&params, &mut grads, &mut arena, 1);
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let (macs, rate) = (graph.macs(), batch as f64 / times[times.len() / 2]);
    println!(
        "{} parameters, {:.1} M MACs, compiled in {:.2} ms, arena {:.0} MiB, {rate:.0} samples/s, {:.1} GFLOP/s",
        graph.params(),
        macs as f64 / 1e6,
        compiling.as_secs_f64() * 1e3,
        plan.arena_bytes() as f64 / (1 << 20) as f64,
        6.0 * macs as f64 * rate / 1e9
    );
    Ok(())
}
