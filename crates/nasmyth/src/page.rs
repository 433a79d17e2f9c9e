//! The report of a run, from what its folder holds.

use crate::motifs::Pattern;
use crate::relaxed::RelaxedOutcome;
use crate::search::budget_in_words;
use crate::{Certificate, FrontMember, Metrics, RunConfig, RunFolder, device_names, read_device};
use anyhow::{Context, Result};
use nasmyth_data::{Schema, Split};
use nasmyth_device::{COSTS, DeviceCost, Unit, operators_by_node};
use nasmyth_graph::{NodeId, Role};
use nasmyth_report::{
    CertificateRow, Confusion, Cost, Data, FinalMetrics, FrontNetwork, Layer, Limit, Metric, Report, html,
};
use nasmyth_study::{State, Status, Study, Trial};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Writes `report.html` of a run, finished or not.
///
/// ```no_run
/// use nasmyth::{RunFolder, write_report};
///
/// write_report(&RunFolder::new("runs/mnist1d".as_ref()))?; // runs/mnist1d/report.html
/// # Ok::<(), anyhow::Error>(())
/// ```
///
/// # Errors
/// No run there, damaged files, no space.
pub fn write_report(folder: &RunFolder) -> Result<()> {
    let config_text = RunFolder::read(&folder.config())?;
    let config = RunConfig::read(folder)?;
    let state = Study::load(folder.path())?;
    let metrics: Option<Metrics> = json(folder, "metrics.json")?;
    let certificate: Option<Certificate> = json(folder, "certificate.json")?;
    let mut report = from_state(&config, config_text, &state);
    report.data = data(&config, folder);
    if let Some(metrics) = metrics {
        describe_network(&mut report, &metrics);
    }
    if let Some(certificate) = certificate {
        report.runtime_difference = Some(certificate.runtime.largest_difference);
        report.certificate = certificate.limits.iter().map(row).collect();
    }
    report.patterns = patterns(folder)?;
    report.relaxed = RelaxedOutcome::read(folder)?.map(RelaxedOutcome::into_report);
    report.front = front(folder, &report.metric.name)?;
    report.layers = layers(folder)?;
    report.network_svg = std::fs::read_to_string(folder.best("architecture.svg")).ok();
    RunFolder::write(&folder.report(), html(&report).as_bytes())
}

fn json<T: serde::de::DeserializeOwned>(folder: &RunFolder, name: &str) -> Result<Option<T>> {
    let path = folder.best(name);
    if !path.exists() {
        return Ok(None);
    }
    let text = RunFolder::read(&path)?;
    serde_json::from_str(&text).map(Some).with_context(|| format!("{} is damaged", path.display()))
}

/// The patterns that were found, if there were trials enough.
fn patterns(folder: &RunFolder) -> Result<Vec<nasmyth_report::Pattern>> {
    let path = folder.motifs();
    if !path.exists() {
        return Ok(Vec::new());
    }
    let patterns: Vec<Pattern> = serde_json::from_str(&RunFolder::read(&path)?)
        .with_context(|| format!("{} is damaged", path.display()))?;
    let row =
        |Pattern { text, gradient, networks, of }| nasmyth_report::Pattern { text, gradient, networks, of };
    Ok(patterns.into_iter().map(row).collect())
}

/// The networks of a front, if there is one.
fn front(folder: &RunFolder, metric: &str) -> Result<Vec<FrontNetwork>> {
    let path = folder.front();
    if !path.exists() {
        return Ok(Vec::new());
    }
    let members: Vec<FrontMember> = serde_json::from_str(&RunFolder::read(&path)?)
        .with_context(|| format!("{} is damaged", path.display()))?;
    let network = |member: FrontMember| FrontNetwork {
        valid: member.valid.get(metric).copied(),
        test: member.test.get(metric).copied(),
        costs: member.costs.into_iter().map(|(name, cost)| (name, cost as f64)).collect(),
        name: member.folder,
    };
    Ok(members.into_iter().map(network).collect())
}

/// The layers of the found network with their parts in its costs; latency and energy by the models of the run's devices.
fn layers(folder: &RunFolder) -> Result<Vec<Layer>> {
    let path = folder.best("architecture.txt");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let graph = nasmyth_graph::parse(&RunFolder::read(&path)?)
        .with_context(|| format!("{} is damaged", path.display()))?;
    let mut shares: BTreeMap<NodeId, BTreeMap<String, f64>> = BTreeMap::new();
    for (id, operator) in operators_by_node(&graph) {
        let params =
            graph.params_of(id).iter().filter(|p| p.role != Role::Buffer).map(|p| p.len()).sum::<usize>()
                as f64;
        let bytes = graph.node(id).fact.bytes() as f64;
        let parts = [
            ("params", params / graph.params().max(1) as f64),
            ("macs", operator.macs as f64 / graph.macs().max(1) as f64),
            ("activations", bytes / graph.activation_bytes().max(1) as f64),
        ];
        shares.insert(id, parts.map(|(name, part)| (name.to_owned(), part)).into());
    }
    for name in device_names(&folder.devices()) {
        let device = read_device(&folder.devices().join(format!("{name}.toml")))?;
        for cost in DeviceCost::ALL {
            let parts = device.fit(cost).and_then(|fit| fit.model.shares(&graph)).unwrap_or_default();
            for (id, part) in parts {
                shares.entry(id).or_default().insert(format!("{}@{name}", cost.name()), part);
            }
        }
    }
    let layer = |(id, shares): (NodeId, BTreeMap<String, f64>)| {
        let node = graph.node(id);
        Layer { name: node.name.clone(), operator: node.op.kind().to_owned(), shares }
    };
    Ok(shares.into_iter().map(layer).collect())
}

