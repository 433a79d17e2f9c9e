//! What a run has to do with before its search begins: folder, data, space, machine.

use super::context;
use super::effort::networks;
use crate::fleet::Fleet;
use crate::relaxed::{Given, RelaxedTask};
use crate::{Infeasible, RunConfig, RunFolder};
use anyhow::{Context as _, Result, bail};
use nasmyth_data::Dataset;
use nasmyth_engine::Engine;
use nasmyth_space::{Genotype, Space, preset};
use nasmyth_study::{Budget, Provenance, RunLock, STORE_FILE, Study, StudyConfig, feasibility};
use nasmyth_supernet::one_shot::Task as OneShotTask;
use nasmyth_supernet::relaxed::MergedSpace;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// All that a search is about.
pub(super) struct Site {
    pub folder: RunFolder,
    pub config: RunConfig,
    pub data: Dataset,
    pub space: Space,
    /// As one super-network, once it is asked for: that takes seconds where there are many genes.
    pub merged: OnceLock<MergedSpace<'static>>,
    pub engine: Engine,
    pub fleet: Fleet,
    /// A network that keeps the limits, in case that no trial ends.
    pub fallback: Genotype,
    /// When this process began with it.
    pub started: Instant,
    pub notes: Vec<String>,
}

impl Site {
    /// Opens space, engine and, with `fleet`, the devices.
    pub fn open(
        folder: RunFolder,
        config: RunConfig,
        data: Dataset,
        started: Instant,
        fleet: impl FnOnce(&RunConfig, &Space, &RunFolder, &mut dyn FnMut(String)) -> Result<Fleet>,
    ) -> Result<Self> {
        let space = space_for(&config, &data)?;
        let mut notes: Vec<String> = data.notes().iter().map(|note| format!("note      {note}")).collect();
        let fleet = fleet(&config, &space, &folder, &mut |text| notes.push(text))?;
        let fallback =
            feasibility(&space, &config.limits, fleet.meter()).map_err(|e| Infeasible(e.to_string()))?;
        let engine = config.open_engine()?;
        Ok(Self {
            folder,
            config,
            data,
            space,
            merged: OnceLock::new(),
            engine,
            fleet,
            fallback,
            started,
            notes,
        })
    }

    /// The study of this run, with so much time for it and what came before it.
    pub fn study_config(&self, search_time: Option<Duration>) -> StudyConfig {
        let config = &self.config;
        let before = self.started.elapsed() + self.fleet.measuring(networks(config));
        StudyConfig {
            seed: config.seed,
            budget: Budget {
                trials: config.budget.trials,
                time: search_time.map(|time| time.saturating_sub(before)),
            },
            workers: config.workers,
            window: config.search.window,
            strategy: config.strategy.clone(),
            scheduler: config.scheduler.clone(),
            epochs: config.search.epochs,
            limits: self.affordable(),
            objectives: config.objectives.clone(),
            provenance: Provenance {
                versions: BTreeMap::from([("nasmyth".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
                data: config.data.fingerprint.clone(),
                extra: serde_json::Value::Null,
            },
        }
    }

    /// What a super-network of the run is trained for.
    pub fn one_shot_task(&self) -> OneShotTask<'_> {
        let Self { config, data, space, .. } = self;
        OneShotTask { space, data, recipe: &config.recipe, seed: config.seed }
    }

    /// What a differentiable search of the run is for.
    pub fn relaxed_task(&self) -> Result<RelaxedTask<'_>> {
        let Self { config, data, engine, fleet, .. } = self;
        let space = match self.merged.get() {
            Some(merged) => merged,
            None => {
                let merged = MergedSpace::new(&self.space)?;
                self.merged.get_or_init(|| merged)
            }
        };
        let (limits, meter) = (&config.limits, fleet.meter());
        Ok(RelaxedTask { space, data, engine, limits, meter, seed: config.seed })
    }

    /// Refuses a super-network that does not fit into memory, or cannot be made.
    pub fn check_memory(&self) -> Result<()> {
        if let Some(relaxed) = self.config.relaxed.as_ref().filter(|_| self.config.budget.time.is_none()) {
            let given = Given { samples: true, judged: true };
            relaxed.clone().plan(self.relaxed_task()?, None, given)?;
        }
        match &self.config.supernet {
            Some(supernet) => Ok(supernet.check_memory(self.one_shot_task(), &self.engine)?),
            None => Ok(()),
        }
    }

    /// Begins the folder: from here on the run can be taken up.
    pub fn write(&self) -> Result<()> {
        let Self { folder, config, data, .. } = self;
        RunFolder::write(&folder.schema(), &serde_json::to_vec_pretty(data.schema())?)?;
        RunFolder::write(&folder.split(), &serde_json::to_vec_pretty(data.split())?)?;
        RunFolder::write(&folder.config(), config.to_toml()?.as_bytes())
    }
}

/// Looks for options that do nothing, if a super-network's configuration says so; what to leave out is in the configuration then. What was
/// found, in words.
pub(super) fn check_operators(config: &mut RunConfig, data: &Dataset) -> Result<Vec<String>> {
    let space = space_for(config, data)?;
    let Some(mut supernet) = config.supernet.take() else { return Ok(Vec::new()) };
    let task = OneShotTask { space: &space, data, recipe: &config.recipe, seed: config.seed };
    let found = supernet.check_operators(task, &config.open_engine()?);
    config.supernet = Some(supernet);
    found
}

/// The preset, the published family or the user's file, or ensembles of its networks, without what a super-network's configuration leaves out.
fn space_for(config: &RunConfig, data: &Dataset) -> Result<Space> {
    let space = match config.space.strip_prefix("zoo:") {
        Some(family) => Ok(nasmyth_zoo::space(family, &context(data))?),
        None => preset(&config.space, &context(data)),
    };
    let space = match config.space.ends_with(".toml") {
        true => space.with_context(|| config.space.clone())?,
        false => space?,
    };
    let space = space.ensemble(config.ensemble)?;
    match &config.supernet {
        Some(supernet) => space.without(&supernet.left_out).context("supernet.left_out"),
        None => Ok(space),
    }
}

/// Refuses a folder that cannot take a run. What a run leaves that was killed before its first trial is cleared away.
pub(super) fn vacant(folder: &RunFolder) -> Result<()> {
    let path = folder.path().display();
    if folder.path().exists() && !folder.path().is_dir() {
        bail!("{path} is a file: give another `--out`, a folder");
    }
    if folder.config().exists() {
        bail!("{path} holds a run already: go on with `nasmyth resume {path}`, or give another `--out`");
    }
    if Study::load(folder.path()).is_ok_and(|state| state.trials().is_empty()) {
        let _lock = RunLock::take(folder.path())?;
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("{STORE_FILE}{ending}")));
        }
    }
    Ok(())
}

/// Refuses a folder in which no run has begun.
pub(super) fn begun(folder: &RunFolder) -> Result<()> {
    let path = folder.path().display();
    if folder.config().exists() {
        return Ok(());
    }
    match folder.path().join(STORE_FILE).exists() {
        true => {
            bail!("the run in {path} was killed before it began: give its `nasmyth search` command again")
        }
        false => bail!("{path} holds no run (there is no `config.toml` in it): check the path"),
    }
}
