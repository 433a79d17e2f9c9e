//! What a run does, with everything resolved.

use crate::request::STRATEGY;
use crate::{Length, RelaxedConfig, RunFolder, SupernetConfig, format_duration, parse_duration};
use anyhow::{Context, Result, anyhow, bail};
use nasmyth_data::{Dataset, OpenOptions, Subset, TaskKind};
use nasmyth_device::{Limits, Objectives};
use nasmyth_engine::{Backend, Engine};
use nasmyth_space::MOST_MEMBERS;
use nasmyth_study::Method;
use nasmyth_train::Recipe;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// Where the data is and how it is divided.
///
/// ```
/// use nasmyth::Request;
///
/// let data = Request::default().set("data.path", Some("builtin:mnist1d")).data()?;
/// assert_eq!((data.valid_fraction, data.test_fraction), (0.15, 0.2));
/// let dataset = data.open(0)?;
/// assert_eq!(dataset.task().outputs(), 10);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// File, folder or `builtin:NAME`.
    pub path: String,
    /// Column to predict, for tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `classification` or `regression`, if not as detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskKind>,
    /// Share of the rest to validate on.
    #[serde(default = "valid_fraction")]
    pub valid_fraction: f64,
    /// Share to test on, where the data has no test part of its own.
    #[serde(default = "test_fraction")]
    pub test_fraction: f64,
    /// Hash of the content. A run refuses to go on with other data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

fn valid_fraction() -> f64 {
    OpenOptions::default().valid_fraction
}

fn test_fraction() -> f64 {
    OpenOptions::default().test_fraction
}

impl DataConfig {
    /// Opens the data; `seed` divides it.
    pub fn open(&self, seed: u64) -> Result<Dataset> {
        for (name, share) in [("valid_fraction", self.valid_fraction), ("test_fraction", self.test_fraction)]
        {
            if !(0.0..1.0).contains(&share) {
                bail!("data.{name}: expected a share from 0 to below 1, got {share}");
            }
        }
        let options = OpenOptions {
            target: self.target.clone(),
            task: self.task,
            seed,
            valid_fraction: self.valid_fraction,
            test_fraction: self.test_fraction,
            ..OpenOptions::default()
        };
        let data = nasmyth_data::open(&self.path, &options)?;
        if data.is_empty(Subset::Train) || data.is_empty(Subset::Valid) || data.is_empty(Subset::Test) {
            let (train, valid, test) =
                (data.len(Subset::Train), data.len(Subset::Valid), data.len(Subset::Test));
            bail!(
                "{}: too few samples to train, validate and test ({train}, {valid} and {test}): give more data or other fractions",
                self.path
            );
        }
        match &self.fingerprint {
            Some(expected) if *expected != data.fingerprint() => {
                bail!(
                    "{} has changed since the run was created (fingerprint {}, expected {expected}): start a new run",
                    self.path,
                    data.fingerprint()
                )
            }
            _ => Ok(data),
        }
    }
}

/// When to stop searching.
///
/// ```
/// use nasmyth::BudgetConfig;
/// use std::time::Duration;
///
/// let budget = BudgetConfig { trials: Some(40), time: Some("10m".to_owned()) };
/// assert_eq!(budget.time()?, Some(Duration::from_secs(600)));
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetConfig {
    /// Trials; each rung of a network counts as one. 0, which a search without time for a trial records, trains a network
    /// that keeps the limits without a search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trials: Option<u64>,
    /// Time for everything, the final training included, such as `10m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

impl BudgetConfig {
    /// The time, read.
    pub fn time(&self) -> Result<Option<Duration>> {
        self.time.as_deref().map(parse_duration).transpose().map_err(|e| anyhow!("budget.time: {e}"))
    }
}

/// How the search goes about it.
///
/// ```
/// use nasmyth::Request;
///
/// let request = Request::parse("search = { epochs = 9.0 }\ndata = { path = 'builtin:mnist1d' }")?;
/// let config = request.resolve(&request.data()?.open(0)?)?;
/// assert_eq!((config.search.epochs, config.search.window), (9.0, 8));
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// Trial `i` is asked for when all trials up to `i - window` are done.
    pub window: u64,
    /// Epochs of the highest rung.
    pub epochs: f64,
    /// Epochs of the final training.
    pub final_epochs: f64,
    /// Epochs after which the final training stops, if not at its end: where its time was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_stop: Option<f64>,
    /// Learning rate of the final training, if not the recipe's: what it took to converge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_learning_rate: Option<f64>,
    /// The same for each network of a front.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub front: Vec<FinalLength>,
    /// What the time allows to train to the end; beyond the user's own limits.
    #[serde(default)]
    pub trainable: Limits,
    /// Folder with models of the devices that limits name, in place of measuring again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<PathBuf>,
}

