//! Relaxations, regularisers and limits against finite differences, enumeration and what their papers promise.

use nasmyth_space::spaces::cell::{Skeleton, in_skeleton, stem_stride};
use nasmyth_space::{Context, Rng};
use nasmyth_supernet::relaxed::{
    Architecture, Choice, Costs, Form, Limit, MergedSpace, Probabilities, Regulariser, Relaxation,
    RelaxedSpace, Term, Weights, all_options, largest, rebar, softmax,
};
use rand::{RngExt, SeedableRng};

const LOGITS: [f64; 4] = [0.3, -0.8, 0.1, 0.6];

fn smooth() -> Vec<Relaxation> {
    vec![
        Relaxation::Softmax,
        Relaxation::Identity,
        Relaxation::SparseNoisySoftmax { share: 0.5 },
        Relaxation::Gumbel,
        Relaxation::HardConcrete { stretch: 0.1 },
        Relaxation::MaxW,
    ]
}

/// The gradient of `f` by central differences.
fn differences(at: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    const STEP: f64 = 1e-6;
    let along = |i: usize| {
        let ends = [STEP, -STEP].map(|s| {
            let mut moved = at.to_vec();
            moved[i] += s;
            f(&moved)
        });
        (ends[0] - ends[1]) / (2.0 * STEP)
    };
    (0..at.len()).map(along).collect()
}

fn near(got: &[f64], expected: &[f64], what: &dyn std::fmt::Debug) {
    let close = got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-6);
    assert!(got.len() == expected.len() && close, "{what:?}: {got:?} against {expected:?}");
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let by = [0.7, -1.1, 0.4, 0.2];
    let mut rng = Rng::seed_from_u64(1);
    for relaxation in smooth() {
        for temperature in [1.0, 0.4] {
            let noise = relaxation.draw(LOGITS.len(), &mut rng);
            let value = |a: &[f64]| dot(&relaxation.weights(a, &noise, temperature), &by);
            let pulled = relaxation.pull_back(&LOGITS, &noise, temperature, &by);
            near(&pulled, &differences(&LOGITS, value), &relaxation);
            let value = |a: &[f64]| dot(&relaxation.probabilities(a, temperature), &by);
            let pulled = relaxation.pull_back_probabilities(&LOGITS, temperature, &by);
            near(&pulled, &differences(&LOGITS, value), &relaxation);
        }
    }
}

#[test]
fn max_w_leaves_the_leading_option_as_it_is() {
    let weights = Relaxation::MaxW.weights(&LOGITS, &[0.0; 4], 1.0);
    assert_eq!(weights[largest(&LOGITS)], 1.0);
    assert!(weights.iter().all(|&w| w <= 1.0));
}

#[test]
fn hard_samples_come_with_the_probability_of_their_option_and_so_do_open_gates() {
    const DRAWS: usize = 40_000;
    let mut rng = Rng::seed_from_u64(2);
    let gates = Relaxation::HardConcrete { stretch: 0.1 };
    for relaxation in [Relaxation::HardGumbel, Relaxation::BinaryGate, gates] {
        let mut counts = [0.0; 4];
        for _ in 0..DRAWS {
            let noise = relaxation.draw(4, &mut rng);
            let weights = relaxation.weights(&LOGITS, &noise, 0.7);
            counts
                .iter_mut()
                .zip(weights)
                .for_each(|(c, w)| *c += f64::from(u8::from(w > 0.0)) / DRAWS as f64);
        }
        // Four standard deviations of 40,000 draws at most are 0.01.
        let expected = relaxation.probabilities(&LOGITS, 0.7);
        assert!(counts.iter().zip(expected).all(|(c, e)| (c - e).abs() < 0.01), "{relaxation:?} {counts:?}");
    }
}

#[test]
fn low_temperatures_saturate_the_softmax_but_not_the_one_with_noise() {
    let by = [1.0, -1.0, 0.5, 0.0];
    let size = |relaxation: Relaxation, rng: &mut Rng| -> f64 {
        let pull = |_| {
            let noise = relaxation.draw(4, rng);
            relaxation.pull_back(&LOGITS, &noise, 0.01, &by).iter().map(|g| g.abs()).sum::<f64>()
        };
        (0..2000).map(pull).sum::<f64>() / 2000.0
    };
    let mut rng = Rng::seed_from_u64(3);
    assert!(size(Relaxation::Softmax, &mut rng) < 1e-9);
    assert!(size(Relaxation::SparseNoisySoftmax { share: 0.5 }, &mut rng) > 0.1);
}

