//! The gradient of what a choice is worth, by the choice, where the weights depend on it.

use serde::{Deserialize, Serialize};

/// Which of the two losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What the weights minimise.
    Train,
    /// What the architecture minimises.
    Valid,
}

/// A loss and its gradients.
#[derive(Clone, Debug)]
pub struct Gradient {
    /// The loss.
    pub loss: f64,
    /// By the weights.
    pub weights: Vec<f32>,
    /// By the architecture.
    pub alphas: Vec<f64>,
}

/// Minimise `L_valid(w*(a), a)` over the architecture `a`, where `w*(a)` minimises `L_train(w, a)` (Liu, Simonyan and Yang 2019,
/// equations 3 and 4).
pub trait Bilevel {
    /// Why a gradient may not exist.
    type Error;

    /// A loss at this point and its gradients. The same point gives the same until the caller moves on to other samples.
    ///
    /// # Errors
    /// The problem's own, such as a loss that is not finite.
    fn gradient(&mut self, part: Part, weights: &[f32], alphas: &[f64]) -> Result<Gradient, Self::Error>;
}

/// Where a search stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Weights of the network.
    pub weights: Vec<f32>,
    /// The second copy, which the validation loss is computed with: [`Hypergradient::NetworkSplitting`] alone has one.
    pub twin: Option<Vec<f32>>,
    /// The architecture.
    pub alphas: Vec<f64>,
}

/// How the dependence of the weights on the architecture is taken into account.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Hypergradient {
    /// Not at all: `dL_valid/da` (Liu, Simonyan and Yang 2019, section 2.3, first order).
    FirstOrder,
    /// By one step of gradient descent: the gradient of `L_valid(w - rate dL_train/dw, a)` (the same, equations 7 and 8).
    Unrolled {
        /// Rate of that step; without one, the learning rate of the weights.
        rate: Option<f64>,
    },
    /// By the implicit function theorem, the inverse Hessian as a Neumann series: `dL_valid/da - rate d2L_train/(da dw) v` with `v =
    /// sum_{k<=terms} (1 - rate H)^k dL_valid/dw` (Zhang et al. 2021, iDARTS; Lorraine, Vicol and Duvenaud 2020,
    /// algorithm 3).
    Implicit {
        /// Terms after the first.
        terms: usize,
        /// Below 1 over the largest eigenvalue of the Hessian `H`.
        rate: f64,
    },
    /// Not needed: two copies of the weights, y on the validation part and w on the training part, descend together with the
    /// architecture on `L_valid(y, a) + train L_train(w, a) + together / 2 |y - w|^2` (Xue, Qi and Xin 2022, RARTS, section 3).
    NetworkSplitting {
        /// Factor of the training loss, lambda in the paper.
        train: f64,
        /// Factor of the distance, beta in the paper.
        together: f64,
    },
}

/// What a step of the weights needs.
#[derive(Clone, Debug)]
pub struct Descent {
    /// The training loss.
    pub loss: f64,
    /// Gradient of the weights.
    pub weights: Vec<f32>,
    /// Gradient of the second copy, where there is one.
    pub twin: Option<Vec<f32>>,
}

impl Hypergradient {
    /// Where a search from these weights begins.
    pub fn begin(&self, weights: Vec<f32>, alphas: Vec<f64>) -> Point {
        let twin = self.twins().then(|| weights.clone());
        Point { weights, twin, alphas }
    }

    /// Whether there is a second copy of the weights.
    pub fn twins(&self) -> bool {
        matches!(self, Self::NetworkSplitting { .. })
    }

