//! Three steps of training a network end where PyTorch's optimisers end (`tools/golden.py`).

#[path = "../../../engine/tests/golden/network.rs"]
mod network;
#[path = "../../../engine/tests/golden/values.rs"]
mod values;

use nasmyth_engine::{Loss, Mode, Plan};
use nasmyth_train::{Optimizer, OptimizerKind};
use values::{BATCH, Golden, numbers, targets};

fn check(case: &str, kind: OptimizerKind, rate: f64, weight_decay: f64) {
    let graph = network::network().unwrap();
    let mut params = network::parameters(&graph).map(|v| v as f32);
    let plan = Plan::<f32>::compile(&graph, BATCH, Mode::Train(Loss::CrossEntropy)).unwrap();
    let mut arena = plan.arena();
    let mut optimizer = Optimizer::new(kind, params.layout());
    let mut grads = vec![0.0; params.layout().trained().len()];
    let (x, t) = (numbers(network::INPUT, 1), targets(network::OUTPUT, true));
    for step in 0..3 {
        let (input, target) = plan.sample(&mut arena);
        input.iter_mut().zip(&x).for_each(|(to, &v)| *to = v as f32);
        target.iter_mut().zip(&t).for_each(|(to, &v)| *to = v as f32);
        plan.train(&params, &mut grads, &mut arena, step);
        plan.update_buffers(&mut params, &arena);
        optimizer.step(params.values_mut(), &grads, rate, weight_decay);
    }
    let golden = Golden::parse(include_str!("steps.txt"));
    for entry in params.layout().entries() {
        let got: Vec<f64> = params.values()[entry.range.clone()].iter().map(|&v| f64::from(v)).collect();
        golden.check(case, &entry.key, &got, 1e-4, 0.1); // rounding adds up over three steps
    }
    assert_eq!(golden.names(case).len(), params.layout().entries().len());
}

#[test]
fn three_steps_of_sgd_are_those_of_pytorch() {
    check("sgd", OptimizerKind::Sgd { momentum: 0.9 }, 0.05, 0.01);
}

#[test]
fn three_steps_of_adamw_are_those_of_pytorch() {
    check("adamw", OptimizerKind::adamw(), 0.01, 0.1);
}
