//! The networks that some choices lead to, merged.

use super::assembly::{Plan, Unsound, assemble};
use super::genes::{Genes, Lowered};
use super::union::{Conflict, Frame, Union, Variant};
use crate::relaxed::space::{Form, RelaxedGraph};
use nasmyth_graph::ops::{Add, Zero};
use nasmyth_graph::{NodeId, Role, VerifiedGraph, passes::simplify};
use nasmyth_space::{Rng, SpaceError};
use rand::RngExt;
use std::collections::BTreeMap;
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

/// Why a choice cannot be mixed with others.
#[derive(Debug, Error)]
pub(super) enum Unmixable {
    #[error(transparent)]
    Conflict(#[from] Conflict),
    #[error(transparent)]
    Unsound(#[from] Unsound),
    #[error(transparent)]
    Space(#[from] SpaceError),
}

/// A frame, and the one that it varies.
#[derive(Clone)]
struct Varied {
    frame: Frame,
    of: Option<usize>,
}

/// All networks that the mixed choices lead to from one assignment of options.
#[derive(Clone)]
pub(super) struct Merged {
    pub union: Union,
    /// The first one is the base; then those in which genes exist that do not in the frame before.
    frames: Vec<Varied>,
}

impl Merged {
    /// The network of these options alone.
    pub fn begin(genes: &Genes, options: &[usize]) -> Result<Self, SpaceError> {
        let Lowered { graph, exists } = genes.lower(options)?;
        let (union, frame) = Union::begin(&graph, options.to_vec(), exists);
        Ok(Self { union, frames: vec![Varied { frame, of: None }] })
    }

    /// With the variants of all these choices.
    pub fn new(genes: &Genes, options: &[usize], mixed: &[bool]) -> Result<Self, Unmixable> {
        let mut merged = Self::begin(genes, options)?;
        let exists = merged.base().exists.clone();
        for place in (0..mixed.len()).filter(|&place| mixed[place] && exists[place]) {
            merged.explore(0, place, genes, mixed)?;
        }
        Ok(merged)
    }

    /// The base.
    pub fn base(&self) -> &Frame {
        &self.frames[0].frame
    }

    /// Whether the gene exists in some of the networks.
    pub fn has(&self, place: usize) -> bool {
        self.frames.iter().any(|varied| varied.frame.exists[place])
    }

    /// Adds a choice wherever it exists.
    pub fn add(&mut self, place: usize, genes: &Genes, mixed: &[bool]) -> Result<(), Unmixable> {
        for at in 0..self.frames.len() {
            let Varied { frame, of } = &self.frames[at];
            if frame.exists[place] && of.is_none_or(|of| !self.frames[of].frame.exists[place]) {
                self.explore(at, place, genes, mixed)?;
            }
        }
        Ok(())
    }

    /// The variants of a frame in one choice.
    pub fn variants(&mut self, at: usize, place: usize, genes: &Genes) -> Result<Vec<Variant>, SpaceError> {
        let frame = &self.frames[at].frame;
        let others = (0..genes.options[place].len()).filter(|&o| o != frame.options[place]);
        others
            .map(|option| {
                let mut options = frame.options.clone();
                options[place] = option;
                let Lowered { graph, exists } = genes.lower(&options)?;
                Ok(self.union.vary(frame, place, &graph, options, exists))
            })
            .collect()
    }

    fn explore(&mut self, at: usize, place: usize, genes: &Genes, mixed: &[bool]) -> Result<(), Unmixable> {
        let variants = self.variants(at, place, genes)?;
        self.union.swap(&self.frames[at].frame, place, &variants)?;
        for Variant { frame, .. } in variants {
            let before = &self.frames[at].frame.exists;
            let new: Vec<usize> = (0..mixed.len()).filter(|&p| frame.exists[p] && !before[p]).collect();
            if new.is_empty() {
                continue;
            }
            self.frames.push(Varied { frame, of: Some(at) });
            let own = self.frames.len() - 1;
            new.into_iter().filter(|&p| mixed[p]).try_for_each(|p| self.explore(own, p, genes, mixed))?;
        }
        Ok(())
    }

    /// The graph of the options that are left.
    pub fn assemble(&self, plan: Plan<'_>) -> Result<RelaxedGraph, Unsound> {
        assemble(&self.union, plan)
    }

    /// Whether random networks come out of the merged graph as the space itself lowers them; `focus`: a choice that takes another option than
    /// the base's.
    pub fn holds(
        &self,
        genes: &Genes,
        mixed: &[bool],
        focus: Option<usize>,
        rng: &mut Rng,
    ) -> Result<bool, SpaceError> {
        let mut options = self.base().options.clone();
        for place in (0..mixed.len()).filter(|&place| mixed[place]) {
            options[place] = rng.random_range(0..genes.options[place].len());
        }
        if let Some(place) = focus {
            let others = genes.options[place].len() - 1;
            options[place] = (self.base().options[place] + 1 + rng.random_range(0..others)) % (others + 1);
        }
        let kept: Vec<Vec<usize>> = options.iter().map(|&option| vec![option]).collect();
        let Ok(own) =
            self.assemble(Plan { kept: &kept, numbers: &vec![None; kept.len()], form: Form::WHOLE })
        else {
            return Ok(false);
        };
        let lowered = genes.lower(&options)?.graph;
        Ok(function(&simplify(&own.graph), &own.places) == function(&simplify(&lowered), &BTreeMap::new()))
    }
}

/// What a network computes, as one number: operators, the places of those that learn, and how they depend on each other. The order of terms
/// makes no difference, nor does what zeros are made of.
fn function(graph: &VerifiedGraph, places: &BTreeMap<String, String>) -> u64 {
    let mut values: Vec<Value> = Vec::with_capacity(graph.nodes().len());
    for (i, node) in graph.nodes().iter().enumerate() {
        let inputs = node.inputs.iter().map(|input| &values[input.0]);
        let zero = node.op.downcast::<Zero>().is_some()
            || node.op.keeps_zero() && inputs.clone().all(|input| input.zero);
        let terms: Vec<u64> = if node.op.downcast::<Add>().is_some() && !zero {
            let mut terms: Vec<u64> = inputs.flat_map(|input| input.terms.clone()).collect();
            terms.sort_unstable();
            terms
        } else {
            let learns = !zero && graph.params_of(NodeId(i)).iter().any(|p| p.role != Role::Buffer);
            let place = if learns { places.get(&node.name).unwrap_or(&node.name) } else { "" };
            let read: Vec<u64> = if zero { Vec::new() } else { inputs.map(Value::label).collect() };
            let op = if zero {
                "zero".to_owned()
            } else {
                format!("{}({})", node.op.kind(), node.op.attributes())
            };
            vec![xxh3_64(format!("{op} {:?} {place} {read:?}", node.fact).as_bytes())]
        };
        values.push(Value { zero, terms });
    }
    let outputs: Vec<u64> = graph.outputs().iter().map(|o| values[o.0].label()).collect();
    xxh3_64(format!("{outputs:?}").as_bytes())
}

/// What a node of a network computes.
struct Value {
    zero: bool,
    /// Labels of what it adds up; of what is no sum, its own.
    terms: Vec<u64>,
}

impl Value {
    fn label(&self) -> u64 {
        match self.terms[..] {
            [own] => own,
            _ => xxh3_64(format!("{:?}", self.terms).as_bytes()),
        }
    }
}
