//! How well inherited weights rank networks: a super-network against a table of networks that were trained on their own.

use crate::config::one_member;
use crate::{RunConfig, SupernetConfig, context};
use anyhow::{Context as _, Result, anyhow, bail};
use nasmyth_bench::statistics::{kendall, mean, standard_error};
use nasmyth_bench::{Table, Task as TableTask};
use nasmyth_data::{Dataset, Subset};
use nasmyth_device::Score;
use nasmyth_engine::Engine;
use nasmyth_estimator::StopFlag;
use nasmyth_space::spaces::cell::{Skeleton, in_skeleton};
use nasmyth_space::{Context, Genotype, Rng, Space, preset};
use nasmyth_supernet::one_shot::{Judge, Supernet, Task};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use serde::Serialize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A comparison of a super-network's ranks with those of a table.
pub struct RankCheck<'a> {
    /// The table.
    pub table: &'a Table,
    /// Its task; the first without a name.
    pub task: Option<&'a str>,
    /// Networks to rank.
    pub cells: usize,
    /// Validation samples that they are judged on, at most.
    pub samples: usize,
    /// How long a super-network is trained: this, or as the configuration says.
    pub time: Option<Duration>,
    /// Data, space, method and recipe.
    pub config: &'a RunConfig,
}

/// What one super-network showed.
#[derive(Clone, Debug, Serialize)]
pub struct RankRun {
    /// Of all randomness of the training.
    pub seed: u64,
    /// Steps of the training.
    pub steps: u64,
    /// Passes over the training data that they are.
    pub epochs: f64,
    /// Seconds of the training.
    pub seconds: f64,
    /// Kendall's tau-b between inherited values and scores.
    pub kendall: f64,
    /// Spearman's rank correlation.
    pub spearman: f64,
    /// Kendall's tau-b with scores rounded to 0.1 % (s-KdT: Yu et al. 2020, section 3.3).
    pub sparse_kendall: f64,
    /// Mean inherited value: how far the super-network is, without a look at the table.
    pub mean_value: f64,
    /// Score of the network with the best inherited value.
    pub best_score: f64,
    /// Genotype, inherited value and score of each network.
    pub networks: Vec<(String, f64, f64)>,
}

/// What all super-networks showed.
#[derive(Clone, Debug, Serialize)]
pub struct RankReport {
    /// Name of the table.
    pub table: String,
    /// Its task.
    pub task: String,
    /// The one-shot method.
    pub method: String,
    /// The space.
    pub space: String,
    /// Each super-network.
    pub runs: Vec<RankRun>,
}

impl RankReport {
    /// The report as text for a terminal.
    pub fn text(&self) -> String {
        let Self { table, task, method, space, runs } = self;
        let networks = runs.first().map_or(0, |r| r.networks.len());
        let mut text = format!("{method} on {space}: {networks} networks of {table}, {task}\n");
        text += "  seed    steps  seconds  Kendall  Spearman   s-KdT  mean value  best score\n";
        for r in runs {
            text += &format!(
                "  {:4}  {:7}  {:7.0}  {:7.3}  {:8.3}  {:6.3}  {:10.4}  {:10.3}\n",
                r.seed,
                r.steps,
                r.seconds,
                r.kendall,
                r.spearman,
                r.sparse_kendall,
                r.mean_value,
                r.best_score
            );
        }
        let figure = |name: &str, f: fn(&RankRun) -> f64| {
            let values: Vec<f64> = runs.iter().map(f).collect();
            format!("{name} {:.3} (standard error {:.3})", mean(&values), standard_error(&values))
        };
        let figures = [
            figure("Kendall", |r| r.kendall),
            figure("Spearman", |r| r.spearman),
            figure("s-KdT", |r| r.sparse_kendall),
        ];
        text + &format!("  mean of {} seeds: {}\n", runs.len(), figures.join(", "))
    }
}

/// The space that a text names for a rank check: a preset or file, or `cell:width=8,cells=1,stride=1`, NAS-Bench-201's cells in this
/// skeleton.
///
/// # Errors
/// What part is wrong and what was expected.
pub fn rank_space(text: &str, context: &Context) -> Result<Space> {
    let Some(settings) = text.strip_prefix("cell:") else { return Ok(preset(text, context)?) };
    let mut skeleton = Skeleton { width: 8, cells: 1, stride: 1 };
    for setting in settings.split(',').filter(|s| !s.is_empty()) {
        let wrong = || anyhow!("--space: expected width, cells or stride = 1 to 256, got `{setting}`");
        let (name, value) = setting.split_once('=').ok_or_else(wrong)?;
        let value = value.parse().ok().filter(|v| (1..=256).contains(v)).ok_or_else(wrong)?;
        match name {
            "width" => skeleton.width = value,
            "cells" => skeleton.cells = value,
            "stride" => skeleton.stride = value,
            _ => return Err(wrong()),
        }
    }
    Ok(in_skeleton(context, skeleton)?)
}

