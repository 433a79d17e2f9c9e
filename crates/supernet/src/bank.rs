//! One bank of weights for all networks of a space.
//!
//! A sub-network is an ordinary graph; its parameters are copies of the bank's tensors at its addresses. A tensor comes into being
//! when a sub-network first needs it, with a value that is a function of the bank's seed and its address, so it does not matter in which
//! order sub-networks come. The tensors of a new part of the space begin as those of the part that it was split off from, which no
//! one trains any more.

use crate::address::Address;
use nasmyth_engine::{ParamEntry, ParamLayout, ParamStore, initialize, sum_of_squares};
use nasmyth_graph::{Init, Role};
use nasmyth_train::{Moments, OptimizerKind};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A tensor and what the optimiser remembers of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub address: Address,
    pub role: Role,
    pub values: Vec<f32>,
    pub first: Vec<f32>,
    pub second: Vec<f32>,
    /// Updates of this tensor.
    pub steps: u64,
}

/// All weights of a super-network.
#[derive(Clone, Debug)]
pub struct Bank {
    seed: u64,
    rule: OptimizerKind,
    index: HashMap<Address, usize>,
    tensors: Vec<Tensor>,
}

/// Where the tensors of a sub-network stand in the bank, in the order of its layout.
pub type Slots = Vec<usize>;

/// Gradients of some tensors, summed over sub-networks.
#[derive(Clone, Debug, Default)]
pub struct Gradients(BTreeMap<usize, Vec<f32>>);

impl Bank {
    /// Without tensors.
    pub fn new(seed: u64, rule: OptimizerKind) -> Self {
        Self { seed, rule, index: HashMap::new(), tensors: Vec::new() }
    }

    pub(crate) fn with_tensors(mut self, tensors: Vec<Tensor>) -> Self {
        self.index = tensors.iter().enumerate().map(|(i, t)| (t.address.clone(), i)).collect();
        self.tensors = tensors;
        self
    }

    pub(crate) fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Numbers in all tensors.
    pub fn len(&self) -> usize {
        self.tensors.iter().map(|t| t.values.len()).sum()
    }

    /// Whether no sub-network has needed a tensor yet.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// Where the tensors of these addresses, one for each entry of the layout, stand; those that are new come into being.
    pub fn bind(&mut self, addresses: &[Address], layout: &ParamLayout) -> Slots {
        let pairs = addresses.iter().zip(layout.entries());
        pairs.map(|(address, entry)| self.slot(address, entry)).collect()
    }

    /// Where the tensor of an address stands; a new one comes into being.
    pub(crate) fn slot(&mut self, address: &Address, entry: &ParamEntry) -> usize {
        if let Some(&slot) = self.index.get(address) {
            return slot;
        }
        let mut values = vec![0.0; entry.range.len()];
        self.read(address, &entry.init, &mut values);
        let trained = if entry.role == Role::Buffer { 0 } else { values.len() };
        let second = if self.rule.moments() > 1 { trained } else { 0 };
        self.index.insert(address.clone(), self.tensors.len());
        self.tensors.push(Tensor {
            address: address.clone(),
            role: entry.role,
            values,
            first: vec![0.0; trained],
            second: vec![0.0; second],
            steps: 0,
        });
        self.tensors.len() - 1
    }

    /// The values of a tensor.
    pub(crate) fn values(&self, slot: usize) -> &[f32] {
        &self.tensors[slot].values
    }

    /// The value at an address, whether it has come into being or not.
    fn read(&self, address: &Address, init: &Init, values: &mut [f32]) {
        match (self.index.get(address), address.parent()) {
            (Some(&slot), _) => values.copy_from_slice(&self.tensors[slot].values),
            (None, Some(parent)) => self.read(&parent, init, values),
            (None, None) => initialize(init, address.seed(self.seed), values),
        }
    }

    /// The parameters of a sub-network that was bound.
    pub fn gather(&self, slots: &[usize], layout: &Arc<ParamLayout>) -> ParamStore<f32> {
        ParamStore::filled(layout.clone(), |i, _, values| {
            values.copy_from_slice(&self.tensors[slots[i]].values);
        })
    }

    /// The parameters of a sub-network, bound or not.
    pub fn inherited(&self, addresses: &[Address], layout: &Arc<ParamLayout>) -> ParamStore<f32> {
        ParamStore::filled(layout.clone(), |i, entry, values| self.read(&addresses[i], &entry.init, values))
    }

