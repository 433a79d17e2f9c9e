//! What the time of a run is spent on.

use super::WRAP_UP;
use super::site::Site;
use crate::effort::Speed;
use crate::finalists::FRONT;
use crate::relaxed::Given;
use crate::{Effort, Request, RunConfig};
use anyhow::Result;
use nasmyth_data::{Dataset, Subset};
use nasmyth_device::Limits;
use nasmyth_graph::VerifiedGraph;
use nasmyth_space::Genotype;
use nasmyth_study::feasibility;
use nasmyth_train::Trainer;
use std::time::Duration;

impl Site {
    /// With a time budget, measures the machine and sets the efforts that the request leaves open. Returns the time for searching.
    pub fn plan_effort(&mut self, request: &Request) -> Result<Option<Duration>> {
        let Some(time) = self.config.budget.time()? else { return Ok(None) };
        let Self { config, data, space, engine, .. } = &*self;
        let lowered = |g: &Genotype| -> Result<VerifiedGraph> { Ok(space.lower(g)?.verify()?) };
        let default = lowered(&space.default_genotype())?;
        let feasible = config.limits.check(&default, self.fleet.meter()).is_empty();
        let graph = if feasible { default } else { lowered(&self.fallback)? };
        let engine = engine.single_threaded();
        let mut trainer = Trainer::new(&graph, data, Subset::Train, &config.recipe, config.seed, &engine)?;
        let samples = data.len(Subset::Train);
        let speed = Speed::of(&mut trainer, &graph, samples)?;
        let networks = networks(config) as usize;
        let effort = Effort::by_time(time, config.workers, networks, samples, config.recipe.batch, speed);
        let search = &mut self.config.search;
        if !request.gives("search", "epochs") {
            search.epochs = effort.search_epochs;
        }
        if !request.gives("search", "final_epochs") {
            search.final_epochs = effort.final_epochs;
        }
        if !request.gives("search", "trainable") {
            search.trainable = effort.trainable;
        }
        let search_time = effort.search_time.unwrap_or(time).saturating_sub(WRAP_UP);
        let left = self.plan_supernet(request, search_time)?;
        if self.config.relaxed.is_some() && !request.gives("search", "epochs") {
            let RunConfig { workers, recipe, .. } = &self.config;
            self.config.search.epochs = Effort::of_favourites(left, *workers, samples, recipe.batch, speed);
        }
        Ok(Some(left))
    }

    /// Sets the length of a super-network's training, if there is one; the time that is left for the trials.
    fn plan_supernet(&mut self, request: &Request, search_time: Duration) -> Result<Duration> {
        if let Some(mut relaxed) = self.config.relaxed.take() {
            let gives = |key: &str| request.says(&["relaxed", "budget", key]);
            let given = Given { samples: gives("samples"), judged: gives("judged") };
            let left = self.relaxed_task().and_then(|task| relaxed.plan(task, Some(search_time), given));
            self.config.relaxed = Some(relaxed);
            return Ok(left?.unwrap_or(search_time));
        }
        let Some(mut supernet) = self.config.supernet.take() else { return Ok(search_time) };
        let fixed = request.gives("supernet", "epochs");
        let left = supernet.plan(self.one_shot_task(), &self.engine, search_time, fixed);
        self.config.supernet = Some(supernet);
        left
    }

    /// The user's limits, and what the time allows to train unless no network keeps that too.
    pub fn affordable(&self) -> Limits {
        let Self { config, space, fleet, .. } = self;
        let limits = Limits([config.limits.0.clone(), config.search.trainable.0.clone()].concat());
        if feasibility(space, &limits, fleet.meter()).is_ok() { limits } else { config.limits.clone() }
    }
}

/// Networks that are trained to the end, at most.
pub fn networks(config: &RunConfig) -> u32 {
    if config.objectives.single() { 1 } else { FRONT as u32 }
}

/// Where even much time is better spent on searching than on training longer.
pub fn most_final_epochs(data: &Dataset, config: &RunConfig) -> f64 {
    let speed = Speed { seconds_per_sample: 1e-9, macs: 1, activations: 1 };
    Effort::by_time(Duration::from_secs(3600), 1, 1, data.len(Subset::Train), config.recipe.batch, speed)
        .final_epochs
}
