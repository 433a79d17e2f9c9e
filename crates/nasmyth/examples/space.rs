//! A search space written in Rust, searched on data, and the winner trained, exported and certified.
//!
//! `cargo run --release -p nasmyth --example space -- builtin:mnist1d 12 runs/own-space`

use anyhow::{Context as _, Result};
use nasmyth::data::{OpenOptions, Subset, open};
use nasmyth::engine::Engine;
use nasmyth::estimator::StopFlag;
use nasmyth::graph::blocks::{conv_bn_act, squeeze_excitation};
use nasmyth::graph::ops::{Concat, Conv, Function, Pool, Pooling};
use nasmyth::space::{Context, Network, Space, SpaceError, Tree};
use nasmyth::study::{Budget, Study, StudyConfig};
use nasmyth::train::{Recipe, TrainingEstimator};
use nasmyth::{Lines, Notice, Observer, Request, context, train_architecture};
use std::path::PathBuf;

/// Inception-like blocks (Szegedy et al. 2015): convolutions of several kernels side by side, joined along the channels.
fn space(context: Context) -> Result<Space, SpaceError> {
    let branch = Tree::group([Tree::choice("width", [4, 8, 16]).default(8), Tree::int("kernel", 1..=15, 2)]);
    let block = Tree::group([
        Tree::repeat("branches", 2..=4, branch),
        Tree::flag("squeeze"),
        Tree::choice("pool", [1, 2]).default(2),
    ]);
    let tree = Tree::group([
        Tree::choice("activation", ["relu", "silu", "hard_swish"]),
        Tree::repeat("blocks", 1..=4, block).default(2),
    ]);
    Space::new("inception", "One to four blocks of two to four convolutions each.", tree, move |genes| {
        let mut net = Network::begin("inception", &context)?;
        let act = Function::from_name(&genes.word("activation")?).unwrap_or(Function::Relu);
        for block in genes.repeat("blocks")? {
            let mut branches = Vec::new();
            for branch in block.repeat("branches")? {
                let window = net.window(branch.size("kernel")?);
                let conv = Conv::same(branch.size("width")?, &window);
                branches.push(conv_bn_act(&mut net.graph, net.at, conv, Some(act))?);
            }
            net.at = net.graph.push(Concat, &branches)?;
            if block.flag("squeeze")? {
                net.with(|g, x| squeeze_excitation(g, x, 4, Function::Relu, Function::Sigmoid))?;
            }
            let window = net.window(block.size("pool")?);
            if window.iter().all(|&size| size > 1) {
                net.push(Pool { stride: window.clone(), ..Pool::same(Pooling::Max, &window) })?;
            }
        }
        net.finish() // pooling over positions and a linear layer to the outputs
    })
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, trials, out] = &arguments[..] else { anyhow::bail!("expected DATA TRIALS FOLDER") };
    let (out, limits) = (PathBuf::from(out), "params<=20k");
    let data = open(path, &OpenOptions::default())?;
    let space = space(context(&data))?;
    println!("{} networks", space.count().context("a space without end")?);

    let config = StudyConfig {
        budget: Budget { trials: Some(trials.parse()?), time: None },
        workers: 2,
        epochs: 6.0,
        limits: limits.parse()?,
        ..StudyConfig::default()
    };
    let estimator = TrainingEstimator {
        data: &data,
        recipe: Recipe::for_data(data.features(), data.len(Subset::Train)),
        engine: Engine::cpu(1),
        ladder: vec![config.epochs],
        checkpoints: out.join("checkpoints"),
    };
    let (mut observer, stop) = (Lines::new(std::io::stdout()), StopFlag::new());
    let mut study = Study::create(&out, config, space.clone())?;
    study.run(&estimator, &mut |event| observer.notice(&Notice::Search { event }), &stop)?;

    let best = study.state().best().context("no trial was completed")?;
    println!("trial {}: {}", best.trial, space.describe(&best.genotype)?);
    let graph = space.lower(&best.genotype)?.verify()?;
    let request = Request::default()
        .set("data.path", Some(path.as_str()))
        .set("limits", Some(limits))
        .set("search.final_epochs", Some(20.0));
    train_architecture(&graph.to_text(), &request, &out, &mut observer, &stop)
}
