//! What a run is asked to do, with gaps that are filled with what suits the data.

use crate::config::{BudgetConfig, DataConfig, RunConfig, SearchConfig, one_member};
use crate::{Effort, RelaxedConfig, SupernetConfig};
use anyhow::{Context, Result, bail};
use nasmyth_data::{Dataset, Subset};
use nasmyth_device::{Limits, Objectives};
use nasmyth_engine::Backend;
use nasmyth_study::Method;
use nasmyth_train::Recipe;
use toml::{Table, Value};

/// The strategy that is wanted where none is named.
const AUTO: &str = "auto";

/// What that is: it came to better networks of Fashion-MNIST than one-shot and differentiable search (`docs/supernets.md`).
pub(crate) const STRATEGY: &str = "regularized-evolution";

/// A configuration with gaps: from the command line, a file, or both.
///
/// ```
/// use nasmyth::Request;
///
/// let request = Request::parse("strategy = 'random'\ndata = { path = 'digits.csv' }")?
///     .set("data.path", Some("builtin:mnist1d"))
///     .set("limits", Some("params<=20k"))
///     .set("budget.trials", Some(24));
/// let data = request.data()?.open(request.seed()?)?;
/// let config = request.resolve(&data)?;
/// assert_eq!(config.strategy.name, "random");
/// assert_eq!(config.limits.to_string(), "params<=20k");
/// let config = request.set("strategy.name", Some("auto")).resolve(&data)?;
/// assert_eq!(config.strategy.name, "regularized-evolution");
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request(Table);

impl Request {
    /// Reads TOML with any part of a [`RunConfig`].
    ///
    /// # Errors
    /// Where the text is no TOML.
    pub fn parse(text: &str) -> Result<Self> {
        let mut table: Table = text.parse().context("the configuration is not valid TOML")?;
        for key in ["data", "budget", "search", "supernet", "relaxed", "recipe"] {
            if let Some(value) = table.get(key).filter(|value| !value.is_table()) {
                bail!("{key}: expected a section `[{key}]`, got {value}");
            }
        }
        for key in ["strategy", "scheduler", "estimator"] {
            if let Some(value) = table.get(key).filter(|value| !value.is_table() && !value.is_str()) {
                bail!("{key}: expected a text or a section `[{key}]`, got {value}");
            }
        }
        // `strategy = "random"` is short for a table with that name.
        for key in ["strategy", "scheduler"] {
            if let Some(Value::String(name)) = table.get(key).cloned() {
                table.insert(
                    key.to_owned(),
                    Value::Table(Table::from_iter([("name".to_owned(), Value::String(name))])),
                );
            }
        }
        if let Some(Value::String(command)) = table.get("estimator").cloned() {
            let estimator = Table::from_iter([("command".to_owned(), Value::String(command))]);
            table.insert("estimator".to_owned(), Value::Table(estimator));
        }
        Ok(Self(table))
    }

    /// Sets the value at a dotted path; `None` leaves it.
    pub fn set(mut self, path: &str, value: Option<impl Into<Value>>) -> Self {
        let Some(value) = value else { return self };
        let mut keys: Vec<&str> = path.split('.').collect();
        let last = keys.pop().unwrap_or(path);
        let mut table = &mut self.0;
        for key in keys {
            let entry = table.entry(key).or_insert_with(|| Value::Table(Table::new()));
            if !entry.is_table() {
                *entry = Value::Table(Table::new());
            }
            let Value::Table(inner) = entry else { return self };
            table = inner;
        }
        table.insert(last.to_owned(), value.into());
        self
    }

    /// Without what it says at a dotted path.
    pub fn without(mut self, path: &str) -> Self {
        match path.split_once('.') {
            None => drop(self.0.remove(path)),
            Some((section, key)) => {
                if let Some(Value::Table(table)) = self.0.get_mut(section) {
                    table.remove(key);
                }
            }
        }
        self
    }

    /// The data part, which must be there.
    pub fn data(&self) -> Result<DataConfig> {
        let data = self
            .0
            .get("data")
            .cloned()
            .context("no data: give `--data PATH`, or `[data] path = ...` in the configuration")?;
        data.try_into().context("[data]")
    }