    /// Takes over the running statistics of a sub-network: of a tensor that it has more than once, their mean.
    pub fn keep_buffers(&mut self, slots: &[usize], params: &ParamStore<f32>) {
        let entries = params.layout().entries().iter().zip(slots);
        let mut met: HashMap<usize, f32> = HashMap::new();
        for (entry, &slot) in entries.filter(|(entry, _)| entry.role == Role::Buffer) {
            let (own, values) = (&params.values()[entry.range.clone()], &mut self.tensors[slot].values);
            let before = met.entry(slot).or_insert(0.0);
            *before += 1.0;
            match *before {
                1.0 => values.copy_from_slice(own),
                count => values.iter_mut().zip(own).for_each(|(mean, v)| *mean += (v - *mean) / count),
            }
        }
    }

    /// One step of the optimiser on the tensors that have gradients; of the others nothing changes, nor what is remembered of them.
    pub fn update(&mut self, gradients: &Gradients, step: Step) {
        let factor = step.factor(gradients);
        for (&slot, grads) in &gradients.0 {
            self.tensors[slot].step(self.rule, grads, factor, step);
        }
    }

    /// The parameters of a sub-network that was bound, as they would be after such a step. The bank stays as it is.
    pub fn stepped(
        &self,
        slots: &[usize],
        layout: &Arc<ParamLayout>,
        gradients: &Gradients,
        step: Step,
    ) -> ParamStore<f32> {
        let factor = step.factor(gradients);
        ParamStore::filled(layout.clone(), |i, _, values| {
            let mut tensor = self.tensors[slots[i]].clone();
            if let Some(grads) = gradients.0.get(&slots[i]) {
                tensor.step(self.rule, grads, factor, step);
            }
            values.copy_from_slice(&tensor.values);
        })
    }
}

/// How far weights move.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Learning rate.
    pub rate: f64,
    /// Decoupled for AdamW, added to the gradient for SGD; not on biases and scales.
    pub weight_decay: f64,
    /// The largest norm of all gradients together; 0 for none.
    pub clip: f64,
}

impl Step {
    /// What clipping multiplies gradients by.
    fn factor(&self, gradients: &Gradients) -> f32 {
        let norm = gradients.norm();
        if self.clip > 0.0 && norm > self.clip { (self.clip / norm) as f32 } else { 1.0 }
    }
}

impl Tensor {
    fn step(
        &mut self,
        rule: OptimizerKind,
        grads: &[f32],
        factor: f32,
        Step { rate, weight_decay, .. }: Step,
    ) {
        let Self { role, values, first, second, steps, .. } = self;
        *steps += 1;
        let decay = if *role == Role::Weight { weight_decay } else { 0.0 };
        let moments = Moments { first, second, steps: *steps };
        if factor == 1.0 {
            rule.step(values, grads, moments, rate, decay);
        } else {
            let clipped: Vec<f32> = grads.iter().map(|g| g * factor).collect();
            rule.step(values, &clipped, moments, rate, decay);
        }
    }
}

impl Gradients {
    /// Adds those of a sub-network, given in the order of the trained range of its layout.
    pub fn add(&mut self, slots: &[usize], layout: &ParamLayout, grads: &[f32]) {
        for (entry, &slot) in layout.entries().iter().zip(slots).filter(|(e, _)| e.role != Role::Buffer) {
            let own = &grads[entry.range.clone()];
            match self.0.get_mut(&slot) {
                Some(sum) => sum.iter_mut().zip(own).for_each(|(s, g)| *s += g),
                None => drop(self.0.insert(slot, own.to_vec())),
            }
        }
    }

    /// Puts that of one tensor, in place of what was there.
    pub(crate) fn insert(&mut self, slot: usize, grads: Vec<f32>) {
        self.0.insert(slot, grads);
    }

    /// The Euclidean norm of all of them.
    pub fn norm(&self) -> f64 {
        self.0.values().map(|grads| sum_of_squares(grads)).sum::<f64>().sqrt()
    }

    /// The cosine between these gradients and others over the tensors that both have; 0 where either is zero.
    pub fn cosine(&self, other: &Self) -> f64 {
        let shared = self.0.iter().filter_map(|(slot, a)| Some((a, other.0.get(slot)?)));
        let pairs = shared.flat_map(|(a, b)| a.iter().zip(b)).map(|(&a, &b)| (f64::from(a), f64::from(b)));
        let add = |(ab, aa, bb): (f64, f64, f64), (a, b)| (ab + a * b, aa + a * a, bb + b * b);
        let (product, own, others) = pairs.fold((0.0, 0.0, 0.0), add);
        let norms = f64::sqrt(own * others);
        if norms > 0.0 { product / norms } else { 0.0 }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
