//! Training one network that is written down.

use crate::fleet::Fleet;
use crate::winner::Length;
use crate::{Infeasible, Interrupted, Notice, Observer, Request, RunFolder, Winner};
use anyhow::{Context, Result, bail};
use nasmyth_device::Limits;
use nasmyth_estimator::StopFlag;
use nasmyth_train::TrainError;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

/// Trains the network with this text form to the end and writes what a run's `best/` holds to `out`.
///
/// ```no_run
/// use nasmyth::{Lines, Request, estimator::StopFlag, train_architecture};
///
/// let text = std::fs::read_to_string("runs/mnist1d/best/architecture.txt")?;
/// let request = Request::default()
///     .set("data.path", Some("builtin:mnist1d"))
///     .set("search.final_epochs", Some(50.0));
/// let mut observer = Lines::new(std::io::stderr());
/// train_architecture(&text, &request, "runs/longer".as_ref(), &mut observer, &StopFlag::new())?;
/// # Ok::<(), anyhow::Error>(())
/// ```
///
/// # Errors
/// A text that is no network, a network that does not fit the data or the limits, a folder that holds a run already.
pub fn train_architecture(
    text: &str,
    request: &Request,
    out: &Path,
    observer: &mut dyn Observer,
    stop: &StopFlag,
) -> Result<()> {
    let started = Instant::now();
    let graph = nasmyth_graph::parse(text).context("the architecture")?;
    let folder = RunFolder::new(out);
    if folder.best("model.onnx").exists() {
        bail!("{} holds a network already: give another `--out`", out.display());
    }
    let data = request.data()?.open(request.seed()?)?;
    let config = request.resolve(&data)?;
    let fleet = Fleet::find(&config)?;
    let counted =
        Limits(config.limits.0.iter().filter(|limit| limit.cost.device().is_none()).cloned().collect());
    if let Some(broken) = counted.check(&graph, fleet.meter()).first() {
        bail!("the network does not keep its limits: {broken}");
    }
    RunFolder::write(&folder.schema(), &serde_json::to_vec_pretty(data.schema())?)?;
    RunFolder::write(&folder.config(), config.to_toml()?.as_bytes())?;
    let length = match config.budget.time()?.filter(|_| request.gives("budget", "time")) {
        Some(time) => Length::Until(started + time, f64::from(u32::MAX)),
        None => config.search.length_of(&format!("{:032x}", graph.canonical_hash())).length(),
    };
    let seed = config.seed ^ graph.canonical_hash() as u64;
    let (recipe, engine) = (&config.recipe, &config.open_engine()?);
    let winner = Winner { graph: &graph, data: &data, recipe, seed, engine, folder: &folder, place: "best" };
    let trained = match winner.train(length, stop, observer) {
        Err(TrainError::Interrupted) => {
            return Err(Interrupted("give the same command again to go on".to_owned()).into());
        }
        other => other?,
    };
    let (metrics, certificate) = winner.publish(&trained, &config, &fleet, BTreeMap::new())?;
    folder.forget_checkpoints();
    let run = out.display().to_string();
    observer.notice(&Notice::Done { run, test: &metrics.test, costs: &certificate.costs });
    match certificate.broken() {
        None => Ok(()),
        Some(broken) => Err(Infeasible(format!(
            "the network takes {}, which breaks {}",
            broken.value_text(),
            broken.limit
        ))
        .into()),
    }
}
