//! Models of a device from measured networks of a space.

use anyhow::{Context, Result};
use nasmyth_device::models::{Model, Range, Sample, best_model};
use nasmyth_device::{DeviceCost, DeviceFile, Fit, Limits, Meter};
use nasmyth_graph::VerifiedGraph;
use nasmyth_measure::{Measurement, MeasurementFile, Outcome, Target};
use nasmyth_space::{Rng, Space};
use rand::SeedableRng;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

/// Networks that are drawn for each one that is measured.
const DRAWN: usize = 8;

/// Distinct networks of a space that keep `limits`, evenly spread over the ranks of their multiply-accumulates: the smallest and the largest
/// ones of those drawn are among them. Shuffled, so that any first part is spread as well. Fewer where the space has fewer.
pub(crate) fn spread_networks(space: &Space, limits: &Limits, count: usize, seed: u64) -> Vec<VerifiedGraph> {
    let mut rng = Rng::seed_from_u64(seed);
    let mut drawn: Vec<VerifiedGraph> = Vec::new();
    let draws =
        std::iter::once(space.default_genotype()).chain((1..DRAWN * count).map(|_| space.sample(&mut rng)));
    for genotype in draws {
        let Some(graph) = space.lower(&genotype).ok().and_then(|graph| graph.verify().ok()) else { continue };
        if limits.check(&graph, &Meter::default()).is_empty() {
            drawn.push(graph);
        }
    }
    drawn.sort_by_cached_key(|graph| (graph.macs(), graph.canonical_hash()));
    drawn.dedup_by_key(|graph| graph.canonical_hash());
    let last = drawn.len().saturating_sub(1);
    let every = count.saturating_sub(1).max(1);
    let mut ranks: Vec<usize> = (0..count).map(|i| (i * last + every / 2) / every).collect();
    ranks.dedup();
    // Bits of the number in reverse order: van der Corput's sequence, whose every beginning is spread.
    let bits = usize::BITS - ranks.len().leading_zeros();
    let mut order: Vec<usize> = (0..ranks.len()).collect();
    order.sort_by_key(|i| i.reverse_bits() >> (usize::BITS - bits.max(1)));
    order.into_iter().filter_map(|i| drawn.get(ranks[i]).cloned()).collect()
}

/// Measures networks one after the other into a file, each for about `each`, until `deadline`; what is in the file already is not measured
/// again. Returns how many have a measurement.
pub(crate) fn measure_networks(
    target: &dyn Target,
    networks: &[VerifiedGraph],
    file: &mut MeasurementFile,
    (each, deadline): (Duration, Instant),
    told: &mut dyn FnMut(usize, &Outcome) -> ControlFlow<()>,
) -> Result<usize> {
    file.complete(target, networks, each, &mut |i, outcome| {
        told(i, outcome)?;
        if Instant::now() < deadline { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    let measured =
        |network: &&VerifiedGraph| file.outcome(network).is_some_and(|o| o.measurement().is_some());
    Ok(networks.iter().filter(measured).count())
}

/// Fits models of latency and, where it was measured, of energy; `of` says of what networks.
///
/// # Errors
/// Fewer measurements than a model takes.
pub(crate) fn fit_device(
    device: &mut DeviceFile,
    networks: &[VerifiedGraph],
    file: &MeasurementFile,
    of: &str,
) -> Result<()> {
    let above = above_the_least(networks, file);
    for cost in DeviceCost::ALL {
        let value = |network: &VerifiedGraph| {
            let measured = file.outcome(network)?.measurement()?;
            match cost {
                DeviceCost::Latency => Some(undisturbed(measured, above)),
                DeviceCost::Energy => measured.energy_j.filter(|joules| *joules > 0.0),
            }
        };
        let sample = |graph| Some(Sample { graph, seconds: value(graph)? });
        let samples: Vec<Sample<'_>> = networks.iter().filter_map(sample).collect();
        if cost == DeviceCost::Energy && samples.len() < networks.len() / 2 {
            continue; // the machine does not show it
        }
        let known: Vec<Model> = device.fit(cost).map(|fit| fit.model.clone()).into_iter().collect();
        let (model, held_out) = best_model(&samples, &known).with_context(|| {
            format!("device `{}`: no model of {} can be fitted", device.name, cost.name())
        })?;
        let range = Range::of(&samples);
        let fit = Fit { of: of.to_owned(), networks: samples.len(), held_out, covered: None, range, model };
        match cost {
            DeviceCost::Latency => device.latency = Some(fit),
            DeviceCost::Energy => device.energy = Some(fit),
        }
    }
    Ok(())
}

/// The median that a quiet machine would have shown. Others can only make a reading longer, so the shortest one tells more than a median that
/// they disturbed; `above` is what a median is in shortest readings.
pub(crate) fn undisturbed(measured: &Measurement, above: f64) -> f64 {
    measured.median_s.min(above * measured.least_s)
}

/// What the median of a measurement is in shortest readings while nothing disturbs: so much that one measurement in ten has less.
pub(crate) fn above_the_least(networks: &[VerifiedGraph], file: &MeasurementFile) -> f64 {
    let ratio = |network: &VerifiedGraph| {
        let measured = file.outcome(network)?.measurement()?;
        Some(measured.median_s / measured.least_s).filter(|ratio| ratio.is_finite())
    };
    let mut ratios: Vec<f64> = networks.iter().filter_map(ratio).collect();
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 10).copied().unwrap_or(1.0).max(1.0)
}

/// How many of these networks were measured while the machine was too noisy to tell.
pub(crate) fn noisy(networks: &[VerifiedGraph], file: &MeasurementFile) -> usize {
    let noisy = |network: &&VerifiedGraph| {
        file.outcome(network).and_then(Outcome::measurement).is_some_and(|measured| measured.noisy.is_some())
    };
    networks.iter().filter(noisy).count()
}

/// Opens the measurements of a device in a folder.
pub(crate) fn measurements(folder: &Path, name: &str, target: &dyn Target) -> Result<MeasurementFile> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot write into {}", folder.display()))?;
    Ok(MeasurementFile::open(&folder.join(format!("{name}.jsonl")), target.setting())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_space::{Context, preset};

    #[test]
    fn networks_are_distinct_feasible_and_spread() {
        let space = preset("mobile", &Context::image(28, 28, 1, 10)).unwrap();
        let limits: Limits = "params<=50k".parse().unwrap();
        let networks = spread_networks(&space, &limits, 20, 1);
        assert_eq!(networks.len(), 20);
        assert!(networks.iter().all(|n| n.params() <= 50_000));
        let mut hashes: Vec<u128> = networks.iter().map(VerifiedGraph::canonical_hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 20);
        let macs: Vec<u64> = networks.iter().map(VerifiedGraph::macs).collect();
        let mut sorted = macs.clone();
        sorted.sort_unstable();
        assert_eq!(macs[0], sorted[0], "the smallest comes first");
        let median = sorted[10];
        let small = macs[..8].iter().filter(|m| **m < median).count();
        assert!((3..=5).contains(&small), "the first eight are spread: {small} below the median");
    }

    #[test]
    fn a_small_space_gives_all_that_it_has() {
        let space = preset("mlp", &Context::table(4, 2)).unwrap();
        let limits: Limits = "params<=150".parse().unwrap();
        let networks = spread_networks(&space, &limits, 500, 2);
        assert!(!networks.is_empty() && networks.len() < 500);
        assert!(spread_networks(&space, &"params<=1".parse().unwrap(), 10, 2).is_empty());
    }
}