impl RankCheck<'_> {
    /// Trains a super-network for each seed and ranks the same networks with each.
    ///
    /// # Errors
    /// A table whose genes are not those of the space, a training that fails or is interrupted.
    pub fn run(
        &self,
        seeds: std::ops::Range<u64>,
        stop: &StopFlag,
        observe: &mut dyn FnMut(String),
    ) -> Result<RankReport> {
        let supernet = self.config.supernet.as_ref().context("expected a one-shot strategy, such as spos")?;
        if self.config.ensemble != one_member() {
            bail!("ensemble: expected 1, as a table has single networks, got {}", self.config.ensemble);
        }
        let data = self.config.data.open(self.config.seed)?;
        let space = rank_space(&self.config.space, &context(&data))?;
        let networks = self.networks(&space)?;
        let engine = self.config.open_engine()?;
        let runs = seeds.map(|seed| {
            let task = Task { space: &space, data: &data, recipe: &self.config.recipe, seed };
            self.one(task, supernet, &networks, &engine, stop, observe)
        });
        Ok(RankReport {
            table: self.table.name().to_owned(),
            task: self.table_task()?.name.clone(),
            method: supernet.method.clone(),
            space: self.config.space.clone(),
            runs: runs.collect::<Result<_>>()?,
        })
    }

    fn table_task(&self) -> Result<&TableTask> {
        self.table.task(self.task)?; // with a good message if there is none
        let tasks = self.table.tasks();
        let found = self.task.map_or(tasks.first(), |name| tasks.iter().find(|t| t.name == name));
        found.context("the table has no task")
    }

    /// Random networks of the table, as genotypes of the space, with their scores.
    fn networks(&self, space: &Space) -> Result<Vec<(Genotype, f64)>> {
        let task = self.table_task()?;
        let last = task.valid.last().and_then(|signals| signals.runs.first());
        let column = task.test.as_ref().or(last).context("the task has no score")?;
        let scores = self.table.column(column)?;
        let rows = self.table.space()?;
        let paths: Vec<String> = space.genes().map(|g| g.path).collect();
        let mut rng = Rng::seed_from_u64(0); // the same networks for all methods and seeds
        let mut all: Vec<usize> = (0..self.table.rows()).filter(|&row| !scores[row].is_nan()).collect();
        let (chosen, _) = all.partial_shuffle(&mut rng, self.cells);
        let network = |row: usize| {
            let words = rows.values(&self.table.genotype(row))?;
            if words.len() != paths.len() {
                bail!(
                    "space `{}` has {} genes, the table {}: give a space with the genes of the table, such as --space cell:width=8",
                    space.name(),
                    paths.len(),
                    words.len()
                );
            }
            let pairs = paths.iter().cloned().zip(words.iter().map(|(_, word)| word.to_string()));
            Ok((space.with_values(pairs)?, f64::from(scores[row])))
        };
        chosen.iter().map(|&row| network(row)).collect()
    }

    fn one(
        &self,
        task: Task<'_>,
        config: &SupernetConfig,
        networks: &[(Genotype, f64)],
        engine: &Engine,
        stop: &StopFlag,
        observe: &mut dyn FnMut(String),
    ) -> Result<RankRun> {
        let mut supernet = Supernet::new(task, &config.settings, engine)?;
        let steps = match self.time {
            Some(time) => {
                (time.as_secs_f64() / supernet.measure_step(Duration::from_secs(3))?).max(1.0) as u64
            }
            None => supernet.steps_in(config.epochs),
        };
        config.check_memory(task, engine)?;
        let start = Instant::now();
        let mut told = 0;
        supernet.run(steps, stop, &mut |_, at| {
            let tenth = at.step * 10 / steps;
            if tenth > told {
                observe(format!("seed {}: step {} of {steps}, loss {:.4}", task.seed, at.step, at.loss));
                told = tenth;
            }
        })?;
        let seconds = start.elapsed().as_secs_f64();
        let values =
            self.judge(&supernet.judge_in(task.space, supernet.settings()), networks, task.data, engine)?;
        let scores: Vec<f64> = networks.iter().map(|n| n.1).collect();
        let pairs: Vec<(f64, f64)> = values.iter().copied().zip(scores.iter().copied()).collect();
        let best = pairs.iter().max_by(|a, b| a.0.total_cmp(&b.0)).map_or(f64::NAN, |p| p.1);
        let run = RankRun {
            seed: task.seed,
            steps,
            epochs: supernet.epochs_in(steps),
            seconds,
            kendall: kendall(&values, &scores),
            spearman: Score::of(&pairs).spearman,
            sparse_kendall: kendall(&values, &sparse(&scores)),
            mean_value: mean(&values),
            best_score: best,
            networks: networks.iter().zip(&values).map(|((g, s), v)| (g.to_string(), *v, *s)).collect(),
        };
        observe(format!("seed {}: Kendall {:.3}, mean value {:.4}", run.seed, run.kendall, run.mean_value));
        Ok(run)
    }

    /// Inherited values, in the order of the networks, on all threads of the engine.
    fn judge(
        &self,
        judge: &Judge<'_>,
        networks: &[(Genotype, f64)],
        data: &Dataset,
        engine: &Engine,
    ) -> Result<Vec<f64>> {
        let most = self.samples.min(data.len(Subset::Valid));
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<(usize, f64)>> {
            let mut own = Vec::new();
            while let Some((i, (genotype, _))) = {
                let i = next.fetch_add(1, Ordering::Relaxed);
                networks.get(i).map(|network| (i, network))
            } {
                own.push((i, judge.judge(genotype, most)?.value()));
            }
            Ok(own)
        };
        let mut values = vec![f64::NAN; networks.len()];
        std::thread::scope(|scope| -> Result<()> {
            let threads: Vec<_> = (0..engine.threads().max(1)).map(|_| scope.spawn(work)).collect();
            for thread in threads {
                let own = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                own.into_iter().for_each(|(i, value)| values[i] = value);
            }
            Ok(())
        })?;
        Ok(values)
    }
}

/// Scores rounded to 0.1 %; those above 1 are percent.
fn sparse(scores: &[f64]) -> Vec<f64> {
    let percent = scores.iter().any(|s| *s > 1.0);
    let steps = if percent { 10.0 } else { 1000.0 };
    scores.iter().map(|s| (s * steps).round() / steps).collect()
}
