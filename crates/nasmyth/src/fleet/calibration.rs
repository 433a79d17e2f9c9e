//! A device is calibrated: networks are measured on it, and models of its latency and energy fitted to them.

use super::fitting::{
    above_the_least, fit_device, measure_networks, measurements, noisy, spread_networks, undisturbed,
};
use super::known::today;
use super::{KnownDevice, check_device_name, device_folder};
use crate::RunFolder;
use anyhow::{Context as _, Result, bail};
use nasmyth_device::models::CostModel;
use nasmyth_device::{DeviceFile, Limits, Score};
use nasmyth_graph::VerifiedGraph;
use nasmyth_measure::{Measurement, Outcome};
use nasmyth_space::{Context, Space, preset};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Most networks of a calibration: beyond, errors of measurements outweigh those of the model.
const MOST: usize = 400;

/// Time of one measurement, at most.
const LONGEST: Duration = Duration::from_secs(1);

/// Least time of one measurement: less does not tell the latency of small networks to a percent.
const SHORTEST: Duration = Duration::from_millis(200);

/// What networks stand for "any network" when nobody says which will run: presets on usual shapes of data.
const SPACES: [(&str, [usize; 3]); 6] = [
    ("mobile", [32, 32, 3]),
    ("cell", [32, 32, 3]),
    ("mobile", [28, 28, 1]),
    ("mobile", [64, 64, 3]),
    ("conv1d", [128, 3, 0]),
    ("mlp", [32, 0, 0]),
];

/// Classes of the networks in [`SPACES`].
const CLASSES: usize = 10;

/// How to calibrate a device.
///
/// ```no_run
/// use nasmyth::{Calibration, calibrate, find_device};
/// use std::time::Duration;
///
/// let time = Duration::from_secs(300);
/// let calibration = Calibration { name: "laptop".to_owned(), spaces: Vec::new(), time, check: 100, seed: 0 };
/// let (path, scores) = calibrate(find_device("this")?, &calibration, &mut |_| {})?;
/// println!("{}: {scores:?}", path.display());
/// # Ok::<(), anyhow::Error>(())
/// ```
pub struct Calibration {
    /// Name of the device in limits.
    pub name: String,
    /// Spaces whose networks are measured; none for presets on usual shapes.
    pub spaces: Vec<Space>,
    /// Time for measuring.
    pub time: Duration,
    /// Networks that are measured afterwards to see how good the model is.
    pub check: usize,
    /// Of the choice of networks.
    pub seed: u64,
}

/// What a calibration tells while it goes on.
///
/// ```
/// # let tell = |progress: nasmyth::Progress<'_>| {
/// if let nasmyth::Progress::Measured { done, of, .. } = progress {
///     println!("{done} of {of}");
/// }
/// # };
/// ```
pub enum Progress<'a> {
    /// Models are fitted.
    Fitted {
        /// What there is now.
        file: &'a DeviceFile,
        /// Measurements of a machine that was too noisy to tell.
        noisy: usize,
    },
    /// A network was measured, or was not and why.
    Measured {
        /// Networks so far.
        done: usize,
        /// In all, at most.
        of: usize,
        /// What came of it.
        outcome: &'a Outcome,
    },
}

/// Measures networks on a device, fits its models, and writes its file into the user's folder of devices. What was measured is kept beside it:
/// the same calibration goes on where it was cut off. Returns the file's path, and how good the model is on networks measured afterwards:
/// against the medians that a quiet machine would have shown, and against those that were measured.
///
/// # Errors
/// A name that is no name of a file; a device that cannot be reached, or fails; too few measurements; files that cannot be written.
pub fn calibrate(
    device: KnownDevice,
    calibration: &Calibration,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<(PathBuf, Option<[Score; 2]>)> {
    let Calibration { name, spaces, time, check, seed } = calibration;
    check_device_name(name)?;
    let KnownDevice { mut file, target, .. } = device;
    let Some(target) = target else {
        bail!("device `{}` cannot be measured: its file has no address", file.name);
    };
    let spaces = if spaces.is_empty() { usual_spaces()? } else { spaces.clone() };
    let each = (*time / MOST as u32).clamp(SHORTEST, LONGEST);
    let count = (time.as_secs_f64() / each.as_secs_f64()) as usize;
    let networks = mixed(&spaces, count.clamp(1, MOST), *seed);
    let folder = device_folder()?;
    let mut known = measurements(&folder, name, &*target)?;
    let begun = Instant::now();
    let mut done = 0;
    let of = networks.len();
    measure_networks(&*target, &networks, &mut known, (each, begun + *time), &mut |_, outcome| {
        done += 1;
        tell(Progress::Measured { done, of, outcome });
        ControlFlow::Continue(())
    })?;
    file.name = name.clone();
    file.date = today();
    (file.latency, file.energy) = (None, None); // from the measurements alone, not from what was known before
    let names: Vec<&str> = spaces.iter().map(Space::name).collect();
    let networks: Vec<VerifiedGraph> = networks.into_iter().filter(|n| known.outcome(n).is_some()).collect();
    fit_device(&mut file, &networks, &known, &format!("networks of {}", names.join(", ")))?;
    tell(Progress::Fitted { file: &file, noisy: noisy(&networks, &known) });
    let path = folder.join(format!("{name}.toml"));
    RunFolder::write(&path, file.to_text()?.as_bytes())?;
    if *check == 0 {
        return Ok((path, None));
    }
    let fresh: Vec<VerifiedGraph> = mixed(&spaces, 2 * check + networks.len(), seed.wrapping_add(1))
        .into_iter()
        .filter(|network| known.outcome(network).is_none())
        .take(*check)
        .collect();
    let mut checks = measurements(&folder, &format!("{name}-check"), &*target)?;
    let mut done = 0;
    let of = fresh.len();
    measure_networks(&*target, &fresh, &mut checks, (each, begun + Duration::MAX / 4), &mut |_, outcome| {
        done += 1;
        tell(Progress::Measured { done, of, outcome });
        ControlFlow::Continue(())
    })?;
    let model = &file.latency.as_ref().context("no model of latency")?.model;
    let above = above_the_least(&networks, &known);
    let value: [&dyn Fn(&Measurement) -> f64; 2] = [&|m| undisturbed(m, above), &|m| m.median_s];
    let scores = value.map(|value| {
        let pair = |network: &VerifiedGraph| {
            let measured = checks.outcome(network)?.measurement()?;
            Some((model.seconds(network).ok()?.seconds, value(measured)))
        };
        Score::of(&fresh.iter().filter_map(pair).collect::<Vec<_>>())
    });
    Ok((path, Some(scores)))
}

fn usual_spaces() -> Result<Vec<Space>> {
    let space = |(name, [a, b, c]): (&str, [usize; 3])| {
        let context = match (b, c) {
            (0, _) => Context::table(a, CLASSES),
            (_, 0) => Context::series(a, b, CLASSES),
            _ => Context::image(a, b, c, CLASSES),
        };
        Ok(preset(name, &context)?)
    };
    SPACES.into_iter().map(space).collect()
}

/// Networks of several spaces in turns, `count` in all.
fn mixed(spaces: &[Space], count: usize, seed: u64) -> Vec<VerifiedGraph> {
    let share = count.div_ceil(spaces.len().max(1));
    let of = |space: &Space| spread_networks(space, &Limits::default(), share, seed).into_iter();
    let mut each: Vec<_> = spaces.iter().map(of).collect();
    let turns = (0..share).flat_map(|_| each.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>());
    turns.take(count).collect()
}
