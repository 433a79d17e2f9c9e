//! A super-network on data, as a bilevel problem.

use super::architecture::{Architecture, Draw, Weights};
use super::error::SearchError;
use super::hypergradient::{Bilevel, Gradient, Part};
use super::limit::{Costs, Limit};
use super::regulariser::Regulariser;
use super::space::{Kept, RelaxedGraph, RelaxedSpace, Term, all_options};
use nasmyth_data::{Augment, Batches, Dataset, Subset, Task};
use nasmyth_engine::{Engine, Loss, Memory, Mode, Options, ParamLayout, ParamStore, Program};
use nasmyth_graph::{Role, VerifiedGraph};
use nasmyth_space::Rng;
use nasmyth_train::{initial_params, memory_share};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Compiled sub-networks that are kept: those of the last steps, and the one that a decision leaves.
const CACHE: usize = 16;

/// How a super-network is built and judged.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Of the channels that an option reads, one in so many goes through it.
    pub partial: usize,
    /// Samples of a step.
    pub batch: usize,
    /// What is added to the validation loss.
    pub regulariser: Regulariser,
    /// What costs do to it.
    pub limit: Limit,
}

/// The weights of all networks of a space, and the two halves of the data: on the training part the weights learn, on the validation
/// part the architecture.
pub struct SuperNetwork<'a> {
    bank: Bank<'a>,
    setup: Setup,
    architecture: Architecture,
    costs: Costs,
    begin: ParamStore<f32>,
    train: Stream<'a>,
    valid: Stream<'a>,
    draw: Draw,
    progress: f64,
}

/// What sub-networks are made of.
struct Bank<'a> {
    space: &'a dyn RelaxedSpace,
    data: &'a Dataset,
    engine: &'a Engine,
    partial: usize,
    batch: usize,
    seed: u64,
    /// Where each tensor is among the weights of the whole super-network.
    places: HashMap<String, Range<usize>>,
    /// Those that are compiled, the last one used last.
    stages: Vec<(Kept, Stage)>,
}

/// Samples of one part of the data.
struct Stream<'a> {
    batches: Batches<'a>,
    x: Vec<f32>,
    t: Vec<f32>,
}

impl<'a> Stream<'a> {
    fn new(data: &'a Dataset, subset: Subset, batch: usize, seed: u64) -> Self {
        let (sample, outputs) = (data.features().len(), data.task().outputs());
        let batches = Batches::new(data, subset, batch, &Augment::default(), seed);
        Self { batches, x: vec![0.0; batch * sample], t: vec![0.0; batch * outputs] }
    }

    fn next(&mut self) {
        self.batches.next(&mut self.x, &mut self.t);
    }
}

/// A compiled sub-network.
struct Stage {
    program: Program,
    memory: Memory,
    params: ParamStore<f32>,
    grads: Vec<f32>,
    links: Vec<Link>,
    mixtures: Vec<(Range<usize>, Vec<Term>)>,
}

/// A tensor of the bank that a sub-network has too.
struct Link {
    bank: Range<usize>,
    own: Range<usize>,
    /// Whether it learns.
    free: bool,
}

/// How well a network does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Share of right answers; of a regression, the coefficient of determination against the mean.
    pub accuracy: f64,
    /// Mean loss.
    pub loss: f64,
}

