//! Layers at their place in a genotype: from choices to a graph.

use super::attribute::scaled;
use super::layer::{Body, Layer, Nested};
use super::misread;
use super::spec::Spec;
use crate::{Network, Reader, SpaceError};
use nasmyth_graph::ops::Function;
use std::cell::Cell;

/// Most layers of one network, repetitions included.
const MOST_LAYERS: usize = 4096;

/// A layer at its place in a genotype: reads its attributes there.
pub(crate) struct Placed<'a> {
    layer: &'a Layer,
    /// Genes of the list that the layer stands in.
    genes: &'a Reader<'a>,
    lowering: &'a Lowering<'a>,
}

/// What lowering one genotype needs everywhere.
pub(crate) struct Lowering<'a> {
    /// Genes under `[shared]`.
    pub shared: Reader<'a>,
    /// Layers appended so far.
    pub layers: Cell<usize>,
}

impl Lowering<'_> {
    /// Appends layers in order; genes are those of their list.
    pub fn run(&self, layers: &[Layer], genes: &Reader<'_>, net: &mut Network) -> Result<(), SpaceError> {
        for layer in layers {
            self.layers.set(self.layers.get() + 1);
            if self.layers.get() > MOST_LAYERS {
                let expected = format!("a network of at most {MOST_LAYERS} layers");
                return Err(misread(&layer.at, expected, "more repetitions than that", None));
            }
            let placed = Placed { layer, genes, lowering: self };
            net.scope(&layer.label, |net| (layer.kind.lower)(&placed, net))
                .map_err(|e| e.within(&layer.at))?;
        }
        Ok(())
    }
}

impl<'a> Placed<'a> {
    /// Where an attribute's value is chosen: its reader, its path there, and the factor on it.
    fn find<'n>(&'n self, name: &'n str) -> (Reader<'a>, &'n str, Option<f64>) {
        match self.layer.attributes.iter().find(|(n, _)| *n == name) {
            Some((_, Spec::Shared { name, times })) => (self.lowering.shared.clone(), name, *times),
            _ => (self.genes.scope(&self.layer.label), name, None),
        }
    }

    pub fn size(&self, name: &str) -> Result<usize, SpaceError> {
        let (genes, path, times) = self.find(name);
        let size = genes.size(path)?;
        Ok(times.map_or(size, |times| scaled(size as i64, times) as usize))
    }

    pub fn number(&self, name: &str) -> Result<f64, SpaceError> {
        let (genes, path, _) = self.find(name);
        genes.float(path)
    }

    pub fn flag(&self, name: &str) -> Result<bool, SpaceError> {
        let (genes, path, _) = self.find(name);
        genes.flag(path)
    }

    pub fn word(&self, name: &str) -> Result<String, SpaceError> {
        let (genes, path, _) = self.find(name);
        genes.word(path)
    }

    /// The activation of an attribute; nothing for "none".
    pub fn function(&self, name: &str) -> Result<Option<Function>, SpaceError> {
        Ok(Function::from_name(&self.word(name)?))
    }

    /// Appends the body once.
    pub fn body(&self, net: &mut Network) -> Result<(), SpaceError> {
        self.each_body().try_for_each(|(body, genes)| self.lowering.run(&body.layers, &genes, net))
    }

    /// Nested lists with their genes.
    pub fn each_body(&self) -> impl Iterator<Item = (&'a Body, Reader<'a>)> {
        let genes = self.genes.scope(&self.layer.label);
        let branches = self.layer.kind.nested == Nested::Branches;
        self.layer.bodies.iter().map(move |body| {
            let inner = if branches { genes.scope(&body.name) } else { genes.clone() };
            (body, inner)
        })
    }

    /// Appends the layers of a list with its genes.
    pub fn run(&self, body: &Body, genes: &Reader<'_>, net: &mut Network) -> Result<(), SpaceError> {
        self.lowering.run(&body.layers, genes, net)
    }

    /// Appends the body as often as chosen.
    pub fn repeat(&self, net: &mut Network) -> Result<(), SpaceError> {
        let same = self.layer.times.as_ref().is_some_and(|t| t.same);
        if same {
            let times = self.genes.size(&self.layer.label)?;
            return (0..times).try_for_each(|i| net.scope(i, |net| self.body(net)).map(drop));
        }
        for (i, genes) in self.genes.repeat(&self.layer.label)?.iter().enumerate() {
            let bodies = &self.layer.bodies;
            net.scope(i, |net| bodies.iter().try_for_each(|body| self.run(body, genes, net)))?;
        }
        Ok(())
    }

    /// Appends the chosen option.
    pub fn option(&self, net: &mut Network) -> Result<(), SpaceError> {
        let (name, genes) = self.genes.branch(&self.layer.label)?;
        let chosen = self.layer.bodies.iter().find(|b| b.name == name);
        chosen.map_or(Ok(()), |body| net.scope(&name, |net| self.run(body, &genes, net)).map(drop))
    }
}
