//! Sub-networks of a super-network, compiled, and the samples that they run on.

use super::architecture::Weights;
use super::error::SearchError;
use super::mixed_kernel::{KernelPart, KernelTensor, MixedKernel, centred};
use super::space::{Form, Kept, Mixture, RelaxedGraph, RelaxedSpace, Term};
use crate::address::{self, Address};
use nasmyth_data::{Augment, Batches, Dataset, Subset, Task};
use nasmyth_engine::{Engine, Loss, Memory, Mode, Options, ParamEntry, ParamStore, Program};
use nasmyth_graph::Role;
use nasmyth_train::initial_params;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Compiled sub-networks that are kept, at most: those of the last steps, and the one that a decision leaves.
const CACHE: usize = 16;

/// Compiles sub-networks.
pub(super) struct Stages<'a> {
    pub space: &'a dyn RelaxedSpace,
    pub data: &'a Dataset,
    pub engine: &'a Engine,
    pub form: Form,
    pub batch: usize,
    /// Bytes that those that are compiled may take in training, all together.
    pub memory: u64,
    pub seed: u64,
    /// Those that are compiled, the last one used last.
    pub recent: Vec<((Vec<usize>, Kept), Stage)>,
}

/// The tensors of a sub-network that learn, in a row.
pub(super) struct Site {
    pub places: HashMap<Address, Range<usize>>,
    pub tensors: Vec<Tensor>,
    pub len: usize,
}

/// A tensor of a sub-network.
#[derive(Clone)]
pub(super) struct Tensor {
    pub address: Address,
    pub entry: ParamEntry,
    /// Where it is among the parameters of the graph; a part of a mixed kernel is not.
    pub at: Option<Range<usize>>,
    /// Whether it learns, or is a scale of an option that stays.
    pub free: bool,
}

/// A mixed kernel among the parameters of a graph.
pub(super) struct StagedKernel {
    range: Range<usize>,
    /// Numbers at one tap.
    tap: usize,
    parts: Vec<StagedPart>,
}

/// An option of it.
struct StagedPart {
    term: Term,
    /// The tensor that it is the middle of.
    source: Address,
    /// Taps of the mixed kernel, and of the tensor.
    taps: Vec<(usize, usize)>,
    /// What it counted in the last run, and the gradient by that.
    share: f64,
    by_share: f64,
}

/// Samples of one part of the data.
pub(super) struct Stream<'a> {
    pub batches: Batches<'a>,
    pub x: Vec<f32>,
    pub t: Vec<f32>,
}

impl<'a> Stream<'a> {
    pub fn new(data: &'a Dataset, subset: Subset, batch: usize, seed: u64) -> Self {
        let (sample, outputs) = (data.features().len(), data.task().outputs());
        let batches = Batches::new(data, subset, batch, &Augment::default(), seed);
        Self { batches, x: vec![0.0; batch * sample], t: vec![0.0; batch * outputs] }
    }

    pub fn next(&mut self) {
        self.batches.next(&mut self.x, &mut self.t);
    }
}

/// A compiled sub-network.
pub(super) struct Stage {
    /// What it takes in training.
    bytes: u64,
    pub program: Program,
    pub memory: Memory,
    pub params: ParamStore<f32>,
    pub grads: Vec<f32>,
    pub site: Arc<Site>,
    pub mixtures: Vec<(Range<usize>, Vec<Term>)>,
    pub kernels: Vec<StagedKernel>,
}

