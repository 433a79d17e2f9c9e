//! A certificate is checked again.

use crate::certificate::Verdict;
use crate::fleet::Fleet;
use crate::{RunConfig, RunFolder, measurable};
use anyhow::Result;
use std::path::Path;
use std::time::Duration;

/// Counts and measures the found network of a finished run again: the shipped file, on the devices that its limits name, for about `time`
/// each.
///
/// ```no_run
/// use std::time::Duration;
///
/// for verdict in nasmyth::verify("runs/mnist1d".as_ref(), Duration::from_secs(2))? {
///     println!("{}: {} {}", verdict.limit, verdict.value_text(), if verdict.holds { "holds" } else { "is broken" });
/// }
/// # Ok::<(), anyhow::Error>(())
/// ```
///
/// # Errors
/// No finished run; a device that cannot be reached.
pub fn verify(run: &Path, time: Duration) -> Result<Vec<Verdict>> {
    let folder = RunFolder::new(run);
    let config = RunConfig::read(&folder)?;
    let model = measurable(run)?;
    let (graph, _) = model.network()?;
    let fleet = Fleet::take_up(&config, &folder)?;
    config.limits.0.iter().map(|limit| Verdict::of(limit, graph, &model, &fleet, time)).collect()
}