    /// The validation loss, and the gradient by the architecture. `rate`: learning rate of the weights.
    ///
    /// # Errors
    /// Those of the problem.
    pub fn alphas<P: Bilevel>(
        &self,
        problem: &mut P,
        at: &Point,
        rate: f64,
    ) -> Result<(f64, Vec<f64>), P::Error> {
        let (w, a) = (&at.weights, &at.alphas);
        Ok(match *self {
            Self::FirstOrder => {
                let valid = problem.gradient(Part::Valid, w, a)?;
                (valid.loss, valid.alphas)
            }
            Self::Unrolled { rate: own } => {
                let rate = own.unwrap_or(rate);
                let step = problem.gradient(Part::Train, w, a)?.weights;
                let valid = problem.gradient(Part::Valid, &moved(w, &step, -rate), a)?;
                (valid.loss, minus_mixed(problem, at, valid.alphas, &valid.weights, rate)?)
            }
            Self::Implicit { terms, rate } => {
                let valid = problem.gradient(Part::Valid, w, a)?;
                let (mut term, mut sum) = (valid.weights.clone(), valid.weights);
                for _ in 0..terms {
                    let curved = hessian_product(problem, at, &term)?;
                    term = moved(&term, &curved, -rate);
                    sum = moved(&sum, &term, 1.0);
                }
                (valid.loss, minus_mixed(problem, at, valid.alphas, &sum, rate)?)
            }
            Self::NetworkSplitting { train, .. } => {
                let valid = problem.gradient(Part::Valid, at.twin.as_ref().unwrap_or(w), a)?;
                let of_train = problem.gradient(Part::Train, w, a)?.alphas;
                (valid.loss, valid.alphas.iter().zip(of_train).map(|(v, t)| v + train * t).collect())
            }
        })
    }

    /// The gradient by the weights.
    ///
    /// # Errors
    /// Those of the problem.
    pub fn weights<P: Bilevel>(&self, problem: &mut P, at: &Point) -> Result<Descent, P::Error> {
        let of_train = problem.gradient(Part::Train, &at.weights, &at.alphas)?;
        let (Self::NetworkSplitting { train, together }, Some(twin)) = (*self, &at.twin) else {
            return Ok(Descent { loss: of_train.loss, weights: of_train.weights, twin: None });
        };
        let of_valid = problem.gradient(Part::Valid, twin, &at.alphas)?;
        let apart: Vec<f32> = at.weights.iter().zip(twin).map(|(w, y)| w - y).collect();
        let scaled: Vec<f32> = of_train.weights.iter().map(|g| g * train as f32).collect();
        Ok(Descent {
            loss: of_train.loss,
            weights: moved(&scaled, &apart, together),
            twin: Some(moved(&of_valid.weights, &apart, -together)),
        })
    }
}

/// Norm of the step of finite differences (Liu, Simonyan and Yang 2019, footnote 2).
const STEP: f64 = 0.01;

/// Gradients of the training loss at both ends of a short line through the weights along `v`, and its length in units of `v`.
struct Ends {
    low: Gradient,
    high: Gradient,
    length: f64,
}

/// `None` if `v` has no direction.
fn ends<P: Bilevel>(problem: &mut P, at: &Point, v: &[f32]) -> Result<Option<Ends>, P::Error> {
    let norm = v.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
    if norm == 0.0 || !norm.is_finite() {
        return Ok(None);
    }
    let step = STEP / norm;
    let mut end = |by: f64| problem.gradient(Part::Train, &moved(&at.weights, v, by), &at.alphas);
    Ok(Some(Ends { low: end(-step)?, high: end(step)?, length: 2.0 * step }))
}

/// The Hessian of the training loss by the weights, times `v`.
fn hessian_product<P: Bilevel>(problem: &mut P, at: &Point, v: &[f32]) -> Result<Vec<f32>, P::Error> {
    let Some(Ends { low, high, length }) = ends(problem, at, v)? else { return Ok(vec![0.0; v.len()]) };
    let slope = |(h, l): (&f32, &f32)| (f64::from(h - l) / length) as f32;
    Ok(high.weights.iter().zip(&low.weights).map(slope).collect())
}

/// `direct - rate d2L_train/(da dw) v`.
fn minus_mixed<P: Bilevel>(
    problem: &mut P,
    at: &Point,
    direct: Vec<f64>,
    v: &[f32],
    rate: f64,
) -> Result<Vec<f64>, P::Error> {
    let Some(Ends { low, high, length }) = ends(problem, at, v)? else { return Ok(direct) };
    let mixed = high.alphas.iter().zip(&low.alphas).map(|(h, l)| (h - l) / length);
    Ok(direct.iter().zip(mixed).map(|(d, m)| d - rate * m).collect())
}

/// `w + by v`.
fn moved(w: &[f32], v: &[f32], by: f64) -> Vec<f32> {
    w.iter().zip(v).map(|(w, v)| w + by as f32 * v).collect()
}