impl Stages<'_> {
    fn compile(&mut self, relaxed: &RelaxedGraph) -> Result<Stage, SearchError> {
        let loss = match self.data.task() {
            Task::Classification { .. } => Loss::CrossEntropy,
            Task::Regression { .. } => {
                Loss::SquaredError { variance: f64::from(self.data.statistics().target_std).powi(2) }
            }
        };
        let options = Options::new(self.batch, Mode::Train(loss));
        let program = self.engine.compile(&relaxed.graph, options)?;
        let params = initial_params(&relaxed.graph, self.data.statistics(), self.seed);
        let layout = params.layout();
        let site = Arc::new(Site::of(relaxed, layout.entries()));
        // Weights, gradients of both parts, and what the optimiser remembers.
        let numbers = 5 * size_of::<f32>() * site.len.max(layout.trained().len());
        let bytes = (program.memory_bytes() + numbers) as u64;
        if bytes > self.memory {
            return Err(SearchError::Memory { needed: bytes, share: self.memory });
        }
        while self.recent.len() >= CACHE
            || self.recent.iter().map(|r| r.1.bytes).sum::<u64>() + bytes > self.memory
        {
            self.recent.remove(0);
        }
        let mixed = |m: &Mixture| Some((layout.entry(&m.key)?.range.clone(), m.terms.clone()));
        let mixtures = relaxed.mixtures.iter().filter_map(mixed).collect();
        let staged = |kernel: &MixedKernel| Some(StagedKernel::new(kernel, layout.entry(&kernel.key)?));
        let kernels = relaxed.kernels.iter().filter_map(staged).collect();
        let grads = vec![0.0; layout.trained().len()];
        Ok(Stage { memory: program.memory(), bytes, program, params, grads, site, mixtures, kernels })
    }

    /// The compiled sub-network of these options, now the last of those that are kept.
    pub fn get(&mut self, drawn: &[usize], kept: &Kept) -> Result<&mut Stage, SearchError> {
        let at = self.recent.iter().position(|((d, k), _)| d == drawn && k == kept);
        let stage = match at {
            Some(at) => self.recent.remove(at),
            None => {
                let relaxed = self.space.relaxed(drawn, kept, self.form)?;
                ((drawn.to_vec(), kept.clone()), self.compile(&relaxed)?)
            }
        };
        self.recent.push(stage);
        let last = self.recent.len() - 1;
        Ok(&mut self.recent[last].1)
    }
}

impl Site {
    /// What learns in a relaxed graph.
    fn of(relaxed: &RelaxedGraph, entries: &[ParamEntry]) -> Self {
        let functions: HashMap<&str, u64> = relaxed
            .graph
            .nodes()
            .iter()
            .map(|node| (node.name.as_str(), address::function(&*node.op)))
            .collect();
        let (mut places, mut tensors, mut len) = (HashMap::new(), Vec::new(), 0);
        let mixes = |key: &str| {
            relaxed.mixtures.iter().any(|m| m.key == key) || relaxed.kernels.iter().any(|k| k.key == key)
        };
        for entry in entries.iter().filter(|e| e.role != Role::Buffer && !mixes(&e.key)) {
            let (node, name) = entry.key.rsplit_once('.').unwrap_or(("", &entry.key));
            let place = relaxed.places.get(node).map_or(node, String::as_str);
            let address = Address {
                key: format!("{place}.{name}"),
                shape: entry.shape.clone(),
                context: functions.get(node).copied().unwrap_or_default(),
                part: Vec::new(),
            };
            let (at, free) = (Some(entry.range.clone()), !relaxed.fixed.contains(&entry.key));
            tensors.push(Tensor { address, entry: entry.clone(), at, free });
        }
        let of_kernels = relaxed.kernels.iter().flat_map(|kernel| &kernel.tensors);
        tensors.extend(of_kernels.map(Tensor::of_kernel));
        for Tensor { address, entry, .. } in &tensors {
            // Two layers at one place are one in the bank.
            if !places.contains_key(address) {
                places.insert(address.clone(), len..len + entry.range.len());
                len += entry.range.len();
            }
        }
        Self { places, tensors, len }
    }
}

impl Tensor {
    fn of_kernel(tensor: &KernelTensor) -> Self {
        let KernelTensor { spec, .. } = tensor;
        let address = kernel_address(tensor);
        let entry = ParamEntry {
            key: address.key.clone(),
            shape: spec.shape.clone(),
            init: spec.init.clone(),
            role: spec.role,
            range: 0..spec.shape.iter().product(),
        };
        Self { address, entry, at: None, free: true }
    }
}

/// The address that the kernel of a convolution on its own has, too.
fn kernel_address(KernelTensor { place, op, spec }: &KernelTensor) -> Address {
    Address {
        key: format!("{place}.{}", spec.name),
        shape: spec.shape.clone(),
        context: address::function(&**op),
        part: Vec::new(),
    }
}

impl StagedKernel {
    fn new(kernel: &MixedKernel, entry: &ParamEntry) -> Self {
        let part = |KernelPart { term, tensor, size }: &KernelPart| {
            let tensor = &kernel.tensors[*tensor];
            let to = centred(size, &entry.shape);
            let from = centred(size, &tensor.spec.shape);
            let taps = to.into_iter().zip(from).collect();
            StagedPart { term: *term, source: kernel_address(tensor), taps, share: 0.0, by_share: 0.0 }
        };
        let axes = kernel.parts.first().map_or(0, |part| part.size.len());
        let tap = entry.shape[axes..].iter().product();
        Self { range: entry.range.clone(), tap, parts: kernel.parts.iter().map(part).collect() }
    }

