//! Which model to keep of several: the one that is best on networks that it was not fitted to.

use super::{CostModel, FOLDS, MODELS, Model, ModelError, Neighbours, Sample};
use crate::Score;
use nasmyth_graph::VerifiedGraph;

/// Fits a model to measured networks.
type Fit<'a> = Box<dyn Fn(&[Sample<'_>]) -> Result<Model, ModelError> + 'a>;

/// For each network a prediction and the measurement.
type Pairs = Vec<(f64, f64)>;

/// The model with the least error in cross-validation, and that error: of those of [`MODELS`] that tell of
/// every network, and where models of other devices (or of this
/// one, from earlier measurements) are `known`, of a mixture of these.
///
/// # Errors
/// Too few networks for any model, a time that is none.
pub fn best_model(samples: &[Sample<'_>], known: &[Model]) -> Result<(Model, Score), ModelError> {
    let mut candidates: Vec<Fit<'_>> =
        MODELS.iter().filter(|kind| kind.total).map(|kind| Box::new(kind.fit) as Fit<'_>).collect();
    if !known.is_empty() {
        let pool: Vec<&VerifiedGraph> = samples.iter().map(|sample| sample.graph).collect();
        let neighbours = Neighbours::new(known, &pool)?;
        candidates.push(Box::new(move |samples| neighbours.fit(samples).map(Model::Transferred)));
    }
    let mut best: Option<(f64, Pairs, usize)> = None;
    let mut refused = None;
    for (i, fit) in candidates.iter().enumerate() {
        match held_out(samples, fit) {
            Ok(pairs) => {
                let error = pairs.iter().map(|(p, m)| (p / m).ln().powi(2)).sum::<f64>();
                if best.as_ref().is_none_or(|(least, ..)| error < *least) {
                    best = Some((error, pairs, i));
                }
            }
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    match (best, refused) {
        (Some((_, pairs, i)), _) => Ok((candidates[i](samples)?, Score::of(&pairs))),
        (None, Some(error)) => Err(error),
        (None, None) => Err(ModelError::TooFew { least: 1, got: 0 }),
    }
}

/// For each sample the prediction of a model that was fitted without it, and the measurement.
fn held_out(samples: &[Sample<'_>], fit: &Fit<'_>) -> Result<Pairs, ModelError> {
    let mut pairs = vec![(f64::NAN, f64::NAN); samples.len()];
    for fold in 0..FOLDS.min(samples.len()) {
        let rest: Vec<Sample<'_>> =
            samples.iter().enumerate().filter(|(i, _)| i % FOLDS != fold).map(|(_, s)| *s).collect();
        let model = fit(&rest)?;
        for (i, sample) in samples.iter().enumerate().skip(fold).step_by(FOLDS) {
            // What a model does not know of breaks limits: it counts as infinitely far off.
            let predicted = model.seconds(sample.graph).map_or(f64::INFINITY, |p| p.seconds);
            pairs[i] = (predicted, sample.seconds);
        }
    }
    Ok(pairs)
}
