//! A super-network on data, as a bilevel problem.

use super::architecture::{Architecture, Draw, Weights};
use super::error::SearchError;
use super::hypergradient::{Bilevel, Descent, Gradient, Part};
use super::limit::{Costs, Limit};
use super::rebar::rebar;
use super::regulariser::Regulariser;
use super::relaxation::Relaxation;
use super::space::{Form, Kept, Kernels, Mixture, RelaxedSpace, Term, all_options};
use super::stages::{Site, Stages, Stream, Tensor, score};
use crate::address::Address;
use crate::{Bank, Gradients, Step};
use nasmyth_data::{Dataset, Subset, Task};
use nasmyth_engine::Engine;
use nasmyth_graph::VerifiedGraph;
use nasmyth_space::Rng;
use nasmyth_train::OptimizerKind;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How a super-network is built and judged.
#[derive(Clone, Debug)]
pub struct Setup {
    /// How options are computed.
    pub form: Form,
    /// Samples of a step.
    pub batch: usize,
    /// What is added to the validation loss.
    pub regulariser: Regulariser,
    /// What costs do to it.
    pub limit: Limit,
    /// What options cost.
    pub costs: Costs,
    /// The options of each choice that it begins with.
    pub kept: Kept,
    /// Bytes that a step may take.
    pub memory: u64,
}

/// The weights of all networks of a space, and the two halves of the data: on the training part the weights learn, on the validation
/// part the architecture.
pub struct SuperNetwork<'a> {
    stages: Stages<'a>,
    bank: Bank,
    setup: Setup,
    architecture: Architecture,
    train: Stream<'a>,
    valid: Stream<'a>,
    now: Now,
    /// Steps so far.
    steps: u64,
}

/// Where the step stands.
struct Now {
    draw: Draw,
    /// Options of the drawn choices.
    drawn: Vec<usize>,
    /// The weights of the step, one tensor after the other.
    site: Arc<Site>,
    /// Share of the search that is over.
    progress: f64,
}

/// A loss, and its gradients by what options count and by the weights.
struct Evaluated {
    loss: f64,
    by: Weights,
    weights: Vec<f32>,
}

/// How well a network does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Share of right answers; of a regression, the coefficient of determination against the mean.
    pub accuracy: f64,
    /// Mean loss.
    pub loss: f64,
}

/// Of the part of the bank in which the second copies of the weights are; see [`Hypergradient::NetworkSplitting`](super::Hypergradient).
const TWINS: u32 = 1;

impl<'a> SuperNetwork<'a> {
    /// The super-network of a whole space with fresh weights, which learn with this momentum.
    ///
    /// # Errors
    /// Data without a validation part, a space that was made for other data or has no network for it, or a super-network that does
    /// not fit into memory.
    pub fn new(
        space: &'a dyn RelaxedSpace,
        data: &'a Dataset,
        engine: &'a Engine,
        setup: Setup,
        architecture: Architecture,
        (momentum, seed): (f64, u64),
    ) -> Result<Self, SearchError> {
        let Setup { form, batch, memory, .. } = setup;
        let mut stages = Stages { space, data, engine, form, batch, memory, seed, recent: Vec::new() };
        let drawn = vec![0; space.drawn().len()];
        let draw = architecture.quiet(&setup.kept, 1.0);
        let first = architecture.computed(&vec![0.0; architecture.len()], &draw, true);
        let relaxed = space.relaxed(&drawn, &all_options(space.choices()), form)?;
        check_fit(&relaxed.graph, data)?;
        let around = |mixture: &Mixture| mixture.terms.iter().any(|term| matches!(term, Term::Bypass { .. }));
        if form.partial > 1 && !relaxed.mixtures.iter().any(around) {
            return Err(SearchError::Partial(form.partial));
        }
        if form.kernels != Kernels::Apart && relaxed.kernels.is_empty() {
            return Err(SearchError::Kernels);
        }
        let stage = stages.get(&drawn, &first)?;
        let now = Now { draw, site: stage.site.clone(), drawn, progress: 0.0 };
        Ok(Self {
            bank: Bank::new(seed, OptimizerKind::Sgd { momentum }),
            train: Stream::new(data, Subset::Train, setup.batch, seed),
            valid: Stream::new(data, Subset::Valid, setup.batch, seed),
            steps: 0,
            stages,
            setup,
            architecture,
            now,
        })
    }