/// How long a network is trained in the end.
///
/// ```
/// use nasmyth::FinalLength;
///
/// let length: FinalLength = toml::from_str("network = 'd1f8'\nepochs = 40.0\nstop = 31.5")?;
/// assert_eq!((length.epochs, length.stop, length.learning_rate), (40.0, Some(31.5), None));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinalLength {
    /// Canonical hash of its architecture.
    pub network: String,
    /// Epochs.
    pub epochs: f64,
    /// Epochs after which the training stops, if not at its end: where its time was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<f64>,
    /// Learning rate, if not the recipe's: what it took to converge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
}

impl FinalLength {
    /// Without a clock.
    pub fn length(&self) -> Length {
        self.stop.map_or(Length::Epochs(self.epochs), |stop| Length::Cut(self.epochs, stop))
    }
}

impl SearchConfig {
    /// Final training of the network with this hash.
    pub fn length_of(&self, network: &str) -> FinalLength {
        let its = self.front.iter().find(|length| length.network == network).cloned();
        its.unwrap_or_else(|| FinalLength {
            network: network.to_owned(),
            epochs: self.final_epochs,
            stop: self.final_stop,
            learning_rate: self.final_learning_rate,
        })
    }
}

/// A program that estimates in place of training.
///
/// ```
/// use nasmyth::Request;
///
/// let request = Request::parse(
///     r#"
///     data = { path = "builtin:mnist1d" }
///     estimator = { command = "python train.py", timeout = "5m" }
///     "#,
/// )?;
/// let config = request.resolve(&request.data()?.open(0)?)?;
/// assert_eq!(config.estimator.map(|e| e.command).as_deref(), Some("python train.py"));
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EstimatorConfig {
    /// Program and arguments.
    pub command: String,
    /// Longest time of one trial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
}

/// Everything that determines a run. Running it again repeats the run.
///
/// ```
/// use nasmyth::{Request, RunConfig};
///
/// let request = Request::default().set("data.path", Some("builtin:mnist1d")).set("seed", Some(7));
/// let config = request.resolve(&request.data()?.open(7)?)?;
/// assert_eq!(RunConfig::parse(&config.to_toml()?)?, config);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Of all randomness.
    pub seed: u64,
    /// Where networks are trained; never `auto`.
    #[serde(default = "cpu")]
    pub engine: Backend,
    /// Trials at the same time. No influence on the result.
    pub workers: usize,
    /// Preset, `auto`, or path of a TOML file.
    pub space: String,
    /// Networks of the space that share their first layers and average their outputs, as one network; 1 is the network itself.
    #[serde(default = "one_member", skip_serializing_if = "is_one_member")]
    pub ensemble: usize,
    /// What every network must keep, such as `params<=100k`.
    pub limits: Limits,
    /// What is to be good: `accuracy`, or a front of `accuracy,params`.
    #[serde(default)]
    pub objectives: Objectives,
    /// What to learn from.
    pub data: DataConfig,
    /// When to stop.
    pub budget: BudgetConfig,
    /// How to search.
    pub search: SearchConfig,
    /// What to try next.
    pub strategy: Method,
    /// Who gets how much effort.
    pub scheduler: Method,
    /// A super-network whose weights networks inherit, in place of training each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supernet: Option<SupernetConfig>,
    /// A differentiable search whose distribution the trials come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relaxed: Option<RelaxedConfig>,
    /// A program that estimates in place of training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimator: Option<EstimatorConfig>,
    /// Folder in which runs share their estimates. No influence on the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<PathBuf>,
    /// How to train.
    pub recipe: Recipe,
}

