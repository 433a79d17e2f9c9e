//! How long to train: by the size of the data, or by the time there is.

use nasmyth_device::{Cost, Limit, Limits, cost_named};
use nasmyth_graph::VerifiedGraph;
use nasmyth_train::{TrainError, Trainer};
use std::time::Duration;

/// Steps that the highest rung gets at least and at most. Below, networks cannot be told apart; above, time is better spent on
/// other networks.
const SEARCH_STEPS: (f64, f64) = (540.0, 2500.0);

/// Steps of the final training, at least and at most, unless the data asks for more.
const FINAL_STEPS: (f64, f64) = (1500.0, 12_000.0);

/// Passes over the data that a network should get in the end.
const FINAL_EPOCHS: f64 = 10.0;

/// Rungs and factor of the default scheduler: the highest rung has nine times the effort of the lowest.
const LADDER: f64 = 9.0;

/// Effort of a network on average, in units of the lowest rung: 1 for all, 3 - 1 for a third, 9 - 3 for a ninth.
const MEAN_EFFORT: f64 = 1.0 + 2.0 / 3.0 + 6.0 / 9.0;

/// Networks that a search should look at, at least.
const NETWORKS: f64 = 36.0;

/// Networks that a search looks at that knows before which are good.
const FAVOURITES: f64 = 6.0;

/// Share of the time that is reserved for the final training of one network, and of a front.
const FINAL_SHARE: (f64, f64) = (0.45, 0.6);

/// Share of the search that validation and bookkeeping take beside training.
const BESIDE: f64 = 0.15;

/// Epochs of the search's highest rung and of the final training.
///
/// ```
/// let effort = nasmyth::Effort::by_data(4000, 64);
/// assert!(effort.search_epochs < effort.final_epochs);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Effort {
    /// Epochs of the highest rung.
    pub search_epochs: f64,
    /// Epochs of the final training.
    pub final_epochs: f64,
    /// What a network may cost that can be trained to the end in time.
    pub trainable: Limits,
    /// Time for the search.
    pub search_time: Option<Duration>,
}

/// What training costs on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    /// Seconds that one thread takes for one sample of the network measured.
    pub seconds_per_sample: f64,
    /// MACs of that network.
    pub macs: u64,
    /// Bytes of its activations.
    pub activations: u64,
}

impl Speed {
    /// Measures a trainer of `graph` that uses one thread.
    pub fn of(trainer: &mut Trainer, graph: &VerifiedGraph, samples: usize) -> Result<Self, TrainError> {
        let step = trainer.measure_step(Duration::from_millis(500));
        Ok(Self {
            seconds_per_sample: step / (trainer.epochs_in(1) * samples as f64),
            macs: graph.macs(),
            activations: graph.activation_bytes(),
        })
    }

    /// What a network may cost that takes about `times` as long: small networks spend their time on arithmetic and on
    /// passes over activations.
    fn trainable(&self, times: f64) -> Limits {
        let costs = [("macs", self.macs), ("activations", self.activations)];
        let limit = |(name, value): (&str, u64)| {
            Some(Limit {
                cost: Cost::Counted(cost_named(name)?),
                bound: (value as f64 * times).max(1.0) as u64,
            })
        };
        Limits(costs.into_iter().filter_map(limit).collect())
    }
}

impl Effort {
    /// For `samples` training samples and no clock: enough to tell networks apart, and ten epochs or some thousand steps in the end.
    pub fn by_data(samples: usize, batch: usize) -> Self {
        let epochs = |steps: f64| steps * batch as f64 / samples.max(1) as f64;
        let (least, most) = (epochs(SEARCH_STEPS.0), epochs(SEARCH_STEPS.1));
        Self {
            search_epochs: 3f64.clamp(least, most),
            final_epochs: FINAL_EPOCHS.clamp(epochs(FINAL_STEPS.0), epochs(FINAL_STEPS.1).max(FINAL_EPOCHS)),
            trainable: Limits::default(),
            search_time: None,
        }
    }

    /// For `time` on `workers` cores, with so many networks in the end.
    pub fn by_time(
        time: Duration,
        workers: usize,
        networks: usize,
        samples: usize,
        batch: usize,
        speed: Speed,
    ) -> Self {
        let epochs = |steps: f64| steps * batch as f64 / samples.max(1) as f64;
        let cores = workers as f64;
        // Samples that can be seen in a second by all cores together.
        let rate = cores / speed.seconds_per_sample;
        let most_final = epochs(FINAL_STEPS.1).max(3.0 * FINAL_EPOCHS);
        let share = if networks > 1 { FINAL_SHARE.1 } else { FINAL_SHARE.0 };
        let most_seconds = 1.2 * networks as f64 * most_final * samples as f64 / rate;
        let final_seconds = (share * time.as_secs_f64()).min(most_seconds);
        let search_seconds = time.as_secs_f64() - final_seconds;
        let seen = search_seconds * rate * (1.0 - BESIDE);
        let highest = LADDER * seen / (NETWORKS * MEAN_EFFORT) / samples as f64;
        let final_epochs = final_seconds / networks as f64 * rate / samples as f64;
        let wanted = FINAL_EPOCHS.max(epochs(FINAL_STEPS.0)).min(most_final);
        Self {
            search_epochs: highest.clamp(epochs(SEARCH_STEPS.0), epochs(SEARCH_STEPS.1)),
            final_epochs: final_epochs.min(most_final),
            trainable: speed.trainable(final_epochs / wanted),
            search_time: Some(Duration::from_secs_f64(search_seconds)),
        }
    }

    /// Epochs that a few networks get each, one as many as the other, in `time` on `workers` cores.
    pub fn of_favourites(time: Duration, workers: usize, samples: usize, batch: usize, speed: Speed) -> f64 {
        let epochs = |steps: f64| steps * batch as f64 / samples.max(1) as f64;
        let seen = time.as_secs_f64() * workers as f64 / speed.seconds_per_sample * (1.0 - BESIDE);
        (seen / FAVOURITES / samples as f64).clamp(epochs(SEARCH_STEPS.0), epochs(SEARCH_STEPS.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_time_is_more_training_and_the_reserve_is_kept() {
        let speed = Speed { seconds_per_sample: 1e-3, macs: 1_000_000, activations: 1_000_000 };
        let effort = |s: u64| Effort::by_time(Duration::from_secs(s), 2, 1, 50_000, 128, speed);
        let (short, long) = (effort(60), effort(600));
        assert!(short.search_time < long.search_time && short.final_epochs < long.final_epochs);
        assert!(long.search_time.is_some_and(|t| t.as_secs() >= 300 && t.as_secs() <= 360));
        // 270 s on two cores at 1 ms: 540,000 samples.
        assert!((long.final_epochs - 10.8).abs() < 0.1);
        assert!(short.trainable.0[0].bound < long.trainable.0[0].bound);
        // 300 s on one core at 1 ms: 255,000 samples beside other work, for six networks.
        let each = Effort::of_favourites(Duration::from_secs(300), 1, 50_000, 128, speed);
        assert!((each * 50_000.0 * 6.0 - 255_000.0).abs() < 1.0 || each == 540.0 * 128.0 / 50_000.0);
    }
}
