//! What a search with shared weights has to beat: random search with the same weights, and without sharing in the same time (Li and Talwalkar
//! 2020; Yu et al. 2020).

use anyhow::Result;
use nasmyth::data::{Dataset, Subset};
use nasmyth::engine::Engine;
use nasmyth::estimator::StopFlag;
use nasmyth::space::{Genotype, Rng, Space};
use nasmyth::train::{Recipe, Trainer, evaluate};
use nasmyth::weights::relaxed::{Running, SearchError};
use rand::SeedableRng;
use serde::Serialize;
use std::time::Duration;

/// Random cells that are judged with the weights of a search.
pub const SHARED: usize = 50;

/// Random cells that are trained on their own, each for an equal share of the time of the search.
pub const ALONE: u32 = 10;

/// Scores of random search.
#[derive(Serialize)]
pub struct Controls {
    /// Of the best of [`SHARED`] cells, by their accuracy with the weights of the search.
    pub shared: Option<f64>,
    /// Of the best of [`ALONE`] cells, by their accuracy after training on their own.
    pub alone: Option<f64>,
}

/// Options of the cell that does best with the weights of a search.
pub fn with_shared_weights(running: &mut Running<'_>, seed: u64) -> Result<Vec<usize>, SearchError> {
    running.best_random(SHARED, &mut Rng::seed_from_u64(seed))
}

/// The cell that does best when each is trained on its own.
pub fn without_sharing(
    space: &Space,
    data: &Dataset,
    time: Duration,
    seed: u64,
    stop: &StopFlag,
) -> Result<Option<Genotype>> {
    let (recipe, engine) = (Recipe::for_data(data.features(), data.len(Subset::Train)), Engine::cpu(1));
    let (mut rng, mut best) = (Rng::seed_from_u64(seed), None);
    for _ in 0..ALONE {
        let genotype = space.sample(&mut rng);
        let graph = space.lower(&genotype)?.verify()?;
        let mut trainer = Trainer::new(&graph, data, Subset::Train, &recipe, seed, &engine)?;
        let step = trainer.measure_step(Duration::from_millis(100));
        let steps = (time.as_secs_f64() / f64::from(ALONE) / step).max(1.0) as u64;
        trainer.run(steps, stop, &mut |_| ())?;
        let value = evaluate(&graph, trainer.network(), data, Subset::Valid, &engine)?.value();
        if best.as_ref().is_none_or(|(most, _)| value > *most) {
            best = Some((value, genotype));
        }
    }
    Ok(best.map(|(_, genotype)| genotype))
}