    /// The seed.
    pub fn seed(&self) -> Result<u64> {
        match self.0.get("seed") {
            None => Ok(0),
            Some(value) => value.clone().try_into().context("seed: expected a whole number of at least 0"),
        }
    }

    /// Fills the gaps with what suits the data. `search` (efforts) is filled in by [`Effort`] unless given.
    pub fn resolve(&self, data: &Dataset) -> Result<RunConfig> {
        let samples = data.len(Subset::Train);
        let recipe = Recipe::for_data(data.features(), samples);
        let effort = Effort::by_data(samples, recipe.batch);
        let (supernet, given) = self.definite().one_shot(effort.final_epochs);
        let (relaxed, given) = given.differentiable();
        let timed = self.0.get("budget").and_then(Value::as_table).is_some_and(|b| !b.is_empty());
        let defaults = RunConfig {
            seed: 0,
            engine: Backend::Auto,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            space: "auto".to_owned(),
            ensemble: one_member(),
            limits: Limits::default(),
            objectives: Objectives::default(),
            data: self.data()?,
            budget: BudgetConfig { trials: None, time: (!timed).then(|| "10m".to_owned()) },
            search: SearchConfig {
                window: 8,
                epochs: effort.search_epochs,
                final_epochs: effort.final_epochs,
                final_stop: None,
                final_learning_rate: None,
                front: Vec::new(),
                trainable: Limits::default(),
                devices: None,
            },
            strategy: Method::new(STRATEGY),
            scheduler: Method::new(if supernet.is_some() || relaxed.is_some() { "none" } else { "asha" }),
            supernet,
            relaxed,
            estimator: None,
            cache: None,
            recipe,
        };
        let mut table = Table::try_from(&defaults)?;
        overlay(&mut table, &given.0);
        let mut config: RunConfig =
            Value::Table(table).try_into().context("the configuration does not fit")?;
        config.data.fingerprint = Some(data.fingerprint());
        let engine = config.open_engine()?;
        config.engine = engine.backend();
        if engine.shares_device() && !self.0.contains_key("workers") {
            config.workers = 1; // one candidate at a time has the whole GPU
        }
        config.check()?;
        Ok(config)
    }

    /// The request without a strategy that says that it is the default.
    fn definite(&self) -> Self {
        let strategy = self.0.get("strategy").and_then(|strategy| strategy.get("name")?.as_str());
        if strategy == Some(AUTO) { self.clone().without("strategy.name") } else { self.clone() }
    }

    /// The super-network that the request asks for, with the defaults of its method, and the request with the strategy that searches with
    /// its weights. A strategy that is a one-shot method asks for one.
    fn one_shot(&self, final_epochs: f64) -> (Option<SupernetConfig>, Self) {
        let word = |section: &str, key: &str| self.0.get(section)?.as_table()?.get(key)?.as_str();
        let named = |name: Option<&str>| name.and_then(|name| SupernetConfig::of(name, final_epochs));
        match named(word("strategy", "name")) {
            Some(config) => (Some(config), self.clone().without("strategy.name").without("supernet.method")),
            None => (named(word("supernet", "method")), self.clone()),
        }
    }

    /// The same for a differentiable search.
    fn differentiable(&self) -> (Option<RelaxedConfig>, Self) {
        let word = |section: &str, key: &str| self.0.get(section)?.as_table()?.get(key)?.as_str();
        match word("strategy", "name").and_then(RelaxedConfig::of) {
            Some(config) => (Some(config), self.clone().without("strategy.name").without("relaxed.method")),
            None => (word("relaxed", "method").and_then(RelaxedConfig::of), self.clone()),
        }
    }

    /// Whether the request says this itself.
    pub fn gives(&self, section: &str, key: &str) -> bool {
        self.says(&[section, key])
    }

    /// The same for what is further inside.
    pub(crate) fn says(&self, path: &[&str]) -> bool {
        let Some((first, rest)) = path.split_first() else { return true };
        let inside = |value: &Value, key: &&str| value.get(*key).cloned();
        let first = self.0.get(*first).cloned();
        first.is_some_and(|first| rest.iter().try_fold(first, |value, key| inside(&value, key)).is_some())
    }
}

/// Puts `over` on top of `base`, table by table. An optimiser is replaced whole: its settings depend on its kind.
fn overlay(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(inner)), Value::Table(table)) if key != "optimizer" => overlay(inner, table),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}