#[test]
fn binary_gates_estimate_the_gradient_of_the_expected_loss() {
    // The loss of each path, which is the gradient by its gate.
    let losses = [0.3, 1.2, 0.9, 0.1];
    let exact = differences(&LOGITS, |a| dot(&softmax(a, 1.0), &losses));
    let (mut rng, mut mean) = (Rng::seed_from_u64(4), [0.0; 4]);
    const DRAWS: usize = 200_000;
    for _ in 0..DRAWS {
        let noise = Relaxation::BinaryGate.draw(4, &mut rng);
        let computed = Relaxation::BinaryGate.computed(&LOGITS, &noise, true);
        assert_eq!(computed.iter().filter(|c| **c).count(), 2);
        let by: Vec<f64> =
            computed.iter().zip(&losses).map(|(&c, l)| if c { *l } else { f64::NAN }).collect();
        let pulled = Relaxation::BinaryGate.pull_back(&LOGITS, &noise, 1.0, &by);
        mean.iter_mut().zip(pulled).for_each(|(m, g)| *m += g / DRAWS as f64);
    }
    // The pair is drawn by its probability and taken for the whole: the direction is that of the exact gradient, no more is claimed.
    let norm = |v: &[f64]| dot(v, v).sqrt();
    let cosine = dot(&mean, &exact) / (norm(&mean) * norm(&exact));
    assert!(cosine > 0.95, "{cosine} {mean:?} {exact:?}");
}

#[test]
fn an_update_of_two_paths_leaves_the_probabilities_of_the_others() {
    let mut rng = Rng::seed_from_u64(5);
    let noise = Relaxation::BinaryGate.draw(4, &mut rng);
    let computed = Relaxation::BinaryGate.computed(&LOGITS, &noise, true);
    let mut after: Vec<f64> = LOGITS.iter().map(|a| a + rng.random::<f64>()).collect();
    Relaxation::BinaryGate.settle(&LOGITS, &noise, &mut after);
    let (old, new) = (softmax(&LOGITS, 1.0), softmax(&after, 1.0));
    for i in 0..4 {
        assert_eq!((old[i] - new[i]).abs() < 1e-12, !computed[i], "{old:?} {new:?} {computed:?}");
    }
}

fn cell() -> MergedSpace<'static> {
    let context = Context::series(16, 1, 3);
    let skeleton = Skeleton { width: 4, cells: 1, stride: stem_stride(&context) };
    MergedSpace::new(&in_skeleton(&context, skeleton).unwrap()).unwrap()
}

fn distributions(choices: &[Choice], seed: u64) -> Probabilities {
    let mut rng = Rng::seed_from_u64(seed);
    let p = |c: &Choice| softmax(&c.options.iter().map(|_| rng.random::<f64>()).collect::<Vec<_>>(), 0.3);
    choices.iter().map(p).collect()
}

#[test]
fn regularisers_and_limits_have_the_gradients_of_finite_differences() {
    let space = cell();
    let p = distributions(space.choices(), 6);
    let split = |flat: &[f64]| flat.chunks(5).map(<[f64]>::to_vec).collect::<Probabilities>();
    let regularisers = [
        Regulariser::None,
        Regulariser::PathDepth { depth: 0.7, skip: 0.2, other: 0.1 },
        Regulariser::Entropy { weight: 0.4 },
    ];
    for regulariser in regularisers {
        let value = |flat: &[f64]| regulariser.evaluate(space.choices(), &split(flat), 0.5).0;
        let (_, gradient) = regulariser.evaluate(space.choices(), &p, 0.5);
        near(&gradient.concat(), &differences(&p.concat(), value), &regulariser);
    }
    let decay = Regulariser::BetaDecay { weight: 50.0 };
    let value = |flat: &[f64]| decay.of_logits(&split(flat), 0.5).0;
    near(&decay.of_logits(&p, 0.5).1.concat(), &differences(&p.concat(), value), &decay);
    assert_eq!(decay.of_logits(&[vec![3.0]], 1.0), (0.0, vec![vec![0.0]]), "what is decided is left alone");
    let costs = Costs::macs(&space).unwrap();
    for limit in [Limit::None, Limit::Sum { weight: 0.3 }, Limit::Product { factor: 0.2, exponent: 0.6 }] {
        let value = |flat: &[f64]| limit.charge(1.7, &costs, &split(flat)).loss;
        near(&limit.charge(1.7, &costs, &p).gradient.concat(), &differences(&p.concat(), value), &limit);
        let by_loss = differences(&[1.7], |l| limit.charge(l[0], &costs, &p).loss);
        near(&[limit.charge(1.7, &costs, &p).factor], &by_loss, &limit);
    }
}