    /// The numbers of the architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// What options cost.
    pub fn costs(&self) -> &Costs {
        &self.setup.costs
    }

    /// What this step draws and is at.
    pub fn draw(&self) -> &Draw {
        &self.now.draw
    }

    /// All weights.
    pub fn bank(&self) -> &Bank {
        &self.bank
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Goes on after so many steps, of which the last one had this temperature, with these weights.
    pub fn restore(&mut self, bank: Bank, steps: u64, temperature: f64) {
        (self.bank, self.steps, self.now.draw.temperature) = (bank, steps, temperature);
        let batch = self.setup.batch as u64;
        for stream in [&mut self.train, &mut self.valid] {
            stream.batches.seek(steps * batch);
        }
    }

    /// Moves on to the next samples, new noise and these drawn options. `at`: temperature, and share of the search that is over.
    ///
    /// # Errors
    /// A network that cannot be compiled.
    pub fn advance(
        &mut self,
        kept: &Kept,
        drawn: &[usize],
        alphas: &[f64],
        (temperature, progress): (f64, f64),
        rng: &mut Rng,
    ) -> Result<(), SearchError> {
        self.train.next();
        self.valid.next();
        self.steps += 1;
        let draw = self.architecture.draw(kept, temperature, rng);
        let computed = self.architecture.computed(alphas, &draw, true);
        let site = self.stages.get(drawn, &computed)?.site.clone();
        self.now = Now { draw, drawn: drawn.to_vec(), site, progress };
        Ok(())
    }

    /// Sees to it that the super-network of these options is compiled.
    ///
    /// # Errors
    /// Options that there is no super-network of, or one that does not fit into memory.
    pub fn ready(&mut self, kept: &Kept, drawn: &[usize], alphas: &[f64]) -> Result<(), SearchError> {
        let draw = self.architecture.quiet(kept, self.now.draw.temperature);
        let computed = self.architecture.computed(alphas, &draw, true);
        self.stages.get(drawn, &computed).map(drop)
    }

    /// The weights of this step, or their second copies.
    pub fn weights(&mut self, twins: bool) -> Vec<f32> {
        let site = self.now.site.clone();
        self.gathered(&site, twins)
    }

    fn gathered(&mut self, site: &Site, twins: bool) -> Vec<f32> {
        let mut weights = vec![0.0; site.len];
        for Tensor { address, entry, .. } in &site.tensors {
            let slot = self.bank.slot(&part(address, twins), entry);
            weights[site.places[address].clone()].copy_from_slice(self.bank.values(slot));
        }
        weights
    }

    /// Moves the weights of this step against their gradients.
    pub fn descend(&mut self, descent: &Descent, step: Step) {
        let site = self.now.site.clone();
        for (twins, gradient) in [(false, Some(&descent.weights)), (true, descent.twin.as_ref())] {
            let Some(gradient) = gradient else { continue };
            let mut gradients = Gradients::default();
            for Tensor { address, entry, .. } in site.tensors.iter().filter(|t| t.free) {
                let own = &gradient[site.places[address].clone()];
                // Of a tensor that took no part nothing changes.
                if own.iter().any(|&g| g != 0.0) {
                    gradients.insert(self.bank.slot(&part(address, twins), entry), own.to_vec());
                }
            }
            self.bank.update(&gradients, step);
        }
    }

    /// How well the network of these options does on `batches` batches of the validation part, the same ones in every call, with
    /// the statistics of each batch (as the published searches do: Dong and Yang 2020, section 4.2). `without`: an
    /// option of a choice that counts nothing, the others as they are.
    ///
    /// # Errors
    /// As for [`Bilevel::gradient`].
    pub fn judge(
        &mut self,
        alphas: &[f64],
        (kept, drawn): (&Kept, &[usize]),
        batches: usize,
        without: Option<(usize, usize)>,
    ) -> Result<Judged, SearchError> {
        let draw = self.architecture.quiet(kept, self.now.draw.temperature);
        let mut counts = self.architecture.weights(alphas, &draw);
        let mut computed = self.architecture.computed(alphas, &draw, false);
        if let Some((choice, option)) = without {
            counts.options[choice][option] = 0.0;
            computed = kept.clone();
        }
        let (data, batch) = (self.stages.data, self.stages.batch);
        let site = self.stages.get(drawn, &computed)?.site.clone();
        let weights = self.gathered(&site, false);
        let mut stream = Stream::new(data, Subset::Valid, batch, self.stages.seed);
        let classes = matches!(data.task(), Task::Classification { .. });
        let (mut right, mut loss) = (0.0, 0.0);
        for batch_number in 0..batches as u64 {
            stream.next();
            let stage = self.stages.get(drawn, &computed)?;
            loss += stage.run((&site, &weights), &counts, &stream, batch_number) / batches as f64;
            let outputs = stage.program.output(&stage.memory);
            right += score(classes, outputs, &stream.t, batch) / batches as f64;
        }
        Ok(Judged { accuracy: right, loss })
    }

    /// The gradient of the validation loss of this step's samples by what each option counts, without noise.
    ///
    /// # Errors
    /// As for [`Bilevel::gradient`].
    pub fn by_options(
        &mut self,
        kept: &Kept,
        drawn: &[usize],
        alphas: &[f64],
    ) -> Result<Vec<Vec<f64>>, SearchError> {
        let draw = self.architecture.quiet(kept, self.now.draw.temperature);
        let counts = self.architecture.weights(alphas, &draw);
        let site = self.stages.get(drawn, kept)?.site.clone();
        let weights = self.gathered(&site, false);
        self.now = Now { draw, drawn: drawn.to_vec(), site, progress: self.now.progress };
        Ok(self.evaluate(Part::Valid, &weights, &counts, kept)?.by.options)
    }

    /// A loss of the computed options, which count so much, on the samples of this step.
    fn evaluate(
        &mut self,
        part: Part,
        weights: &[f32],
        counts: &Weights,
        computed: &Kept,
    ) -> Result<Evaluated, SearchError> {
        let Now { drawn, site, .. } = &self.now;
        let seed = xxh3_64_with_seed(&self.steps.to_le_bytes(), self.stages.seed);
        let stage = self.stages.get(drawn, computed)?;
        let stream = if part == Part::Train { &self.train } else { &self.valid };
        let loss = stage.run((site, weights), counts, stream, seed);
        if !loss.is_finite() {
            return Err(SearchError::Diverged);
        }
        Ok(Evaluated { loss, by: counts.collect(stage.by_terms()), weights: stage.by_weights(site) })
    }

    /// The validation loss, with the generalisation gap where the regulariser is that.
    fn worth(
        &mut self,
        weights: &[f32],
        counts: &Weights,
        computed: &Kept,
    ) -> Result<Evaluated, SearchError> {
        let mut valid = self.evaluate(Part::Valid, weights, counts, computed)?;
        let Regulariser::Gap { weight } = self.setup.regulariser else { return Ok(valid) };
        let train = self.evaluate(Part::Train, weights, counts, computed)?;
        let by = weight * (valid.loss - train.loss).signum();
        let widen = |v: &mut f64, t: f64| *v += by * (*v - t);
        widen(&mut valid.loss, train.loss);
        valid.by.options.iter_mut().flatten().zip(train.by.options.concat()).for_each(|(v, t)| widen(v, t));
        valid.by.edges.iter_mut().zip(train.by.edges).for_each(|(v, t)| widen(v, t));
        valid.weights.iter_mut().zip(train.weights).for_each(|(v, t)| *v += by as f32 * (*v - t));
        Ok(valid)
    }

    /// Adds regulariser and limit to the validation loss.
    fn steer(&self, gradient: &mut Gradient, alphas: &[f64]) {
        let Now { draw, progress, .. } = &self.now;
        let p = self.architecture.probabilities(alphas, draw);
        let (value, by_regulariser) =
            self.setup.regulariser.evaluate(self.stages.space.choices(), &p, *progress);
        let charged = self.setup.limit.charge(gradient.loss, &self.setup.costs, &p);
        let mut by = by_regulariser;
        by.iter_mut().flatten().zip(charged.gradient.iter().flatten()).for_each(|(a, b)| *a += b);
        let steering = self.architecture.pull_back_probabilities(alphas, draw, &by);
        let logits = self.architecture.kept_logits(alphas, draw);
        let (held_back, by_logits) = self.setup.regulariser.of_logits(&logits, *progress);
        gradient.loss = charged.loss + value + held_back;
        gradient.weights.iter_mut().for_each(|g| *g *= charged.factor as f32);
        gradient.alphas.iter_mut().zip(steering).for_each(|(a, s)| *a = *a * charged.factor + s);
        for (choice, by) in by_logits.iter().enumerate() {
            let logits = self.architecture.logits(choice);
            let kept = draw.kept[choice].iter().map(|option| logits.start + option);
            kept.zip(by).for_each(|(at, g)| gradient.alphas[at] += g);
        }
    }
}

/// The address of a weight or of its second copy.
fn part(address: &Address, twins: bool) -> Address {
    let part = if twins { vec![TWINS] } else { Vec::new() };
    Address { part, ..address.clone() }
}

/// Whether the super-network is for this data.
fn check_fit(graph: &VerifiedGraph, data: &Dataset) -> Result<(), SearchError> {
    if data.is_empty(Subset::Valid) {
        return Err(SearchError::NoValidation);
    }
    let network = graph.fact(graph.input_id()).shape().to_vec();
    let outputs = graph.outputs().first().map_or(0, |&o| graph.fact(o).len());
    let (shape, needed) = (data.features().shape(), data.task().outputs());
    if network != shape || outputs != needed {
        return Err(SearchError::Mismatch { network, outputs, data: shape, needed });
    }
    Ok(())
}

impl Bilevel for SuperNetwork<'_> {
    type Error = SearchError;

