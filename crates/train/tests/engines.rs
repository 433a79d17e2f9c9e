//! Training through Burn is training on the CPU, up to rounding.

#![cfg(feature = "burn-cpu")]

use nasmyth_data::{OpenOptions, Subset, open};
use nasmyth_engine::{Backend, Engine};
use nasmyth_estimator::StopFlag;
use nasmyth_train::{Recipe, Trainer, evaluate_some};

const NETWORK: &str = "graph net
x = input(shape=[40, 1])
s = standardize(x)
c = conv(s, out=8, kernel=[5], stride=[2])
n = batch_norm(c)
a = activation(n, function=silu)
p = global_pool(a, pooling=average)
d = dropout(p, rate=0.1)
y = linear(d, out=10)
output y
";

#[test]
fn losses_and_figures_agree() {
    let graph = nasmyth_graph::parse(NETWORK).unwrap();
    let data = open("builtin:mnist1d", &OpenOptions::default()).unwrap();
    let recipe = Recipe::for_data(data.features(), data.len(Subset::Train));
    let trained = |backend| {
        let engine = Engine::open(backend, 1).unwrap();
        let mut trainer = Trainer::new(&graph, &data, Subset::Train, &recipe, 3, &engine).unwrap();
        let mut losses = Vec::new();
        trainer.run(150, &StopFlag::new(), &mut |p| losses.push(p.loss)).unwrap();
        let judged = evaluate_some(&graph, trainer.network(), &data, Subset::Valid, 300, &engine).unwrap();
        losses.push(judged.figures()["loss"]);
        losses
    };
    let (cpu, burn) = (trained(Backend::Cpu), trained(Backend::BurnCpu));
    assert!(cpu[149] < 0.95 * cpu[0], "nothing was learned: {} to {}", cpu[0], cpu[149]);
    for (cpu, burn) in cpu.iter().zip(&burn) {
        assert!((cpu - burn).abs() < 1e-3 * cpu, "{cpu} {burn}");
    }
}