fn unit(unit: Unit) -> String {
    match unit {
        Unit::Count => "",
        Unit::Bytes => "B",
        Unit::Nanoseconds => "ns",
        Unit::Nanojoules => "nJ",
    }
    .to_owned()
}

/// What trials cost: everything that is counted, and what the run asks devices for.
fn costs(config: &RunConfig) -> Vec<Cost> {
    let counted = COSTS.iter().map(|kind| (kind.name.to_owned(), kind.unit));
    let asked = config.limits.on_devices().chain(config.objectives.on_devices());
    let on_devices: BTreeMap<String, Unit> = asked.map(|cost| (cost.to_string(), cost.unit())).collect();
    counted.chain(on_devices).map(|(name, of)| Cost { name, unit: unit(of) }).collect()
}

fn from_state(config: &RunConfig, config_text: String, state: &State) -> Report {
    // Trials after the first that time cut off do not count, see `Search`.
    let counted =
        state.report.as_ref().and_then(|r| r["trials"].as_u64()).map_or(state.trials().len(), |t| t as usize);
    let state = state.prefix(counted);
    let seconds = state.report.as_ref().and_then(|r| r["seconds"].as_f64());
    let classification = state.completed().any(|t| trial_metrics(t).contains_key("accuracy"));
    let name = if config.estimator.is_some() {
        "value"
    } else if classification {
        "accuracy"
    } else {
        "r2"
    };
    Report {
        title: format!("Nasmyth: {}", config.data.path),
        command: format!("nasmyth search --config config.toml ({})", budget_in_words(config)),
        config: config_text,
        seed: config.seed,
        elapsed: seconds.unwrap_or(state.elapsed_ms as f64 / 1e3),
        strategy: format!("{} with {}", config.strategy_name(), config.scheduler.name),
        space: state.space.clone(),
        metric: Metric { name: name.to_owned(), higher_is_better: true, percent: classification },
        limits: config
            .limits
            .0
            .iter()
            .map(|l| Limit { cost: l.cost.to_string(), bound: l.bound as f64, unit: unit(l.cost.unit()) })
            .collect(),
        costs: costs(config),
        trials: state.trials().iter().filter(|t| !t.running()).map(trial).collect(),
        best: state.best().map(|t| t.trial), // networks that measurements refuted are out
        ..Report::default()
    }
}

fn trial_metrics(trial: &Trial) -> BTreeMap<String, f64> {
    match &trial.status {
        Status::Completed(estimate) => estimate.metrics.clone(),
        _ => BTreeMap::new(),
    }
}

fn trial(t: &Trial) -> nasmyth_report::Trial {
    let (seconds, reason) = match &t.status {
        Status::Completed(estimate) => (estimate.seconds, String::new()),
        Status::Failed { reason, .. } => (0.0, reason.clone()),
        Status::Running => (0.0, String::new()),
    };
    let status = match &t.status {
        _ if t.cached_from.is_some() => nasmyth_report::Status::Cached,
        Status::Failed { .. } => nasmyth_report::Status::Failed,
        _ => nasmyth_report::Status::Ok,
    };
    nasmyth_report::Trial {
        trial: t.trial,
        status,
        rung: t.fidelity.rung as usize,
        epochs: t.fidelity.epochs,
        value: t.value(),
        metrics: trial_metrics(t),
        costs: t.costs.0.iter().map(|(n, v)| (n.clone(), *v as f64)).collect(),
        genotype: t.genotype.to_string(),
        seconds,
        finished_at: t.done_ms.unwrap_or(t.asked_ms) as f64 / 1e3,
        origin: t.origin.to_string(),
        reason,
    }
}

/// What the run recorded of its data; parts that are missing stay empty.
fn data(config: &RunConfig, folder: &RunFolder) -> Data {
    let read = |path: PathBuf| std::fs::read_to_string(path).ok();
    let split: Option<Split> = read(folder.split()).and_then(|t| serde_json::from_str(&t).ok());
    let schema: Option<Schema> = read(folder.schema()).and_then(|t| serde_json::from_str(&t).ok());
    let (train, valid, test) = split.map_or((0, 0, 0), |s| (s.train, s.valid, s.test));
    let (format, shape) =
        schema.map_or_else(Default::default, |s| (s.format.clone(), s.features.to_string()));
    Data { name: config.data.path.clone(), task: String::new(), format, shape, train, valid, test }
}

fn describe_network(report: &mut Report, metrics: &Metrics) {
    report.data.task = metrics.task.clone();
    report.metrics =
        FinalMetrics { train: BTreeMap::new(), valid: metrics.valid.clone(), test: metrics.test.clone() };
    if !metrics.confusion.is_empty() {
        report.confusion =
            Some(Confusion { classes: metrics.classes.clone(), counts: metrics.confusion.clone() });
    }
    report.residuals = metrics.residuals.iter().map(|&(t, p)| (f64::from(t), f64::from(p))).collect();
}

fn row(verdict: &crate::Verdict) -> CertificateRow {
    CertificateRow {
        limit: verdict.limit.clone(),
        value: verdict.value_text(),
        how: verdict.how.clone(),
        holds: verdict.holds,
    }
}
