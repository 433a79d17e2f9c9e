//! A sampler that draws genotypes in proportion to the exponential of an energy.
//!
//! A generative flow network (Bengio, Jain, Korablyov, Precup and Bengio, NeurIPS 2021) over the process that decides the places of a space
//! in order. Each state is reached in one way only, so detailed balance (Bengio, Lahlou, Deleu, Hu, Tiwari and Bengio: "GFlowNet
//! Foundations", JMLR 2023, section 3.2) needs no backward policy: `F(s) P(s' | s) = F(s')`, and `F` of a complete genotype is the
//! exponential of its energy. Flows look forward (Pan, Malkin, Zhang and Bengio, ICML 2023; Zhang et al.: "Let the Flows Tell", NeurIPS 2023):
//! the energy of a state, that of the network with defaults in the open places, is a part of `log F(s)`, and a small network with one
//! hidden layer learns the rest along with the policy.

use crate::Rng;
use crate::cells::{cell, cells, gene};
use crate::policy::{draw, softmax};
use crate::prefix::completed;
use nasmyth_space::{Gene, Genotype, Scale, Space};
use nasmyth_surrogate::{Optimizer, OptimizerKind};
use rand::RngExt;

/// Units of the hidden layer.
const UNITS: usize = 32;
/// Learning rate.
const RATE: f64 = 5e-3;

/// Policy and flows.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    scales: Vec<Scale>,
    /// Number of the first cell of each place; at last the number of all.
    first: Vec<usize>,
    params: Vec<f64>,
    rule: Optimizer<f64>,
}

/// What the network says of a state.
struct State {
    hidden: Vec<f64>,
    shares: Vec<f64>,
    /// `log F` without the energy.
    flow: f64,
}

/// The place that is decided, and the number of its cell among all.
#[derive(Clone, Copy)]
struct Step {
    place: usize,
    cell: usize,
}

impl Flow {
    /// A uniform policy; flows are those of genotypes of energy 0, none of which lacks a place.
    pub fn new(scales: Vec<Scale>, rng: &mut Rng) -> Self {
        let mut first = vec![0];
        first.extend(scales.iter().scan(0, |sum, &scale| {
            *sum += cells(scale) as usize;
            Some(*sum)
        }));
        let (total, places) = (first[scales.len()], scales.len());
        let length = (2 * total + places + 1) * UNITS + total + places;
        let rule = Optimizer::of(OptimizerKind::adamw(), length);
        let mut flow = Self { params: vec![0.0; length], rule, scales, first };
        let inputs = flow.output(0);
        flow.params[..inputs].iter_mut().for_each(|weight| *weight = rng.random_range(-0.5..0.5));
        let mut completions = 0.0;
        for place in (0..places).rev() {
            completions += f64::from(cells(flow.scales[place])).ln();
            let bias = flow.flow_bias(place);
            flow.params[bias] = completions;
        }
        flow
    }

    // The parameters, in order: a row of units for each cell that a state has taken and one for the place that it decides;
    // a row for each cell that may be chosen and one for the flow; their biases.

    fn total(&self) -> usize {
        self.first[self.scales.len()]
    }

    fn input(&self, cell: usize) -> usize {
        cell * UNITS
    }

    fn position(&self, place: usize) -> usize {
        (self.total() + place) * UNITS
    }

    fn output(&self, cell: usize) -> usize {
        (self.total() + self.scales.len() + cell) * UNITS
    }

    fn output_bias(&self, cell: usize) -> usize {
        self.output(self.total() + 1) + cell
    }

    fn flow_bias(&self, place: usize) -> usize {
        self.output_bias(self.total() + place)
    }

    fn row(&self, at: usize) -> &[f64] {
        &self.params[at..at + UNITS]
    }

    /// The state that has taken these steps and decides a place.
    fn state(&self, taken: &[Step], place: usize) -> State {
        let mut hidden = self.row(self.position(place)).to_vec();
        for step in taken {
            let row = self.row(self.input(step.cell));
            hidden.iter_mut().zip(row).for_each(|(sum, weight)| *sum += weight);
        }
        hidden.iter_mut().for_each(|sum| *sum = sum.max(0.0));
        let options = self.first[place]..self.first[place + 1];
        let logit =
            |cell: usize| self.params[self.output_bias(cell)] + dot(&hidden, self.row(self.output(cell)));
        let shares = softmax(&options.map(logit).collect::<Vec<_>>());
        let flow = self.params[self.flow_bias(place)] + dot(&hidden, self.row(self.output(self.total())));
        State { hidden, shares, flow }
    }

