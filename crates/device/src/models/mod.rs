//! What a network costs on a device: models that are fitted to measured networks.
//!
//! Each model is one file; [`MODELS`] is the only list of those that are fitted to graphs. [`Transferred`] starts from models of other
//! devices ([`Neighbours`]), [`Cells`] and [`OperatorTable`] read genotypes in place of
//! graphs.

mod cells;
mod learned;
mod linear;
mod lookup;
mod operator_table;
mod range;
mod roofline;
mod rows;
mod selection;
mod summed;
mod transferred;

pub use cells::Cells;
pub use learned::Learned;
pub use linear::Linear;
pub use lookup::Lookup;
pub use operator_table::OperatorTable;
pub use range::{Beyond, Range};
pub use roofline::Roofline;
pub use selection::best_model;
pub use summed::Summed;
pub use transferred::{Neighbours, Transferred};

use crate::{Operator, operators, operators_by_node};
use nasmyth_graph::{NodeId, VerifiedGraph};
use serde::{Deserialize, Serialize};

/// Parts of the cross-validation that a model's error comes from.
const FOLDS: usize = 5;

/// Seconds, and an interval that is to hold 95 % of measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// The prediction.
    pub seconds: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Prediction {
    /// From the logarithm of seconds, and how far off the logarithm may be in either direction.
    pub(crate) fn from_log(log_seconds: f64, margin: f64) -> Self {
        let at = |shift: f64| (log_seconds + shift).exp();
        Self { seconds: at(0.0), low: at(-margin), high: at(margin) }
    }

    /// The same with an interval that is at least this many times the prediction wide, in either direction.
    pub(crate) fn widened(self, factor: f64) -> Self {
        let Self { seconds, low, high } = self;
        Self { seconds, low: low.min(seconds / factor), high: high.max(seconds * factor) }
    }

    /// From a normal distribution of the logarithm of seconds.
    pub(crate) fn from_normal(p: nasmyth_surrogate::Prediction) -> Self {
        Self::from_log(p.mean, 1.96 * p.variance.sqrt())
    }
}

/// Why a model cannot be fitted, read, or asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// The table has no entry for an operator.
    #[error(
        "the model has no operator `{kind}` (it has {known}): measure networks with it, or use another model"
    )]
    MissingOperator {
        /// The operator's kind.
        kind: String,
        /// Kinds that the table has.
        known: String,
    },
    /// Too few networks.
    #[error("expected at least {least} measured networks, got {got}: measure more")]
    TooFew {
        /// How many it takes.
        least: usize,
        /// How many there are.
        got: usize,
    },
    /// A time that is none.
    #[error("measured network {index}: expected seconds above zero, got {got}")]
    Seconds {
        /// Number of the network, from 0.
        index: usize,
        /// The time.
        got: f64,
    },
    /// A model in a file whose numbers do not belong together.
    #[error("the model cannot be used: {0}")]
    Broken(String),
}

/// A network and its measured time.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The network.
    pub graph: &'a VerifiedGraph,
    /// Seconds for one sample, above zero.
    pub seconds: f64,
}

/// Predicts the time of a network on a device.
pub trait CostModel {
    /// Time of a network for one sample.
    ///
    /// # Errors
    /// An operator that the model knows nothing of.
    fn seconds(&self, graph: &VerifiedGraph) -> Result<Prediction, ModelError>;
}

/// A fitted model, as device files hold it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Model {
    /// Sum over a table of operators.
    Lookup(Fitted<Lookup>),
    /// Peak, bandwidth and overhead.
    Roofline(Fitted<Roofline>),
    /// A line for each kind of operator.
    Linear(Fitted<Linear>),
    /// The best of these three.
    Summed(Fitted<Summed>),
    /// A Gaussian process around it.
    Learned(Fitted<Learned>),
    /// A mixture of other devices' models.
    Transferred(Transferred),
    /// A Gaussian process over genotypes; it reads no graphs.
    Cells(Cells),
}

