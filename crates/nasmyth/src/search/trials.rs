//! The trials of a search: what estimates them, and the study that runs them.

use super::Search;
use crate::relaxed::Relaxing;
use crate::supernet::Training;
use crate::{Notice, Observer, RunConfig, parse_duration};
use anyhow::{Context as _, Result, anyhow};
use nasmyth_device::Limits;
use nasmyth_estimator::{Cached, Estimator, External, StopFlag};
use nasmyth_graph::VerifiedGraph;
use nasmyth_strategy::{BeginWith, scheduler_named};
use nasmyth_study::{Event, Methods, StopReason, StudyConfig};
use nasmyth_supernet::one_shot::{InheritedEstimator, Supernet};
use nasmyth_train::TrainingEstimator;
use std::path::Path;
use std::time::Instant;

/// Estimates in a folder that runs share.
const CACHE_FILE: &str = "estimates.jsonl";

/// Networks of a controller's policy that the search with inherited weights begins with.
const FAVOURITES: usize = 16;

impl Search {
    /// Searches, unless an earlier process has finished with that.
    pub(super) fn search(&mut self, observer: &mut dyn Observer, stop: &StopFlag) -> Result<StopReason> {
        if let Some(reason) = self.study.state().stopped.filter(|r| *r != StopReason::Interrupted) {
            return Ok(reason);
        }
        std::fs::create_dir_all(self.site.folder.checkpoints())
            .with_context(|| format!("cannot write into {}", self.site.folder.path().display()))?;
        let ladder = scheduler_named(&self.site.config.scheduler.name)?
            .make(&self.site.config.scheduler.settings, self.site.config.search.epochs)?
            .ladder();
        let ladder: Vec<f64> = ladder.iter().map(|f| f.epochs).collect();
        let context = self.estimate_context(&ladder)?;
        let limits = self.study.state().config.limits.clone();
        let meter = self.site.fleet.meter().clone();
        let admit = |graph: &VerifiedGraph| limits.check(graph, &meter).is_empty();
        let load = |graph: &VerifiedGraph| limits.load(graph, &meter);
        if let Some(config) = self.site.config.relaxed.as_ref().filter(|_| self.relaxed.is_none()) {
            let (task, folder) = (self.site.relaxed_task()?, &self.site.folder);
            let relaxing = Relaxing { config, task, folder, context: self.relaxed_context()? };
            let Some((outcome, before)) = relaxing.run(observer, stop)? else {
                return Ok(StopReason::Interrupted);
            };
            (self.relaxed, self.supernet_before) = (Some(outcome), before);
        }
        let supernet: Option<Supernet> = match &self.site.config.supernet {
            None => None,
            Some(config) => {
                let task = self.site.one_shot_task();
                let context = self.supernet_context(&limits)?;
                let (engine, folder) = (&self.site.engine, &self.site.folder);
                let training = Training { config, task, engine, folder, context };
                let Some((supernet, before)) = training.run(&admit, &load, observer, stop)? else {
                    return Ok(StopReason::Interrupted);
                };
                self.supernet_before = before;
                self.study.narrow(supernet.left_out())?;
                Some(supernet)
            }
        };
        let estimator: Box<dyn Estimator + '_> = match (&self.site.config.estimator, &supernet) {
            (_, Some(supernet)) => Box::new(InheritedEstimator { judge: supernet.judge() }),
            (Some(external), None) => Box::new(self.external(external)?),
            (None, None) => Box::new(TrainingEstimator {
                data: &self.site.data,
                recipe: self.site.config.recipe.clone(),
                engine: self.site.engine.clone(),
                ladder,
                checkpoints: self.site.folder.checkpoints(),
            }),
        };
        let cached = match &self.site.config.cache {
            Some(folder) => {
                let path = folder.join(CACHE_FILE);
                let cached = Cached::open(&path, &context, &*estimator);
                Some(
                    cached
                        .with_context(|| format!("the cache {}: cannot read or write it", path.display()))?,
                )
            }
            None => None,
        };
        let estimator = cached.as_ref().map_or(&*estimator, |cached| cached as &dyn Estimator);
        let budget = self.study.state().config.budget;
        let (begun, before) = (Instant::now(), self.study.state().elapsed_ms);
        let mut asked = self.study.state().trials().len() as u64;
        let mut observe = |event: &Event| {
            asked += u64::from(matches!(event, Event::Asked { .. }));
            observer.notice(&Notice::Search { event });
            let by_trials = budget.trials.map_or(0.0, |t| asked as f64 / t as f64);
            let elapsed = begun.elapsed().as_secs_f64() + before as f64 / 1e3;
            let by_time = budget.time.map_or(0.0, |t| elapsed / t.as_secs_f64());
            observer.notice(&Notice::SearchProgress { share: by_trials.max(by_time).min(1.0) });
        };
        let mut methods = match &self.relaxed {
            None => self.study.methods()?,
            Some(outcome) => {
                let StudyConfig { scheduler, epochs, .. } = &self.study.state().config;
                let scheduler = scheduler_named(&scheduler.name)?.make(&scheduler.settings, *epochs)?;
                Methods { strategy: Box::new(outcome.strategy()), scheduler }
            }
        };
        if let Some(supernet) = &supernet {
            methods.strategy = Box::new(BeginWith::new(supernet.favourites(FAVOURITES), methods.strategy));
        }
        Ok(self.study.run_with(methods, estimator, &mut observe, stop)?)
    }

    /// What an estimate depends on, beside the network, its effort and its seed.
    fn estimate_context(&self, ladder: &[f64]) -> Result<String> {
        let RunConfig { data, recipe, supernet, estimator, engine, seed, .. } = &self.site.config;
        let limits = supernet.is_some().then(|| &self.study.state().config.limits);
        let supernet = supernet.as_ref().map(|s| (s, self.space_context(), limits));
        let version = env!("CARGO_PKG_VERSION");
        let data =
            (data.fingerprint.as_deref(), data.valid_fraction, data.test_fraction, &data.target, data.task);
        Ok(serde_json::to_string(&(version, data, recipe, supernet, estimator, engine, seed, ladder))?)
    }

    /// Which space it is.
    fn space_context(&self) -> (&str, usize) {
        let RunConfig { space, ensemble, .. } = &self.site.config;
        (space, *ensemble)
    }

    /// What the weights of the super-network are a function of, beside recipe, settings and seed.
    fn supernet_context(&self, limits: &Limits) -> Result<String> {
        let RunConfig { data, supernet, engine, .. } = &self.site.config;
        let space = self.space_context();
        let data = (data.fingerprint.as_deref(), data.valid_fraction, data.test_fraction, &data.target);
        Ok(serde_json::to_string(&(env!("CARGO_PKG_VERSION"), data, space, supernet, engine, limits))?)
    }

    /// What a differentiable search is a function of, beside its configuration and the seed.
    fn relaxed_context(&self) -> Result<String> {
        let RunConfig { data, engine, limits, .. } = &self.site.config;
        let space = self.space_context();
        let data = (data.fingerprint.as_deref(), data.valid_fraction, data.test_fraction, &data.target);
        Ok(serde_json::to_string(&(env!("CARGO_PKG_VERSION"), data, space, engine, limits))?)
    }

    fn external(&self, config: &crate::EstimatorConfig) -> Result<External> {
        let external = External::new(&config.command)?.found()?.data(&self.site.config.data.path);
        let statistics = self.site.data.statistics().clone();
        let write = move |graph: &VerifiedGraph, seed: u64, path: &Path| {
            let params = nasmyth_train::initial_params(graph, &statistics, seed);
            let bytes = nasmyth_export::to_onnx(graph, &params, &[]).map_err(|e| e.to_string())?;
            std::fs::write(path, bytes).map_err(|e| e.to_string())
        };
        let external = external.onnx(self.site.folder.checkpoints(), Box::new(write));
        Ok(match config.timeout.as_deref().map(parse_duration).transpose().map_err(|e| anyhow!(e))? {
            Some(timeout) => external.timeout(timeout),
            None => external,
        })
    }
}