    /// Adds the gradient of what the logits and the flow of a state are multiplied with.
    fn add_gradient(
        &self,
        state: &State,
        (taken, place): (&[Step], usize),
        (logits, flow): (&[f64], f64),
        gradient: &mut [f64],
    ) {
        let mut hidden = vec![0.0; UNITS];
        let mut add = |row: usize, bias: usize, weight: f64| {
            gradient[bias] += weight;
            let rows = gradient[row..row + UNITS].iter_mut().zip(self.row(row));
            for (((g, param), unit), back) in rows.zip(&state.hidden).zip(&mut hidden) {
                *g += weight * unit;
                *back += weight * param;
            }
        };
        for (option, weight) in logits.iter().enumerate() {
            let cell = self.first[place] + option;
            add(self.output(cell), self.output_bias(cell), *weight);
        }
        add(self.output(self.total()), self.flow_bias(place), flow);
        let active = |(back, unit): (f64, &f64)| if *unit > 0.0 { back } else { 0.0 };
        let hidden: Vec<f64> = hidden.into_iter().zip(&state.hidden).map(active).collect();
        for row in taken.iter().map(|step| self.input(step.cell)).chain([self.position(place)]) {
            gradient[row..row + UNITS].iter_mut().zip(&hidden).for_each(|(g, back)| *g += back);
        }
    }

    fn steps(&self, space: &Space, genotype: &Genotype) -> Vec<Step> {
        let genes = space.by_place(genotype).into_iter().enumerate();
        let step = |(place, gene): (usize, Option<Gene>)| {
            gene.map(|gene| Step { place, cell: self.first[place] + cell(self.scales[place], gene) as usize })
        };
        genes.filter_map(step).collect()
    }

    /// A genotype; each gene is drawn uniformly with the chance `exploration`, otherwise by the policy.
    pub fn sample(&self, space: &Space, exploration: f64, rng: &mut Rng) -> Genotype {
        let mut taken = Vec::new();
        space.compose(|place| {
            let options = self.first[place + 1] - self.first[place];
            let option = match rng.random_bool(exploration) {
                true => rng.random_range(0..options),
                false => draw(&self.state(&taken, place).shares, rng),
            };
            taken.push(Step { place, cell: self.first[place] + option });
            gene(self.scales[place], option as u32, rng)
        })
    }

    /// Sum of the squared violations of detailed balance on the way to a genotype, the gradient of which it adds to `gradient`.
    fn imbalance(
        &self,
        space: &Space,
        genotype: &Genotype,
        energy: &mut dyn FnMut(&Genotype) -> f64,
        gradient: &mut [f64],
    ) -> f64 {
        let steps = self.steps(space, genotype);
        let genes = space.by_place(genotype);
        let states: Vec<State> = (0..steps.len()).map(|k| self.state(&steps[..k], steps[k].place)).collect();
        let mut log_flow =
            |(step, state): (&Step, &State)| energy(&completed(space, &genes[..step.place])) + state.flow;
        let mut flows: Vec<f64> = steps.iter().zip(&states).map(&mut log_flow).collect();
        flows.push(energy(genotype));
        let residual = |k: usize| {
            let option = steps[k].cell - self.first[steps[k].place];
            flows[k] + states[k].shares[option].max(f64::MIN_POSITIVE).ln() - flows[k + 1]
        };
        let residuals: Vec<f64> = (0..steps.len()).map(residual).collect();
        for (k, (state, step)) in states.iter().zip(&steps).enumerate() {
            let before = if k == 0 { 0.0 } else { residuals[k - 1] };
            let mut logits: Vec<f64> = state.shares.iter().map(|share| -2.0 * residuals[k] * share).collect();
            logits[step.cell - self.first[step.place]] += 2.0 * residuals[k];
            let flow = 2.0 * (residuals[k] - before);
            self.add_gradient(state, (&steps[..k], step.place), (&logits, flow), gradient);
        }
        residuals.iter().map(|residual| residual * residual).sum()
    }