/// An entry of the list of models.
#[derive(Debug)]
pub struct ModelKind {
    /// Name in device files and on the command line.
    pub name: &'static str,
    /// One line for `--help`.
    pub doc: &'static str,
    /// Whether it tells of every network; others refuse operators that no measured network had.
    pub total: bool,
    /// Fits it to measured networks.
    pub fit: fn(&[Sample<'_>]) -> Result<Model, ModelError>,
}

/// Every model of graphs, simple ones first.
pub static MODELS: &[ModelKind] = &[
    ModelKind {
        name: "lookup",
        doc: "table of operators and sizes, interpolated and summed",
        total: false,
        fit: |samples| Fitted::fit(samples).map(Model::Lookup),
    },
    ModelKind {
        name: "roofline",
        doc: "peak, bandwidth and overhead: each operator takes the longer of computing and moving its data",
        total: true,
        fit: |samples| Fitted::fit(samples).map(Model::Roofline),
    },
    ModelKind {
        name: "linear",
        doc: "for each kind of operator seconds for itself, its arithmetic, its activations and its weights, summed",
        total: false,
        fit: |samples| Fitted::fit(samples).map(Model::Linear),
    },
    ModelKind {
        name: "summed",
        doc: "the best of the three; the roofline for networks with operators that the other two do not have",
        total: true,
        fit: |samples| Fitted::fit(samples).map(Model::Summed),
    },
    ModelKind {
        name: "learned",
        doc: "Gaussian process over the work of each kind of operator, around the best of the three",
        total: true,
        fit: |samples| Fitted::fit(samples).map(Model::Learned),
    },
];

/// The model with this name.
pub fn model_named(name: &str) -> Option<&'static ModelKind> {
    MODELS.iter().find(|kind| kind.name == name)
}

impl Model {
    /// What part each operator has in the cost of a network, from 0 to 1 and 1 in all; what the network costs beside its operators is
    /// shared out likewise. None for models that do not tell operators apart, or do not know one of them.
    pub fn shares(&self, graph: &VerifiedGraph) -> Option<Vec<(NodeId, f64)>> {
        let seconds = |operator: &Operator| match self {
            Self::Lookup(model) => model.model.operator_seconds(operator).ok(),
            Self::Roofline(model) => Some(model.model.operator_seconds(operator)),
            Self::Linear(model) => model.model.operator_seconds(operator).ok(),
            Self::Summed(model) => Some(model.model.operator_seconds(operator)),
            Self::Learned(model) => Some(model.model.operator_seconds(operator)),
            Self::Transferred(_) | Self::Cells(_) => None,
        };
        let of = |(id, operator): (NodeId, Operator)| Some((id, seconds(&operator)?));
        let mut shares = operators_by_node(graph).map(of).collect::<Option<Vec<_>>>()?;
        let sum: f64 = shares.iter().map(|(_, seconds)| seconds).sum();
        shares.iter_mut().for_each(|(_, seconds)| *seconds /= sum);
        (sum > 0.0).then_some(shares)
    }
}

impl CostModel for Model {
    fn seconds(&self, graph: &VerifiedGraph) -> Result<Prediction, ModelError> {
        match self {
            Self::Lookup(model) => model.seconds(graph),
            Self::Roofline(model) => model.seconds(graph),
            Self::Linear(model) => model.seconds(graph),
            Self::Summed(model) => model.seconds(graph),
            Self::Learned(model) => model.seconds(graph),
            Self::Transferred(model) => model.seconds(graph),
            Self::Cells(_) => {
                Err(ModelError::Broken("it predicts genotypes of one space, not graphs".to_owned()))
            }
        }
    }
}

/// A network as its operators, and the logarithm of its seconds.
pub(crate) type Measured = (Vec<Operator>, f64);

/// A model of the operators of a network.
pub(crate) trait OperatorModel: Sized {
    /// Networks that it takes at least.
    const LEAST: usize;

    /// Fits to as many networks or more.
    fn fit(samples: &[Measured]) -> Result<Self, ModelError>;

    /// Logarithm of the seconds.
    fn log_seconds(&self, operators: &[Operator]) -> Result<f64, ModelError>;
}

/// A model with the error that it makes on networks it has not seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fitted<M> {
    /// 95 % of the absolute errors of the logarithm are below it, in cross-validation.
    margin: f64,
    #[serde(flatten)]
    model: M,
}

#[allow(private_bounds)] // the trait is a detail of the models in this folder
impl<M: OperatorModel> Fitted<M> {
    fn fit(samples: &[Sample<'_>]) -> Result<Self, ModelError> {
        let measured = measured(samples)?;
        let least = M::LEAST.max(FOLDS);
        if measured.len() < least {
            return Err(ModelError::TooFew { least, got: measured.len() });
        }
        let errors = cross_validated::<M>(&measured)?.into_iter().flatten().map(f64::abs).collect();
        Ok(Self { margin: quantile(errors, 0.95), model: M::fit(&measured)? })
    }

    fn seconds(&self, graph: &VerifiedGraph) -> Result<Prediction, ModelError> {
        Ok(Prediction::from_log(self.model.log_seconds(&operators(graph))?, self.margin))
    }
}

impl<M> Fitted<M> {
    /// What was fitted.
    pub fn model(&self) -> &M {
        &self.model
    }
}

/// For each network by how much its logarithm exceeds what a model fitted without its fold says; `None` if that model does not know one
/// of its operators.
pub(crate) fn cross_validated<M: OperatorModel>(
    samples: &[Measured],
) -> Result<Vec<Option<f64>>, ModelError> {
    let mut errors = vec![None; samples.len()];
    for fold in 0..FOLDS.min(samples.len()) {
        let rest = samples.iter().enumerate().filter(|(i, _)| i % FOLDS != fold).map(|(_, s)| s.clone());
        let model = M::fit(&rest.collect::<Vec<_>>())?;
        for (i, (operators, log)) in samples.iter().enumerate().skip(fold).step_by(FOLDS) {
            errors[i] = model.log_seconds(operators).ok().map(|predicted| log - predicted);
        }
    }
    Ok(errors)
}

/// Samples as operators and logarithms.
pub(crate) fn measured(samples: &[Sample<'_>]) -> Result<Vec<Measured>, ModelError> {
    let one =
        |(index, sample): (usize, &Sample<'_>)| Ok((operators(sample.graph), log_of(index, sample.seconds)?));
    samples.iter().enumerate().map(one).collect()
}

/// Logarithm of a measured time.
pub(crate) fn log_of(index: usize, seconds: f64) -> Result<f64, ModelError> {
    match seconds.is_finite() && seconds > 0.0 {
        true => Ok(seconds.ln()),
        false => Err(ModelError::Seconds { index, got: seconds }),
    }
}

/// The smallest value that at least this share of the values (and of one more, unseen) do not exceed; infinite without values.
pub(crate) fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (share * (values.len() + 1) as f64).ceil() as usize;
    values.get(at.min(values.len()).wrapping_sub(1)).copied().unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_count_the_value_that_is_still_to_come() {
        let values: Vec<f64> = (1..=99).map(f64::from).collect();
        assert_eq!(quantile(values, 0.95), 95.0);
        assert_eq!(quantile(vec![3.0, 1.0], 0.95), 3.0);
        assert_eq!(quantile(Vec::new(), 0.95), f64::INFINITY);
    }
}
