//! Hypergradients where the answer is known in closed form.

use nasmyth_supernet::relaxed::{Bilevel, Gradient, Hypergradient, Part, Point};
use std::convert::Infallible;

/// `L_valid = a w - 2 a + 1`, `L_train = w^2 - 2 a w + a^2` (Liu, Simonyan and Yang 2019, section 2.3): `w* = a`, so that the
/// solution is (1, 1).
struct Toy;

impl Bilevel for Toy {
    type Error = Infallible;

    fn gradient(&mut self, part: Part, weights: &[f32], alphas: &[f64]) -> Result<Gradient, Infallible> {
        let (w, a) = (f64::from(weights[0]), alphas[0]);
        let (loss, by_w, by_a) = match part {
            Part::Train => (w * w - 2.0 * a * w + a * a, 2.0 * (w - a), 2.0 * (a - w)),
            Part::Valid => (a * w - 2.0 * a + 1.0, a, w - 2.0),
        };
        Ok(Gradient { loss, weights: vec![by_w as f32], alphas: vec![by_a] })
    }
}

/// Alternating steps of gradient descent, as published.
fn descend(hypergradient: Hypergradient, problem: &mut Toy, mut at: Point, rate: f64) -> Point {
    for _ in 0..20_000 {
        let (_, by_a) = hypergradient.alphas(problem, &at, rate).unwrap();
        at.alphas.iter_mut().zip(by_a).for_each(|(a, g)| *a -= rate * g);
        let descent = hypergradient.weights(problem, &at).unwrap();
        let down = |w: &mut Vec<f32>, by: &[f32]| {
            w.iter_mut().zip(by).for_each(|(w, g)| *w -= rate as f32 * g);
        };
        down(&mut at.weights, &descent.weights);
        if let (Some(twin), Some(by)) = (&mut at.twin, &descent.twin) {
            down(twin, by);
        }
    }
    at
}

fn end(hypergradient: Hypergradient) -> (f64, f64) {
    let begin = hypergradient.begin(vec![-2.0], vec![2.0]);
    let end = descend(hypergradient, &mut Toy, begin, 0.01);
    (end.alphas[0], end.weights[0].into())
}

fn near(got: (f64, f64), expected: (f64, f64)) {
    assert!((got.0 - expected.0).abs() < 1e-3 && (got.1 - expected.1).abs() < 1e-3, "{got:?} {expected:?}");
}

#[test]
fn first_order_misses_the_solution_and_second_order_finds_it() {
    near(end(Hypergradient::FirstOrder), (2.0, 2.0));
    near(end(Hypergradient::Unrolled { rate: Some(0.5) }), (1.0, 1.0));
    // The Hessian is 2: with rate 0.5 the first term of the series is all of it.
    near(end(Hypergradient::Implicit { terms: 2, rate: 0.5 }), (1.0, 1.0));
}

#[test]
fn network_splitting_ends_where_its_formula_says() {
    for (train, together) in [(10.0, 10.0), (20.0, 20.0), (10.0, 20.0)] {
        let (a, w) = end(Hypergradient::NetworkSplitting { train, together });
        let expected = 2.0 / (2.0 - 1.0 / (2.0 * train) - 1.0 / together);
        near((a, w), (expected, expected * (1.0 - 1.0 / (2.0 * train))));
    }
}

/// `L_train = w H w / 2 - a B w`, `L_valid = |w - t|^2 / 2`: `w* = B' a / H`, H diagonal.
struct Quadratic {
    hessian: Vec<f64>,
    mixed: Vec<Vec<f64>>,
    target: Vec<f64>,
}

impl Quadratic {
    fn new() -> Self {
        let mixed = vec![vec![1.0, 0.5, -0.3, 0.8], vec![-0.6, 1.2, 0.4, 0.1]];
        Self { hessian: vec![0.5, 1.0, 2.0, 3.0], mixed, target: vec![0.7, -1.1, 0.3, 0.9] }
    }

    /// `B' a`
    fn pull(&self, alphas: &[f64]) -> Vec<f64> {
        (0..4).map(|j| alphas.iter().zip(&self.mixed).map(|(a, row)| a * row[j]).sum()).collect()
    }

    /// `dL_valid/da` through `w*`: `B (w* - t) / H`.
    fn exact(&self, alphas: &[f64]) -> Vec<f64> {
        let pull = self.pull(alphas);
        let error = |j: usize| (pull[j] / self.hessian[j] - self.target[j]) / self.hessian[j];
        self.mixed.iter().map(|row| (0..4).map(|j| row[j] * error(j)).sum()).collect()
    }
}

impl Bilevel for Quadratic {
    type Error = Infallible;

    fn gradient(&mut self, part: Part, weights: &[f32], alphas: &[f64]) -> Result<Gradient, Infallible> {
        let w: Vec<f64> = weights.iter().map(|&w| w.into()).collect();
        let pull = self.pull(alphas);
        let by_w: Vec<f64> = match part {
            Part::Train => (0..4).map(|j| self.hessian[j] * w[j] - pull[j]).collect(),
            Part::Valid => (0..4).map(|j| w[j] - self.target[j]).collect(),
        };
        let by_a = |row: &Vec<f64>| match part {
            Part::Train => -row.iter().zip(&w).map(|(b, w)| b * w).sum::<f64>(),
            Part::Valid => 0.0,
        };
        let alphas = self.mixed.iter().map(by_a).collect();
        Ok(Gradient { loss: 0.0, weights: by_w.iter().map(|&g| g as f32).collect(), alphas })
    }
}

#[test]
fn the_error_of_the_neumann_series_decays_as_its_slowest_eigenvalue_says() {
    let (mut problem, alphas, rate) = (Quadratic::new(), vec![0.4, -0.9], 0.3);
    let pull = problem.pull(&alphas);
    let solution = pull.iter().zip(&problem.hessian).map(|(p, h)| (p / h) as f32).collect();
    let at = Hypergradient::FirstOrder.begin(solution, alphas.clone());
    let exact = problem.exact(&alphas);
    let mut error = |terms: usize| {
        let (_, got) = Hypergradient::Implicit { terms, rate }.alphas(&mut problem, &at, 0.0).unwrap();
        got.iter().zip(&exact).map(|(g, e)| (g - e).powi(2)).sum::<f64>().sqrt()
    };
    let (few, many) = (error(12), error(32));
    let slope = (many / few).ln() / 20.0;
    let expected = (1.0f64 - rate * 0.5).ln();
    assert!((slope / expected - 1.0).abs() < 0.05, "{slope} {expected}");
    assert!(error(100) < 1e-3);
}
