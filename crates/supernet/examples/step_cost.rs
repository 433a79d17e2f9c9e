//! What a step on sampled sub-networks costs, against steps of the same networks on their own.
//!
//! `cargo run --release -p nasmyth-supernet --example step_cost [DATA] [STEPS]`: data as for `nasmyth search` (default
//! `builtin:mnist1d`), in the space `cell`.

use nasmyth_data::{Features, OpenOptions, Subset, open};
use nasmyth_engine::Engine;
use nasmyth_estimator::StopFlag;
use nasmyth_graph::VerifiedGraph;
use nasmyth_space::{Context, preset};
use nasmyth_supernet::one_shot::{OneShot, Sampling, Supernet, Task, planned_memory};
use nasmyth_train::{Recipe, Trainer, training_program};
use std::error::Error;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "builtin:mnist1d".to_owned());
    let steps: u64 = arguments.next().map_or(Ok(200), |n| n.parse())?;
    let data = open(&path, &OpenOptions::default())?;
    if matches!(data.features(), Features::Table { .. }) {
        return Err("the space `cell` is for images and series".into());
    }
    let samples = data.len(Subset::Train);
    let input = data.features().shape();
    let context =
        Context { input, categories: Vec::new(), outputs: data.task().outputs(), regression: false, samples };
    let space = preset("cell", &context)?;
    let recipe = Recipe::for_data(data.features(), samples);
    let task = Task { space: &space, data: &data, recipe: &recipe, seed: 1 };
    let (settings, engine, stop) = (OneShot::default(), Engine::cpu(1), StopFlag::new());

    let mut supernet = Supernet::new(task, &settings, &engine)?;
    let mut ends = Vec::new();
    let start = Instant::now();
    supernet.run(steps, &stop, &mut |_, _| ends.push(start.elapsed().as_secs_f64()))?;
    let mut alone = Vec::new();
    let mut memory = 0;
    for step in 0..steps {
        let genotype = &Sampling::Uniform.draw(&space, task.seed, step, None)[0];
        let graph = space.lower(genotype)?.verify()?;
        memory = memory.max(bytes_alone(&graph, task, &engine)?);
        let mut trainer = Trainer::new(&graph, &data, Subset::Train, &recipe, 1, &engine)?;
        trainer.run(1, &stop, &mut |_| ())?; // meets cold memory
        let start = Instant::now();
        trainer.run(1, &stop, &mut |_| ())?;
        alone.push(start.elapsed().as_secs_f64());
    }
    let sampled: Vec<f64> =
        ends.iter().scan(0.0, |last, &end| Some(end - std::mem::replace(last, end))).collect();
    let ratios: Vec<f64> = sampled.iter().zip(&alone).map(|(s, a)| s / a).collect();
    let planned = planned_memory(task, &settings, steps, &engine)?;
    println!("batch {}, {steps} steps, each on another network of space `cell`", recipe.batch);
    println!("sampled    {:.3} ms a step (lowering, compilation and copies included)", 1e3 * mean(&sampled));
    println!("alone      {:.3} ms a step (compiled before)", 1e3 * mean(&alone));
    println!(
        "time       {:.3} of the sums, {:.3} in the median",
        mean(&sampled) / mean(&alone),
        median(ratios)
    );
    println!(
        "memory     {:.1} MiB for a step, {:.1} MiB alone, ratio {:.3}",
        mib(planned.step),
        mib(memory),
        planned.step as f64 / memory as f64
    );
    println!(
        "bank       {:.1} MiB planned, {:.1} MiB of numbers",
        mib(planned.bank),
        mib(4 * supernet.bank().len() as u64)
    );
    Ok(())
}

/// Values and activations of a training: parameters, their average, gradients, moments, the memory of the program.
fn bytes_alone(graph: &VerifiedGraph, task: Task<'_>, engine: &Engine) -> Result<u64, Box<dyn Error>> {
    let program = training_program(graph, task.data, task.recipe, engine)?;
    let params = nasmyth_engine::ParamLayout::of(graph).len() * size_of::<f32>();
    Ok((program.memory_bytes() + (3 + task.recipe.optimizer.moments()) * params) as u64)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
