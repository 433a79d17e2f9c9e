//! The numbers of an architecture: where they lie, and what they weigh.

use super::regulariser::Probabilities;
use super::relaxation::{Relaxation, softmax, softmax_pull_back};
use super::space::{Choice, Kept, Term};
use nasmyth_space::Rng;
use std::collections::BTreeMap;
use std::ops::Range;

/// From the numbers of an architecture to the weights of a super-network: for each choice a logit for each option, and with edge
/// normalisation a logit for each choice, a softmax of which over the edges into a value says what they count (Xu et al. 2020,
/// PC-DARTS, section 3.3).
#[derive(Clone, Debug)]
pub struct Architecture {
    relaxation: Relaxation,
    /// The logits of each choice.
    options: Vec<Range<usize>>,
    /// Those of the edges, if they have any.
    edges: Option<Range<usize>>,
    /// The choices that are terms of each sum.
    into: Vec<Vec<usize>>,
}

/// What a step draws and is at.
#[derive(Clone, Debug)]
pub struct Draw {
    /// Options that are still there.
    pub kept: Kept,
    /// For each choice, noise for each of its options.
    pub noise: Vec<Vec<f64>>,
    /// A second set of it, where the gradient is estimated from two.
    pub again: Vec<Vec<f64>>,
    /// Temperature of the relaxation.
    pub temperature: f64,
}

/// What options and edges count.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Weight of each option of each choice; 0 for those that are gone.
    pub options: Vec<Vec<f64>>,
    /// Share of each edge.
    pub edges: Vec<f64>,
}

impl Weights {
    /// Of an input of a mixture.
    pub fn of(&self, term: Term) -> f64 {
        match term {
            Term::Option { choice, option } => self.edges[choice] * self.options[choice][option],
            Term::Bypass { choice } => self.edges[choice],
        }
    }

    /// All zero, for gradients by them.
    fn zeros(&self) -> Self {
        let options = self.options.iter().map(|o| vec![0.0; o.len()]).collect();
        Self { options, edges: vec![0.0; self.edges.len()] }
    }

    /// Gradients by the weights, given those by terms.
    pub fn collect(&self, terms: impl Iterator<Item = (Term, f64)>) -> Self {
        let mut by = self.zeros();
        for (term, g) in terms {
            match term {
                Term::Option { choice, option } => {
                    by.options[choice][option] += g * self.edges[choice];
                    by.edges[choice] += g * self.options[choice][option];
                }
                Term::Bypass { choice } => by.edges[choice] += g,
            }
        }
        by
    }
}

impl Architecture {
    /// For these choices.
    pub fn new(choices: &[Choice], relaxation: Relaxation, edge_normalisation: bool) -> Self {
        let mut len = 0;
        let mut next = |n: usize| {
            len += n;
            len - n..len
        };
        let options = choices.iter().map(|c| next(c.options.len())).collect();
        let edges = edge_normalisation.then(|| next(choices.len()));
        let mut into: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (c, sum) in choices.iter().enumerate().filter_map(|(c, choice)| Some((c, choice.sum?))) {
            into.entry(sum).or_default().push(c);
        }
        Self { relaxation, options, edges, into: into.into_values().collect() }
    }

    /// How many numbers there are.
    #[allow(clippy::len_without_is_empty)] // a space has choices
    pub fn len(&self) -> usize {
        self.edges.as_ref().or(self.options.last()).map_or(0, |r| r.end)
    }

    /// Where the logits of a choice are.
    pub fn logits(&self, choice: usize) -> Range<usize> {
        self.options[choice].clone()
    }

    /// The relaxation.
    pub fn relaxation(&self) -> Relaxation {
        self.relaxation
    }

    /// The same numbers, of which another relaxation makes weights.
    pub(super) fn relaxed_by(&self, relaxation: Relaxation) -> Self {
        Self { relaxation, ..self.clone() }
    }

    /// Noise for one step.
    pub fn draw(&self, kept: &Kept, temperature: f64, rng: &mut Rng) -> Draw {
        let mut draw = || self.options.iter().map(|o| self.relaxation.draw(o.len(), rng)).collect();
        let noise = draw();
        let again = if self.relaxation == Relaxation::Rebar { draw() } else { Vec::new() };
        Draw { kept: kept.clone(), noise, again, temperature }
    }

    /// A step without noise.
    pub fn quiet(&self, kept: &Kept, temperature: f64) -> Draw {
        let noise = self.options.iter().map(|o| vec![0.0; o.len()]).collect();
        Draw { kept: kept.clone(), noise, again: Vec::new(), temperature }
    }

    /// Logits and noise of the options of `choice` that are there.
    fn own(&self, choice: usize, alphas: &[f64], draw: &Draw) -> [Vec<f64>; 2] {
        let start = self.options[choice].start;
        let kept = &draw.kept[choice];
        [
            kept.iter().map(|o| alphas[start + o]).collect(),
            kept.iter().map(|&o| draw.noise[choice][o]).collect(),
        ]
    }

