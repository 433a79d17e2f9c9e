//! What a step on sampled sub-networks costs, against steps of the same networks on their own.
//!
//! `cargo run --release -p nasmyth-supernet --example step_cost [DATA] [STEPS]`: data as for `nasmyth search` (default
//! `builtin:mnist1d`), in the space `cell`.

use nasmyth_data::{Features, OpenOptions, Subset, open};
use nasmyth_engine::{Engine, ParamLayout, Program};
use nasmyth_estimator::StopFlag;
use nasmyth_space::{Context, Genotype, preset};
use nasmyth_supernet::one_shot::{OneShot, Sampling, Supernet, Task, planned_memory, step_bytes};
use nasmyth_train::{Recipe, Trainer, training_program};
use std::error::Error;
use std::time::Instant;

/// Sampled steps in a row, as in a training; then as many on their own, before the machine changes.
const BLOCK: u64 = 25;

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
    let (mut costs, mut failed, mut start) = (Costs::default(), None, Instant::now());
    supernet.run(steps, &stop, &mut |_, progress| {
        costs.sampled.push(start.elapsed().as_secs_f64());
        let (done, due) =
            (costs.alone.len() as u64, progress.step.is_multiple_of(BLOCK) || progress.step == steps);
        for step in (done..progress.step).filter(|_| due) {
            let genotype = &Sampling::Uniform.draw(&space, task.seed, step, None)[0];
            failed = costs.alone(genotype, task, &engine).err().or(failed.take());
        }
        start = Instant::now();
    })?;
    failed.map_or(Ok(()), Err)?;
    let Costs { sampled, alone, compiling, most_sampled, most_alone } = costs;
    let ratios: Vec<f64> = sampled.iter().zip(&alone).map(|(s, a)| s / a).collect();
    let planned = planned_memory(task, &settings, steps, &engine)?;
    println!("batch {}, {steps} steps, each on another network of space `cell`", recipe.batch);
    println!(
        "sampled    {:.3} ms a step, beside about {:.3} ms of compilation on another thread",
        1e3 * mean(&sampled),
        1e3 * mean(&compiling)
    );
    println!("alone      {:.3} ms a step, compiled before", 1e3 * mean(&alone));
    println!(
        "time       {:.3} of the sums, {:.3} in the median",
        mean(&sampled) / mean(&alone),
        median(ratios)
    );
    let ratio = most_sampled as f64 / most_alone as f64;
    println!(
        "memory     {:.1} MiB for a step, {:.1} MiB alone, ratio {ratio:.3}",
        mib(most_sampled),
        mib(most_alone)
    );
    println!(
        "bank       {:.1} MiB planned, {:.1} MiB of weights now",
        mib(planned.bank),
        mib(4 * supernet.bank().len() as u64)
    );
    Ok(())
}

/// Seconds of steps and of compilation, and the most bytes of a step.
#[derive(Default)]
struct Costs {
    sampled: Vec<f64>,
    alone: Vec<f64>,
    compiling: Vec<f64>,
    most_sampled: u64,
    most_alone: u64,
}

impl Costs {
    /// Makes a step of a network on its own.
    fn alone(&mut self, genotype: &Genotype, task: Task<'_>, engine: &Engine) -> Result<(), Box<dyn Error>> {
        let Task { space, data, recipe, .. } = task;
        let graph = space.lower(genotype)?.verify()?;
        let layout = ParamLayout::of(&graph);
        let start = Instant::now();
        let program = training_program(&graph, data, recipe, engine)?;
        self.compiling.push(start.elapsed().as_secs_f64());
        self.most_sampled = self.most_sampled.max(step_bytes(&program, &layout));
        self.most_alone = self.most_alone.max(bytes_alone(&program, &layout, recipe));
        let mut trainer = Trainer::new(&graph, data, Subset::Train, recipe, 1, engine)?;
        let stop = StopFlag::new();
        trainer.run(1, &stop, &mut |_| ())?; // meets cold memory
        let start = Instant::now();
        trainer.run(1, &stop, &mut |_| ())?;
        self.alone.push(start.elapsed().as_secs_f64());
        Ok(())
    }
}

/// What a training on its own holds: parameters, their average, gradients, moments, the memory of the program.
fn bytes_alone(program: &Program, layout: &ParamLayout, recipe: &Recipe) -> u64 {
    (program.memory_bytes() + (3 + recipe.optimizer.moments()) * layout.len() * size_of::<f32>()) as u64
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