impl<'a> SuperNetwork<'a> {
    /// The super-network of a whole space with fresh weights.
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
        seed: u64,
    ) -> Result<Self, SearchError> {
        let kept = all_options(space.choices());
        let whole = space.relaxed(&kept, setup.partial)?;
        check_fit(&whole.graph, data)?;
        let begin = initial_params(&whole.graph, data.statistics(), seed);
        let train = Stream::new(data, Subset::Train, setup.batch, seed);
        let valid = Stream::new(data, Subset::Valid, setup.batch, seed);
        let draw = architecture.quiet(&kept, 1.0);
        let costs = Costs::macs(space)?;
        let places = named(begin.layout()).into_iter().map(|(name, e)| (name, e.range.clone())).collect();
        let Setup { partial, batch, .. } = setup;
        let mut bank = Bank { space, data, engine, partial, batch, seed, places, stages: Vec::new() };
        let stage = bank.compile(whole)?;
        let needed = (stage.program.memory_bytes() + 5 * size_of_val(begin.values())) as u64;
        if needed > memory_share() {
            return Err(SearchError::Memory { needed, share: memory_share() });
        }
        bank.stages.push((kept, stage));
        Ok(Self { bank, setup, architecture, costs, begin, train, valid, draw, progress: 0.0 })
    }

    /// The weights as they begin.
    pub fn initial_weights(&self) -> Vec<f32> {
        self.begin.values()[self.begin.layout().trained()].to_vec()
    }

    /// Where the weights lie.
    pub fn layout(&self) -> &Arc<ParamLayout> {
        self.begin.layout()
    }

    /// The numbers of the architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// What options cost.
    pub fn costs(&self) -> &Costs {
        &self.costs
    }

    /// What this step draws and is at.
    pub fn draw(&self) -> &Draw {
        &self.draw
    }

    /// Moves on to the next samples and new noise. `progress`: share of the search that is over.
    pub fn advance(&mut self, kept: &Kept, temperature: f64, progress: f64, rng: &mut Rng) {
        self.train.next();
        self.valid.next();
        self.draw = self.architecture.draw(kept, temperature, rng);
        self.progress = progress;
    }

    /// How well the network of these options does on `batches` batches of the validation part, the same ones in every call, with
    /// the statistics of each batch (as the published searches do: Dong and Yang 2020, section 4.2). `without`: an
    /// option of a choice that counts nothing, the others as they are.
    ///
    /// # Errors
    /// As for [`Bilevel::gradient`].
    pub fn judge(
        &mut self,
        weights: &[f32],
        alphas: &[f64],
        kept: &Kept,
        batches: usize,
        without: Option<(usize, usize)>,
    ) -> Result<Judged, SearchError> {
        let draw = self.architecture.quiet(kept, self.draw.temperature);
        let mut counts = self.architecture.weights(alphas, &draw);
        if let Some((choice, option)) = without {
            counts.options[choice][option] = 0.0;
        }
        let (data, batch) = (self.bank.data, self.bank.batch);
        let mut stream = Stream::new(data, Subset::Valid, batch, self.bank.seed);
        let classes = matches!(data.task(), Task::Classification { .. });
        let (mut right, mut loss) = (0.0, 0.0);
        for _ in 0..batches {
            stream.next();
            let stage = self.bank.stage(kept)?;
            loss += stage.run(weights, &counts, &stream, 0) / batches as f64;
            let outputs = stage.program.output(&stage.memory);
            right += score(classes, outputs, &stream.t, batch) / batches as f64;
        }
        Ok(Judged { accuracy: right, loss })
    }

    /// Adds regulariser and limit to the validation loss.
    fn steer(&self, gradient: &mut Gradient, alphas: &[f64]) {
        let p = self.architecture.probabilities(alphas, &self.draw);
        let (value, by_regulariser) =
            self.setup.regulariser.evaluate(self.bank.space.choices(), &p, self.progress);
        let charged = self.setup.limit.charge(gradient.loss, &self.costs, &p);
        let mut by = by_regulariser;
        by.iter_mut().flatten().zip(charged.gradient.iter().flatten()).for_each(|(a, b)| *a += b);
        let steering = self.architecture.pull_back_probabilities(alphas, &self.draw, &by);
        let logits = self.architecture.kept_logits(alphas, &self.draw);
        let (held_back, by_logits) = self.setup.regulariser.of_logits(&logits, self.progress);
        gradient.loss = charged.loss + value + held_back;
        gradient.weights.iter_mut().for_each(|g| *g *= charged.factor as f32);
        gradient.alphas.iter_mut().zip(steering).for_each(|(a, s)| *a = *a * charged.factor + s);
        for (choice, by) in by_logits.iter().enumerate() {
            let logits = self.architecture.logits(choice);
            let kept = self.draw.kept[choice].iter().map(|option| logits.start + option);
            kept.zip(by).for_each(|(at, g)| gradient.alphas[at] += g);
        }
    }
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

impl Bank<'_> {
    fn compile(&self, relaxed: RelaxedGraph) -> Result<Stage, SearchError> {
        let loss = match self.data.task() {
            Task::Classification { .. } => Loss::CrossEntropy,
            Task::Regression { .. } => {
                Loss::SquaredError { variance: f64::from(self.data.statistics().target_std).powi(2) }
            }
        };
        let options = Options::new(self.batch, Mode::Train(loss));
        let program = self.engine.compile(&relaxed.graph, options)?;
        let params = initial_params(&relaxed.graph, self.data.statistics(), self.seed);
        let layout = params.layout().clone();
        let range = |key: &str| layout.entry(key).map(|e| e.range.clone());
        let mixtures: Vec<_> =
            relaxed.mixtures.into_iter().filter_map(|m| Some((range(&m.key)?, m.terms))).collect();
        let own = |key: &str| {
            mixtures.iter().any(|(range, _)| layout.entry(key).is_some_and(|e| e.range == *range))
        };
        let links = (named(&layout).into_iter())
            .filter(|(_, entry)| entry.role != Role::Buffer && !own(&entry.key))
            .filter_map(|(name, entry)| {
                let bank = self.places.get(&name)?.clone();
                Some(Link { bank, own: entry.range.clone(), free: !relaxed.fixed.contains(&entry.key) })
            });
        let links = links.collect();
        let grads = vec![0.0; layout.trained().len()];
        Ok(Stage { memory: program.memory(), program, params, grads, links, mixtures })
    }

    /// The compiled sub-network of these options, now the last of the cache.
    fn stage(&mut self, kept: &Kept) -> Result<&mut Stage, SearchError> {
        let at = self.stages.iter().position(|(k, _)| k == kept);
        let stage = match at {
            Some(at) => self.stages.remove(at),
            None => {
                let stage = self.compile(self.space.relaxed(kept, self.partial)?)?;
                if self.stages.len() >= CACHE {
                    self.stages.remove(0);
                }
                (kept.clone(), stage)
            }
        };
        self.stages.push(stage);
        let last = self.stages.len() - 1;
        Ok(&mut self.stages[last].1)
    }
}