#[test]
fn the_path_is_as_deep_as_every_link_is_probable() {
    let space = cell();
    // Edges 0 -> 1, 1 -> 2 and 2 -> 3 are choices 0, 2 and 5; operators 2 and 3 have weights.
    let p = distributions(space.choices(), 7);
    let expected: f64 = [0, 2, 5].map(|c: usize| p[c][2] + p[c][3]).iter().product();
    let (value, _) =
        Regulariser::PathDepth { depth: 1.0, skip: 0.0, other: 0.0 }.evaluate(space.choices(), &p, 0.0);
    assert!((value + expected).abs() < 1e-12);
}

#[test]
fn expected_costs_are_those_of_the_networks_themselves() {
    let space = cell();
    let costs = Costs::macs(&space).unwrap();
    let mut rng = Rng::seed_from_u64(8);
    for _ in 0..20 {
        // Without "none", so that everything is read.
        let options: Vec<usize> =
            space.choices().iter().map(|c| rng.random_range(1..c.options.len())).collect();
        let kept = options.iter().map(|&o| vec![o]).collect();
        let macs = space.relaxed(&[], &kept, Form::WHOLE).unwrap().graph.macs() as f64;
        let one_hot = |&o: &usize| (0..5).map(|i| f64::from(u8::from(i == o))).collect();
        let p: Probabilities = options.iter().map(one_hot).collect();
        assert_eq!(costs.expected(&p), macs);
        assert!(costs.lowest() <= macs && macs <= costs.highest());
    }
    // The mean over all 15,625 networks, each with its probability.
    let p = distributions(space.choices(), 9);
    let mut mean = 0.0;
    for network in 0..5usize.pow(6) {
        let options = (0..6).map(|c| network / 5usize.pow(c) % 5).enumerate();
        let (chance, cost) = options
            .fold((1.0, costs.base), |(chance, cost), (c, o)| (chance * p[c][o], cost + costs.options[c][o]));
        mean += chance * cost;
    }
    assert!((costs.expected(&p) / mean - 1.0).abs() < 1e-9);
}

#[test]
fn edges_share_a_value_and_decided_choices_have_no_gradient() {
    let space = cell();
    let architecture = Architecture::new(space.choices(), Relaxation::Softmax, true);
    let mut kept = all_options(space.choices());
    kept[3] = vec![2];
    let draw = architecture.quiet(&kept, 1.0);
    let mut rng = Rng::seed_from_u64(10);
    let alphas: Vec<f64> = (0..architecture.len()).map(|_| rng.random::<f64>()).collect();
    let terms: Vec<(Term, f64)> = (0..6)
        .flat_map(|choice| {
            let options = kept[choice].iter().map(move |&option| Term::Option { choice, option });
            options.chain([Term::Bypass { choice }])
        })
        .map(|term| (term, rng.random::<f64>() - 0.5))
        .collect();
    let value = |alphas: &[f64]| -> f64 {
        let weights = architecture.weights(alphas, &draw);
        terms.iter().map(|&(term, g)| g * weights.of(term)).sum()
    };
    let weights = architecture.weights(&alphas, &draw);
    for into in [&[0][..], &[1, 2], &[3, 4, 5]] {
        assert!((into.iter().map(|&c| weights.edges[c]).sum::<f64>() - 1.0).abs() < 1e-12);
    }
    assert_eq!(weights.options[3], [0.0, 0.0, 1.0, 0.0, 0.0]);
    let pulled = architecture.pull_back(&alphas, &draw, &weights.collect(terms.iter().copied()));
    near(&pulled, &differences(&alphas, value), &"architecture");
    assert!(pulled[architecture.logits(3)].iter().all(|&g| g == 0.0));
}