    /// One step of Adam against the mean imbalance of a batch.
    pub fn learn(&mut self, space: &Space, batch: &[Genotype], energy: &mut dyn FnMut(&Genotype) -> f64) {
        let mut gradient = vec![0.0; self.params.len()];
        for genotype in batch {
            self.imbalance(space, genotype, energy, &mut gradient);
        }
        gradient.iter_mut().for_each(|g| *g /= batch.len().max(1) as f64);
        self.rule.step(&mut self.params, &gradient, RATE, 0.0);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_space::{SpaceError, Tree};
    use rand::SeedableRng;

    /// Up to three layers of six kinds each, all different: 259 genotypes of 1 to 4 genes.
    fn space() -> Space {
        let layer = Tree::choice("kind", [0, 1, 2, 3, 4, 5]);
        Space::new("layers", "", Tree::repeat("layers", 0..=3, layer), |_| {
            Err(SpaceError::GenotypeText { text: String::new(), got: String::new(), position: 1 })
        })
        .unwrap()
    }

    /// Depends on pairs of genes, and on their number.
    fn energy(genotype: &Genotype) -> f64 {
        let index = |gene: &Gene| if let Gene::Index(i) = gene { f64::from(*i) } else { 0.0 };
        let genes: Vec<f64> = genotype.genes().iter().map(index).collect();
        genes.windows(2).map(|pair| (2.3 * pair[0] * pair[1] + pair[1]).sin()).sum::<f64>() * 1.5
    }

    fn chance(flow: &Flow, space: &Space, genotype: &Genotype) -> f64 {
        let steps = flow.steps(space, genotype);
        let share = |k: usize| {
            let Step { place, cell } = steps[k];
            flow.state(&steps[..k], place).shares[cell - flow.first[place]]
        };
        (0..steps.len()).map(share).product()
    }

    #[test]
    fn the_trained_sampler_has_the_distribution_of_enumeration() {
        let space = space();
        let all: Vec<Genotype> = space.enumerate().collect();
        assert_eq!(all.len(), 259);
        let z: f64 = all.iter().map(|genotype| energy(genotype).exp()).sum();
        let mut rng = Rng::seed_from_u64(1);
        let mut flow = Flow::new(space.scales(), &mut rng);
        let variation = |flow: &Flow| {
            let apart = |g: &Genotype| (chance(flow, &space, g) - energy(g).exp() / z).abs();
            all.iter().map(apart).sum::<f64>() / 2.0
        };
        assert!(variation(&flow) > 0.4);
        for _ in 0..3_000 {
            let batch: Vec<Genotype> = (0..16).map(|_| flow.sample(&space, 0.2, &mut rng)).collect();
            flow.learn(&space, &batch, &mut energy);
        }
        assert!((all.iter().map(|g| chance(&flow, &space, g)).sum::<f64>() - 1.0).abs() < 1e-9);
        let log_z = energy(&space.default_genotype()) + flow.state(&[], 0).flow;
        let apart = variation(&flow);
        assert!(apart < 0.1, "total variation {apart}");
        assert!((log_z - z.ln()).abs() < 0.1, "{log_z}, not {}", z.ln());
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let space = space();
        let mut rng = Rng::seed_from_u64(2);
        let mut flow = Flow::new(space.scales(), &mut rng);
        flow.params.iter_mut().for_each(|param| *param += rng.random_range(-0.5..0.5));
        let genotype = space.enumerate().last().unwrap();
        let mut gradient = vec![0.0; flow.params.len()];
        flow.imbalance(&space, &genotype, &mut energy, &mut gradient);
        assert!(gradient.iter().filter(|g| **g != 0.0).count() > 100);
        for (i, exact) in gradient.iter().enumerate() {
            let at = |shift: f64| {
                let mut moved = flow.clone();
                moved.params[i] += shift;
                moved.imbalance(&space, &genotype, &mut energy, &mut vec![0.0; gradient.len()])
            };
            let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((slope - exact).abs() < 1e-4 * (1.0 + exact.abs()), "{i}: {exact}, not {slope}");
        }
    }
}
