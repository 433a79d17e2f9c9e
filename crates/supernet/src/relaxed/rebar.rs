//! The gradient of an expectation over networks, without bias.

use super::architecture::{Architecture, Draw, Weights};
use super::relaxation::{Relaxation, largest, softmax};

/// What a function of the weights of all options is, and its gradient by them.
pub type Valued<E> = Result<(f64, Weights), E>;

/// An estimate of `E f(b)`, where `b` has one option of each choice, and of its gradient by the logits (Tucker et al. 2017, REBAR,
/// equation 7 with factor 1; for networks: Vahdat et al. 2020, UNAS, section 3.1). With `z = softmax((a + n) / T)` and `z'` the same with
/// noise drawn again, given that it leads to `b`:
/// `(f(b) - f(z')) d ln P(b) / da + d(f(z) - f(z')) / da`: REINFORCE, from which `f(z')` takes most of the variance.
///
/// `f` is called at `b`, `z` and `z'`. Only the gradients at the last two are read.
///
/// # Errors
/// Those of `f`.
pub fn rebar<E>(
    architecture: &Architecture,
    alphas: &[f64],
    draw: &Draw,
    f: &mut dyn FnMut(&Weights, bool) -> Valued<E>,
) -> Result<(f64, Vec<f64>), E> {
    let relaxed = architecture.relaxed_by(Relaxation::Gumbel);
    let (value, _) = f(&architecture.weights(alphas, draw), true)?;
    let (_, by) = f(&relaxed.weights(alphas, draw), false)?;
    let mut gradient = relaxed.pull_back(alphas, draw, &by);

    let again = Again::of(&relaxed, alphas, draw);
    let given = Draw { noise: again.noise(&relaxed, alphas), ..draw.clone() };
    let (control, by) = f(&relaxed.weights(alphas, &given), false)?;
    let by_noisy = relaxed.pull_back(alphas, &given, &by);
    for (choice, known) in again.choices.iter().enumerate() {
        let at = |i: usize| relaxed.logits(choice).start + draw.kept[choice][i];
        let Some(Conditional { top, p, slope, .. }) = known else { continue };
        let moved: Vec<f64> = slope.iter().enumerate().map(|(i, slope)| slope * by_noisy[at(i)]).collect();
        let sum: f64 = moved.iter().sum();
        for (i, p) in p.iter().enumerate() {
            let score = f64::from(u8::from(i == *top)) - p;
            gradient[at(i)] += (value - control) * score - (moved[i] - p * sum);
        }
    }
    Ok((value, gradient))
}

/// Logits with noise that leads to a given option.
struct Conditional {
    /// The option, by its number among those that are kept.
    top: usize,
    /// Probabilities.
    p: Vec<f64>,
    /// Logit and noise together.
    noisy: Vec<f64>,
    /// Derivative of each by `ln p`; that of the largest does not depend on it.
    slope: Vec<f64>,
}

impl Conditional {
    /// With `n` standard Gumbel numbers (Tucker et al. 2017, appendix: the largest of the sums has noise of its own, the others lie below).
    fn new(logits: &[f64], top: usize, n: &[f64]) -> Self {
        let p = softmax(logits, 1.0);
        let least = (-n[top]).exp();
        let arrival = |i: usize| (-n[i]).exp() / p[i];
        let noisy = |i: usize| if i == top { n[top] } else { -(arrival(i) + least).ln() };
        let slope = |i: usize| if i == top { 0.0 } else { arrival(i) / (arrival(i) + least) };
        let all = 0..p.len();
        Self { top, noisy: all.clone().map(noisy).collect(), slope: all.map(slope).collect(), p }
    }
}

/// Each open choice drawn again.
struct Again<'a> {
    draw: &'a Draw,
    choices: Vec<Option<Conditional>>,
}

impl<'a> Again<'a> {
    fn of(architecture: &Architecture, alphas: &[f64], draw: &'a Draw) -> Self {
        let choice = |(choice, kept): (usize, &Vec<usize>)| {
            let start = architecture.logits(choice).start;
            let of = |values: &dyn Fn(usize) -> f64| kept.iter().map(|&o| values(o)).collect::<Vec<_>>();
            let logits = of(&|o| alphas[start + o]);
            let noisy = of(&|o| alphas[start + o] + draw.noise[choice][o]);
            let again = of(&|o| draw.again[choice][o]);
            (kept.len() > 1).then(|| Conditional::new(&logits, largest(&noisy), &again))
        };
        Self { draw, choices: draw.kept.iter().enumerate().map(choice).collect() }
    }

    /// The noise that makes these of the logits.
    fn noise(&self, architecture: &Architecture, alphas: &[f64]) -> Vec<Vec<f64>> {
        let mut noise = self.draw.noise.clone();
        for (choice, known) in self.choices.iter().enumerate() {
            let start = architecture.logits(choice).start;
            for (&option, noisy) in self.draw.kept[choice].iter().zip(known.iter().flat_map(|c| &c.noisy)) {
                noise[choice][option] = noisy - alphas[start + option];
            }
        }
        noise
    }
}