    /// The logits of the options of each choice that are there.
    pub fn kept_logits(&self, alphas: &[f64], draw: &Draw) -> Vec<Vec<f64>> {
        (0..self.options.len()).map(|choice| self.own(choice, alphas, draw)[0].clone()).collect()
    }

    /// `f` of the logits and noise of each choice, spread over all its options.
    fn each(
        &self,
        alphas: &[f64],
        draw: &Draw,
        f: impl Fn(usize, &[f64], &[f64]) -> Vec<f64>,
    ) -> Vec<Vec<f64>> {
        let spread = |choice: usize| {
            let [logits, noise] = self.own(choice, alphas, draw);
            let mut all = vec![0.0; self.options[choice].len()];
            let values = f(choice, &logits, &noise);
            draw.kept[choice].iter().zip(values).for_each(|(&o, v)| all[o] = v);
            all
        };
        (0..self.options.len()).map(spread).collect()
    }

    /// What everything counts. What is decided counts 1.
    pub fn weights(&self, alphas: &[f64], draw: &Draw) -> Weights {
        let options = self.each(alphas, draw, |_, logits, noise| match logits {
            [_] => vec![1.0],
            _ => self.relaxation.weights(logits, noise, draw.temperature),
        });
        Weights { options, edges: self.shares(alphas) }
    }

    fn shares(&self, alphas: &[f64]) -> Vec<f64> {
        let mut shares = vec![1.0; self.options.len()];
        let Some(edges) = &self.edges else { return shares };
        for into in &self.into {
            let logits: Vec<f64> = into.iter().map(|c| alphas[edges.start + c]).collect();
            into.iter().zip(softmax(&logits, 1.0)).for_each(|(&c, s)| shares[c] = s);
        }
        shares
    }

    /// The options that a step computes. `gradient`: whether it is to move the logits.
    pub fn computed(&self, alphas: &[f64], draw: &Draw, gradient: bool) -> Kept {
        let of = |choice: usize| {
            let [logits, noise] = self.own(choice, alphas, draw);
            let computed = self.relaxation.computed(&logits, &noise, gradient);
            draw.kept[choice].iter().zip(computed).filter(|(_, c)| *c).map(|(&o, _)| o).collect()
        };
        (0..self.options.len()).map(of).collect()
    }

    /// The gradient by the numbers, given that by what everything counts.
    pub fn pull_back(&self, alphas: &[f64], draw: &Draw, by: &Weights) -> Vec<f64> {
        let options = self.each(alphas, draw, |choice, logits, noise| {
            let by = draw.kept[choice].iter().map(|&o| by.options[choice][o]).collect::<Vec<_>>();
            match logits {
                [_] => vec![0.0],
                _ => self.relaxation.pull_back(logits, noise, draw.temperature, &by),
            }
        });
        let mut gradient = options.concat();
        gradient.resize(self.len(), 0.0);
        let (Some(edges), shares) = (&self.edges, self.shares(alphas)) else { return gradient };
        for into in &self.into {
            let of = |values: &[f64]| into.iter().map(|&c| values[c]).collect::<Vec<_>>();
            let pulled = softmax_pull_back(&of(&shares), 1.0, &of(&by.edges));
            into.iter().zip(pulled).for_each(|(&c, g)| gradient[edges.start + c] = g);
        }
        gradient
    }

    /// Probabilities of the options of each choice; 0 for those that are gone, 1 for what is decided.
    pub fn probabilities(&self, alphas: &[f64], draw: &Draw) -> Probabilities {
        self.each(alphas, draw, |_, logits, _| match logits {
            [_] => vec![1.0],
            _ => self.relaxation.probabilities(logits, draw.temperature),
        })
    }

    /// The gradient by the numbers, given that by the probabilities.
    pub fn pull_back_probabilities(&self, alphas: &[f64], draw: &Draw, by: &Probabilities) -> Vec<f64> {
        let options = self.each(alphas, draw, |choice, logits, _| {
            let by: Vec<f64> = draw.kept[choice].iter().map(|&o| by[choice][o]).collect();
            match logits {
                [_] => vec![0.0],
                _ => self.relaxation.pull_back_probabilities(logits, draw.temperature, &by),
            }
        });
        let mut gradient = options.concat();
        gradient.resize(self.len(), 0.0);
        gradient
    }

    /// What an update is to leave alone; see [`Relaxation::settle`].
    pub fn settle(&self, before: &[f64], draw: &Draw, after: &mut [f64]) {
        for (choice, at) in self.options.iter().enumerate() {
            if draw.kept[choice].len() == at.len() {
                self.relaxation.settle(&before[at.clone()], &draw.noise[choice], &mut after[at.clone()]);
            }
        }
    }
}
