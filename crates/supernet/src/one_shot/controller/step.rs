//! A step of a super-network that a controller samples.

use super::{Controller, ControllerPlan, World};
use crate::Gradients;
use crate::bank::Step;
use crate::one_shot::sampling::numbered;
use crate::one_shot::{OneShotError, Supernet, Task};
use nasmyth_data::{Augment, Subset, Task as DataTask};
use nasmyth_graph::VerifiedGraph;
use nasmyth_space::{Genotype, Space};
use nasmyth_train::{Evaluation, Feed, Recipe, set_statistics};
use std::ops::Range;

/// The largest cost of a network in units of its limit: at most 1 for networks that keep all limits.
pub type Load<'a> = &'a (dyn Fn(&VerifiedGraph) -> f64 + Sync);

/// A controller and what it learns from.
pub(crate) struct Controlled<'a> {
    pub controller: Controller,
    /// Of the hard limits, if there are any.
    pub load: Option<Load<'a>>,
    /// Validation batches.
    feed: Feed<'a>,
}

impl<'a> Controlled<'a> {
    pub fn new(plan: &ControllerPlan, task: &Task<'a>, parts: &[Range<usize>]) -> Self {
        let feed = Feed::new(task.data, Subset::Valid, parts, &Augment::default(), task.seed);
        Self { controller: Controller::new(plan, task.space), feed, load: None }
    }
}

/// The load of a genotype's network: 0 without limits, infinite where there is no network.
fn load_of(load: Option<Load<'_>>, space: &Space, genotype: &Genotype) -> f64 {
    let Some(load) = load else { return 0.0 };
    let graph = space.lower(genotype).ok().and_then(|graph| graph.verify().ok());
    graph.map_or(f64::INFINITY, |graph| load(&graph))
}

impl<'a> Supernet<'a> {
    /// The same, with hard limits that its controller knows, if it has one.
    pub fn bounded(mut self, load: Load<'a>) -> Self {
        if let Some(controlled) = &mut self.controlled {
            controlled.load = Some(load);
        }
        self
    }

    /// One update of the weights on the network, and with the recipe, that the controller draws with the random numbers of `update`; then
    /// one of the controller at the learning rate `learning`, unless that is 0. The controller's reward is the quality on a validation
    /// batch, normalised by the batch's statistics: at the shared weights or, if the recipe is a choice, after the update.
    pub(in crate::one_shot) fn controlled_update(
        &mut self,
        update: u64,
        rate: f64,
        learning: f64,
    ) -> Result<f32, OneShotError> {
        let Some(mut controlled) = self.controlled.take() else { return Ok(f32::NAN) };
        let loss = self.update_by(&mut controlled, update, rate, learning);
        self.controlled = Some(controlled);
        loss
    }

    fn update_by(
        &mut self,
        controlled: &mut Controlled<'_>,
        update: u64,
        rate: f64,
        learning: f64,
    ) -> Result<f32, OneShotError> {
        let Controlled { controller, load, feed } = controlled;
        let mut rng = numbered(self.task.seed, update);
        let space = self.task.space;
        let load = |genotype: &Genotype| load_of(*load, space, genotype);
        let world = World { space, load: &load };
        let drawn = controller.draw(&world, &mut rng)?;
        let [rate_factor, decay_factor] = controller.factors(&drawn, space);
        let Recipe { weight_decay, clip, .. } = self.recipe;
        let step = Step { rate: rate * rate_factor, weight_decay: weight_decay * decay_factor, clip };
        let mut gradients = std::mem::take(&mut self.gradients);
        gradients.clear();
        let loss = self.accumulate(&drawn.genotype, update, true, &mut gradients)?;
        if loss.is_finite() {
            if learning > 0.0 {
                let after = controller.chooses_recipe().then_some((&gradients, step));
                let quality = self.quality(&drawn.genotype, after, feed, update)?;
                controller.learn(&world, &drawn, quality, learning, &mut rng);
            }
            self.bank.update(&gradients, step);
        }
        self.gradients = gradients;
        Ok(loss)
    }

    /// Quality of a sub-network on a batch, normalised by the batch's statistics: at the shared weights, or at temporary ones that are a
    /// step away from them.
    fn quality(
        &mut self,
        genotype: &Genotype,
        after: Option<(&Gradients, Step)>,
        feed: &mut Feed<'_>,
        batch: u64,
    ) -> Result<f64, OneShotError> {
        let network = self.compiled(genotype)?;
        let data = self.task.data;
        let mut params = match after {
            Some((gradients, step)) => self.bank.stepped(&network.slots, &network.layout, gradients, step),
            None => self.bank.gather(&network.slots, &network.layout),
        };
        set_statistics(&mut params, &network.graph, data.statistics());
        let (_, _, memory) = self.runner.pass(&network.program, &params, feed, batch);
        let labels = labels(data.task(), network.program.sample(memory).1);
        Ok(Evaluation::new(data.task(), network.program.output(memory), &labels).value())
    }

    /// The networks that the controller holds most likely, at most `most`; none without a controller.
    pub fn favourites(&self, most: usize) -> Vec<Genotype> {
        let Some(Controlled { controller, load, .. }) = &self.controlled else { return Vec::new() };
        let space = self.task.space;
        let load = |genotype: &Genotype| load_of(*load, space, genotype);
        let mut rng = numbered(self.task.seed, u64::MAX);
        controller.favourites(&World { space, load: &load }, most, &mut rng)
    }

    /// The recipe that the controller holds most likely, if the recipe is a choice.
    pub fn favourite_recipe(&self) -> Option<Recipe> {
        let controller = &self.controlled.as_ref()?.controller;
        let mut rng = numbered(self.task.seed, u64::MAX);
        let [rate, decay] = controller.favourite_factors(self.task.space, &mut rng);
        let recipe = self.task.recipe;
        let (learning_rate, weight_decay) = (recipe.learning_rate * rate, recipe.weight_decay * decay);
        controller.chooses_recipe().then(|| Recipe { learning_rate, weight_decay, ..recipe.clone() })
    }
}

/// The labels of targets: classes of one-hot rows, numbers of a regression.
fn labels(task: &DataTask, targets: &[f32]) -> Vec<f32> {
    let DataTask::Classification { classes } = task else { return targets.to_vec() };
    let class = |row: &[f32]| (0..row.len()).fold(0, |best, c| if row[c] > row[best] { c } else { best });
    targets.chunks_exact(classes.len()).map(|row| class(row) as f32).collect()
}