    /// Mixes the kernel, given the weights of a site.
    fn mix(&mut self, values: &mut [f32], (site, weights): (&Site, &[f32]), counts: &Weights) {
        let (values, tap) = (&mut values[self.range.clone()], self.tap);
        values.fill(0.0);
        for StagedPart { term, source, taps, share, .. } in &mut self.parts {
            *share = counts.of(*term);
            // A step that moved the architecture may compute what it did not before.
            let Some(place) = site.places.get(source) else { continue };
            let own = &weights[place.clone()];
            for &(to, from) in &*taps {
                let sum = values[to * tap..][..tap].iter_mut();
                sum.zip(&own[from * tap..][..tap]).for_each(|(v, w)| *v += *share as f32 * w);
            }
        }
    }

    /// Gradients by the shares, given that by the kernel.
    fn learn_shares(&mut self, grads: &[f32], (site, weights): (&Site, &[f32])) {
        let (grads, tap) = (&grads[self.range.clone()], self.tap);
        for StagedPart { source, taps, by_share, .. } in &mut self.parts {
            let Some(place) = site.places.get(source) else { continue };
            let own = &weights[place.clone()];
            let at = |&(to, from): &(usize, usize)| {
                let pairs = grads[to * tap..][..tap].iter().zip(&own[from * tap..][..tap]);
                pairs.map(|(g, w)| f64::from(g * w)).sum::<f64>()
            };
            *by_share = taps.iter().map(at).sum();
        }
    }

    /// Adds the gradients by the kernels that it is made of.
    fn by_weights(&self, grads: &[f32], site: &Site, gradient: &mut [f32]) {
        let (grads, tap) = (&grads[self.range.clone()], self.tap);
        for StagedPart { source, taps, share, .. } in &self.parts {
            let Some(place) = site.places.get(source) else { continue };
            let own = &mut gradient[place.clone()];
            for &(to, from) in taps {
                let sum = own[from * tap..][..tap].iter_mut();
                sum.zip(&grads[to * tap..][..tap]).for_each(|(sum, g)| *sum += *share as f32 * g);
            }
        }
    }
}

impl Stage {
    /// The loss on these samples with the weights of a site; gradients, outputs stay in the stage.
    pub fn run(
        &mut self,
        (site, weights): (&Site, &[f32]),
        counts: &Weights,
        stream: &Stream,
        seed: u64,
    ) -> f64 {
        let values = self.params.values_mut();
        for Tensor { address, at, .. } in &self.site.tensors {
            if let (Some(at), Some(place)) = (at, site.places.get(address)) {
                values[at.clone()].copy_from_slice(&weights[place.clone()]);
            }
        }
        self.kernels.iter_mut().for_each(|kernel| kernel.mix(values, (site, weights), counts));
        for (range, terms) in &self.mixtures {
            values[range.clone()].iter_mut().zip(terms).for_each(|(v, &t)| *v = counts.of(t) as f32);
        }
        let (x, t) = self.program.sample(&mut self.memory);
        x.copy_from_slice(&stream.x);
        t.copy_from_slice(&stream.t);
        let loss = self.program.train(&self.params, &mut self.grads, &mut self.memory, seed);
        self.kernels.iter_mut().for_each(|kernel| kernel.learn_shares(&self.grads, (site, weights)));
        loss.into()
    }

    /// Gradients by what terms count, of the last run.
    pub fn by_terms(&self) -> impl Iterator<Item = (Term, f64)> + '_ {
        let of_mixtures = self.mixtures.iter().flat_map(|(range, terms)| {
            terms.iter().copied().zip(self.grads[range.clone()].iter().map(|&g| f64::from(g)))
        });
        let of_kernels = self.kernels.iter().flat_map(|kernel| &kernel.parts);
        of_mixtures.chain(of_kernels.map(|part| (part.term, part.by_share)))
    }

    /// Gradients by the weights of a site.
    pub fn by_weights(&self, site: &Site) -> Vec<f32> {
        let mut gradient = vec![0.0; site.len];
        for Tensor { address, at, .. } in self.site.tensors.iter().filter(|t| t.free) {
            if let (Some(at), Some(place)) = (at, site.places.get(address)) {
                let own = &self.grads[at.clone()];
                gradient[place.clone()].iter_mut().zip(own).for_each(|(sum, g)| *sum += g);
            }
        }
        self.kernels.iter().for_each(|kernel| kernel.by_weights(&self.grads, site, &mut gradient));
        gradient
    }
}

/// The share of right answers, or 1 less the mean square error in units of the targets' variance.
pub(super) fn score(classes: bool, outputs: &[f32], targets: &[f32], samples: usize) -> f64 {
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
