//! Parameters outside the graph, addressed by key.

use crate::Real;
use nasmyth_graph::{Init, NodeId, ParamSpec, Role, VerifiedGraph};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Where one tensor lies in a store.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamEntry {
    /// `NODE.NAME`.
    pub key: String,
    /// Axes.
    pub shape: Vec<usize>,
    /// Initial value.
    pub init: Init,
    /// What training does with it.
    pub role: Role,
    /// Elements within the store.
    pub range: Range<usize>,
}

/// The tensors of a graph in one array: decayed weights, then other trained parameters, then buffers. Optimisers
/// work on ranges of that array, not on tensors.
#[derive(Debug)]
pub struct ParamLayout {
    entries: Vec<ParamEntry>,
    index: HashMap<String, usize>,
    decayed: usize,
    trained: usize,
    len: usize,
}

impl ParamLayout {
    /// The layout of all parameters of `graph`.
    pub fn of(graph: &VerifiedGraph) -> Self {
        let mut specs: Vec<(String, ParamSpec)> = Vec::new();
        for (i, node) in graph.nodes().iter().enumerate() {
            let own = graph.params_of(NodeId(i)).into_iter();
            specs.extend(own.map(|p| (format!("{}.{}", node.name, p.name), p)));
        }
        let rank = |role: Role| match role {
            Role::Weight => 0,
            Role::Bias => 1,
            Role::Buffer => 2,
        };
        specs.sort_by_key(|(_, p)| rank(p.role)); // stable: graph order within a role
        let mut len = 0;
        let entry = |(key, p): (String, ParamSpec)| {
            let range = len..len + p.len();
            len = range.end;
            ParamEntry { key, shape: p.shape, init: p.init, role: p.role, range }
        };
        let entries: Vec<ParamEntry> = specs.into_iter().map(entry).collect();
        let end =
            |roles: &[Role]| entries.iter().filter(|e| roles.contains(&e.role)).map(|e| e.range.end).max();
        let decayed = end(&[Role::Weight]).unwrap_or(0);
        let trained = end(&[Role::Weight, Role::Bias]).unwrap_or(0);
        let index = entries.iter().enumerate().map(|(i, e)| (e.key.clone(), i)).collect();
        Self { entries, index, decayed, trained, len }
    }

    /// All tensors in order.
    pub fn entries(&self) -> &[ParamEntry] {
        &self.entries
    }

    /// The tensor of this key.
    pub fn entry(&self, key: &str) -> Option<&ParamEntry> {
        self.index.get(key).map(|&i| &self.entries[i])
    }

    /// Elements that weight decay applies to.
    pub fn decayed(&self) -> Range<usize> {
        0..self.decayed
    }

    /// Elements that gradients exist for.
    pub fn trained(&self) -> Range<usize> {
        0..self.trained
    }

    /// All elements.
    #[allow(clippy::len_without_is_empty)] // zero is a fine length for a network without parameters
    pub fn len(&self) -> usize {
        self.len
    }
}

/// The values of a layout.
#[derive(Clone, Debug)]
pub struct ParamStore<T = f32> {
    layout: Arc<ParamLayout>,
    values: Vec<T>,
}

impl<T: Copy> ParamStore<T> {
    /// All elements, in the order of the layout.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// All elements, to change.
    pub fn values_mut(&mut self) -> &mut [T] {
        &mut self.values
    }

    /// Where everything lies.
    pub fn layout(&self) -> &Arc<ParamLayout> {
        &self.layout
    }

    /// The tensor of this key.
    pub fn get(&self, key: &str) -> Option<&[T]> {
        Some(&self.values[self.layout.entry(key)?.range.clone()])
    }

    /// The tensor of this key, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut [T]> {
        Some(&mut self.values[self.layout.entry(key)?.range.clone()])
    }

    /// The same values in another precision.
    pub fn map<U>(&self, f: impl Fn(T) -> U) -> ParamStore<U> {
        ParamStore { layout: self.layout.clone(), values: self.values.iter().map(|&v| f(v)).collect() }
    }
}

impl<T: Real> ParamStore<T> {
    /// The parameters of `graph`: those that `other` has too, in the same size, and zeros.
    pub(crate) fn taken_over(graph: &VerifiedGraph, other: &Self) -> Self {
        let layout = Arc::new(ParamLayout::of(graph));
        let mut values = vec![T::ZERO; layout.len()];
        for entry in layout.entries() {
            if let Some(own) = other.get(&entry.key).filter(|own| own.len() == entry.range.len()) {
                values[entry.range.clone()].copy_from_slice(own);
            }
        }
        Self { layout, values }
    }
}

impl ParamStore<f32> {
    /// Freshly initialised parameters of `graph`. Each tensor depends on `seed` and its key alone.
    pub fn new(graph: &VerifiedGraph, seed: u64) -> Self {
        Self::filled(Arc::new(ParamLayout::of(graph)), |_, entry, values| {
            initialize(&entry.init, xxh3_64_with_seed(entry.key.as_bytes(), seed), values);
        })
    }

    /// The parameters of a layout that `fill` writes, tensor by tensor: it is given the number of the entry, the entry, and zeros.
    pub fn filled(layout: Arc<ParamLayout>, mut fill: impl FnMut(usize, &ParamEntry, &mut [f32])) -> Self {
        let mut values = vec![0.0; layout.len()];
        for (i, entry) in layout.entries().iter().enumerate() {
            fill(i, entry, &mut values[entry.range.clone()]);
        }
        Self { layout, values }
    }
}

/// The first values of a tensor: a function of `init` and `seed`.
pub fn initialize(init: &Init, seed: u64, values: &mut [f32]) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    values.iter_mut().for_each(|v| *v = initial(init, &mut rng) as f32);
}

fn initial(init: &Init, rng: &mut Xoshiro256PlusPlus) -> f64 {
    match *init {
        Init::Constant(value) => value,
        Init::Uniform { bound } => bound * (2.0 * rng.random::<f64>() - 1.0),
        Init::HeNormal { fan_in } => {
            // Box and Muller 1958; 1 - u keeps the logarithm finite.
            let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
            let angle = 2.0 * std::f64::consts::PI * rng.random::<f64>();
            (2.0 / fan_in.max(1) as f64).sqrt() * radius * angle.cos()
        }
    }
}