    fn gradient(&mut self, part: Part, weights: &[f32], alphas: &[f64]) -> Result<Gradient, SearchError> {
        let (architecture, draw) = (self.architecture.clone(), self.now.draw.clone());
        let computed = architecture.computed(alphas, &draw, part == Part::Valid);
        if part == Part::Train {
            let Evaluated { loss, by, weights } =
                self.evaluate(part, weights, &architecture.weights(alphas, &draw), &computed)?;
            return Ok(Gradient { loss, weights, alphas: architecture.pull_back(alphas, &draw, &by) });
        }
        let mut gradient = if architecture.relaxation() == Relaxation::Rebar {
            let chosen = architecture.computed(alphas, &draw, false);
            let mut of_chosen = Vec::new();
            let (loss, by) = rebar(&architecture, alphas, &draw, &mut |counts, hard| {
                let Evaluated { loss, by, weights } =
                    self.worth(weights, counts, if hard { &chosen } else { &computed })?;
                if hard {
                    of_chosen = weights;
                }
                Ok::<_, SearchError>((loss, by))
            })?;
            Gradient { loss, weights: of_chosen, alphas: by }
        } else {
            let Evaluated { loss, by, weights } =
                self.worth(weights, &architecture.weights(alphas, &draw), &computed)?;
            Gradient { loss, weights, alphas: architecture.pull_back(alphas, &draw, &by) }
        };
        self.steer(&mut gradient, alphas);
        Ok(gradient)
    }
}