impl Bilevel for SuperNetwork<'_> {
    type Error = SearchError;

    fn gradient(&mut self, part: Part, weights: &[f32], alphas: &[f64]) -> Result<Gradient, SearchError> {
        let counts = self.architecture.weights(alphas, &self.draw);
        let computed = self.architecture.computed(alphas, &self.draw, part == Part::Valid);
        let (seed, stage) = (self.bank.seed, self.bank.stage(&computed)?);
        let stream = if part == Part::Train { &self.train } else { &self.valid };
        let loss = stage.run(weights, &counts, stream, seed);
        if !loss.is_finite() {
            return Err(SearchError::Diverged);
        }
        let by = counts.collect(stage.by_terms());
        let mut gradient = Gradient {
            loss,
            weights: stage.by_weights(weights.len()),
            alphas: self.architecture.pull_back(alphas, &self.draw, &by),
        };
        if part == Part::Valid {
            self.steer(&mut gradient, alphas);
        }
        Ok(gradient)
    }
}

impl Stage {
    /// The loss on these samples; gradients, outputs stay in the stage.
    fn run(&mut self, weights: &[f32], counts: &Weights, stream: &Stream, seed: u64) -> f64 {
        let values = self.params.values_mut();
        for link in &self.links {
            values[link.own.clone()].copy_from_slice(&weights[link.bank.clone()]);
        }
        for (range, terms) in &self.mixtures {
            values[range.clone()].iter_mut().zip(terms).for_each(|(v, &t)| *v = counts.of(t) as f32);
        }
        let (x, t) = self.program.sample(&mut self.memory);
        x.copy_from_slice(&stream.x);
        t.copy_from_slice(&stream.t);
        self.program.train(&self.params, &mut self.grads, &mut self.memory, seed).into()
    }

    /// Gradients by the inputs of mixtures.
    fn by_terms(&self) -> impl Iterator<Item = (Term, f64)> + '_ {
        self.mixtures.iter().flat_map(|(range, terms)| {
            terms.iter().copied().zip(self.grads[range.clone()].iter().map(|&g| f64::from(g)))
        })
    }

    /// Gradients by the bank of weights.
    fn by_weights(&self, len: usize) -> Vec<f32> {
        let mut gradient = vec![0.0; len];
        for link in self.links.iter().filter(|l| l.free) {
            gradient[link.bank.clone()].copy_from_slice(&self.grads[link.own.clone()]);
        }
        gradient
    }
}

/// The share of right answers, or 1 less the mean square error in units of the targets' variance.
fn score(classes: bool, outputs: &[f32], targets: &[f32], samples: usize) -> f64 {
    let width = outputs.len() / samples;
    let top = |row: &[f32]| (0..width).fold(0, |best, i| if row[i] > row[best] { i } else { best });
    if classes {
        let rows = outputs.chunks_exact(width).zip(targets.chunks_exact(width));
        return rows.filter(|(y, t)| top(y) == top(t)).count() as f64 / samples as f64;
    }
    let mean = targets.iter().sum::<f32>() / targets.len() as f32;
    let square = |pairs: &mut dyn Iterator<Item = f32>| pairs.map(|d| f64::from(d).powi(2)).sum::<f64>();
    let error = square(&mut outputs.iter().zip(targets).map(|(y, t)| y - t));
    1.0 - error / square(&mut targets.iter().map(|t| t - mean)).max(f64::MIN_POSITIVE)
}

/// The tensors of a layout under names that do not depend on what stands in other scopes: the node's scope and kind, how many nodes
/// of that kind stand before it in the scope, and the name of the tensor.
fn named(layout: &ParamLayout) -> Vec<(String, &nasmyth_engine::ParamEntry)> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let name = |entry| {
        let entry: &nasmyth_engine::ParamEntry = entry;
        let (node, tensor) = entry.key.rsplit_once('.').unwrap_or(("", &entry.key));
        let kind = node.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = seen.entry(format!("{kind}.{tensor}")).or_default();
        *number += 1;
        (format!("{kind}{number}.{tensor}"), entry)
    };
    layout.entries().iter().map(name).collect()
}