fn cpu() -> Backend {
    Backend::Cpu
}

pub(crate) fn one_member() -> usize {
    1
}

fn is_one_member(members: &usize) -> bool {
    *members == one_member()
}

impl RunConfig {
    /// As TOML.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string(self)?)
    }

    /// From TOML that says everything.
    ///
    /// # Errors
    /// Text that is damaged, or of another version.
    pub fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).context("the configuration of this run is damaged, or of another version")
    }

    /// From a run's `config.toml`.
    ///
    /// # Errors
    /// A file that is missing, damaged, or of another version.
    pub fn read(folder: &RunFolder) -> Result<Self> {
        let path = folder.config();
        Self::parse(&RunFolder::read(&path)?).with_context(|| path.display().to_string())
    }

    /// Opens where networks are trained, with a thread for each worker.
    ///
    /// # Errors
    /// An engine that this build or this machine does not have.
    pub fn open_engine(&self) -> Result<Engine> {
        Ok(Engine::open(self.engine, self.workers)?)
    }

    /// What proposes networks, as the user named it.
    pub fn strategy_name(&self) -> &str {
        self.relaxed.as_ref().map_or(&self.strategy.name, |relaxed| &relaxed.method)
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.workers == 0 || self.workers > 1024 {
            bail!("workers: expected 1 to 1024, got {}", self.workers);
        }
        if !(1..=MOST_MEMBERS).contains(&self.ensemble) {
            bail!("ensemble: expected 1 to {MOST_MEMBERS} members, got {}", self.ensemble);
        }
        let search = &self.search;
        let positive = [
            ("epochs", Some(search.epochs)),
            ("final_epochs", Some(search.final_epochs)),
            ("final_stop", search.final_stop),
            ("final_learning_rate", search.final_learning_rate),
        ];
        for (name, value) in positive.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            if !(value.is_finite() && value > 0.0) {
                bail!("search.{name}: expected a number above 0, got {value}");
            }
        }
        let time = self.budget.time()?;
        if let Some(time) = time.filter(|t| *t < MIN_TIME) {
            bail!("time: expected at least {}, got {}", format_duration(MIN_TIME), format_duration(time));
        }
        if let Some(timeout) = self.estimator.as_ref().and_then(|e| e.timeout.as_deref()) {
            parse_duration(timeout).map_err(|e| anyhow!("estimator.timeout: {e}"))?;
        }
        if let Some(supernet) = &self.supernet {
            supernet.check(&self.scheduler.name, self.estimator.is_some())?;
        }
        if let Some(relaxed) = &self.relaxed {
            relaxed.check()?;
            if self.supernet.is_some() {
                bail!("[supernet] and [relaxed]: expected one of them, got both");
            }
            if self.strategy.name != STRATEGY {
                bail!(
                    "strategy: expected none beside [relaxed], which proposes networks itself, got {}",
                    self.strategy.name
                );
            }
            if !self.objectives.single() {
                bail!(
                    "{}: expected one objective; for several use limits, or the strategy nsga2",
                    relaxed.method
                );
            }
        }
        self.recipe.problem().map_or(Ok(()), |p| Err(anyhow!(p)))
    }
}

/// Less than this leaves no time to train anything.
const MIN_TIME: Duration = Duration::from_secs(5);