/// A function of the weights of three choices among four that is no sum over the choices, and its gradient.
fn entangled(weights: &Weights) -> (f64, Weights) {
    let factor = |c: usize, o: usize| ((3 * c + 5 * o) as f64).sin();
    let parts: Vec<f64> =
        weights.options.iter().enumerate().map(|(c, w)| (0..4).map(|o| factor(c, o) * w[o]).sum()).collect();
    let value = (parts[0] * parts[1]).exp() + parts[2] * (parts[0] - parts[1]) + parts[2].powi(2);
    let product = (parts[0] * parts[1]).exp();
    let by_parts =
        [parts[1] * product + parts[2], parts[0] * product - parts[2], parts[0] - parts[1] + 2.0 * parts[2]];
    let options = (0..3).map(|c| (0..4).map(|o| by_parts[c] * factor(c, o)).collect()).collect();
    (value, Weights { options, edges: vec![0.0; 3] })
}

#[test]
fn rebar_has_no_bias_and_less_variance_than_reinforce() {
    const DRAWS: usize = 100_000;
    let choices: Vec<Choice> = cell().choices()[..3]
        .iter()
        .map(|choice| Choice { options: choice.options[..4].to_vec(), ..choice.clone() })
        .collect();
    let kept = all_options(&choices);
    let architecture = Architecture::new(&choices, Relaxation::Rebar, false);
    let alphas: Vec<f64> = (0..12).map(|i| (i as f64 * 1.3).cos()).collect();
    let p: Vec<Vec<f64>> = alphas.chunks(4).map(|a| softmax(a, 1.0)).collect();

    // By enumeration.
    let (mut mean, mut exact) = (0.0, vec![0.0; 12]);
    for number in 0..64 {
        let options = [number / 16, number / 4 % 4, number % 4];
        let one_hot = |o: &usize| (0..4).map(|i| f64::from(u8::from(i == *o))).collect();
        let weights = Weights { options: options.iter().map(one_hot).collect(), edges: vec![1.0; 3] };
        let chance: f64 = options.iter().enumerate().map(|(c, &o)| p[c][o]).product();
        let value = entangled(&weights).0;
        mean += chance * value;
        for (i, gradient) in exact.iter_mut().enumerate() {
            let score = weights.options[i / 4][i % 4] - p[i / 4][i % 4];
            *gradient += chance * value * score;
        }
    }

    let mut rng = Rng::seed_from_u64(4);
    let (mut sum, mut squares, mut reinforce, mut values) =
        (vec![0.0; 12], vec![0.0; 12], vec![0.0; 12], 0.0);
    for _ in 0..DRAWS {
        let draw = architecture.draw(&kept, 0.4, &mut rng);
        let mut f = |weights: &Weights, _| Ok::<_, std::convert::Infallible>(entangled(weights));
        let (value, gradient) = rebar(&architecture, &alphas, &draw, &mut f).unwrap();
        let hard = architecture.weights(&alphas, &draw);
        values += value / DRAWS as f64;
        for i in 0..12 {
            sum[i] += gradient[i] / DRAWS as f64;
            squares[i] += gradient[i].powi(2) / DRAWS as f64;
            let score = value * (hard.options[i / 4][i % 4] - p[i / 4][i % 4]);
            reinforce[i] += score.powi(2) / DRAWS as f64;
        }
    }
    let variance: Vec<f64> = sum.iter().zip(&squares).map(|(m, s)| s - m * m).collect();
    let deviations = |i: usize| (sum[i] - exact[i]) / (variance[i] / DRAWS as f64).sqrt();
    let all: Vec<f64> = (0..12).map(deviations).collect();
    // Twelve standard normal numbers: the mean square is below 2 but once in a hundred times.
    assert!(dot(&all, &all) / 12.0 < 2.0, "{all:?}");
    assert!((values - mean).abs() < 0.05, "{values} against {mean}");
    let of_reinforce: f64 = reinforce.iter().zip(&exact).map(|(s, m)| s - m * m).sum();
    assert!(variance.iter().sum::<f64>() < 0.5 * of_reinforce, "{variance:?} against {of_reinforce}");
}
