//! Options that some of the channels go through (Xu et al. 2020, PC-DARTS, section 3.2).

use super::assembly::{Assembly, Split, Unsound};
use super::union::{Reader, Swap, Union};
use crate::relaxed::space::Term;
use nasmyth_graph::ops::{Concat, Conv, Linear, Permute, Reshape, Slice, Zero};
use nasmyth_graph::{Fact, Graph, GraphError, NodeId, Op};
use std::collections::HashMap;
use std::iter;
use std::sync::Arc;

impl Assembly<'_> {
    /// The options of a choice, each on one in `partial` of the channels. Nothing where that is not possible: options that change shapes, have
    /// choices in them or read more than one value.
    pub(super) fn partial(
        &mut self,
        reader: Reader,
        vertex: usize,
        swaps: &[&Swap],
        choice: usize,
    ) -> Result<Option<Split>, Unsound> {
        let (union, share) = (self.union, self.plan.form.partial);
        let [swap] = swaps else { return Ok(None) };
        let all: Vec<usize> = iter::once(vertex).chain(swap.others.values().flatten().copied()).collect();
        let alone = |o: usize| union.swaps(reader, o).next().is_none();
        let fits = |&entry: &usize| {
            entry != vertex
                && all[1..].iter().all(|&o| o == entry || alone(o))
                && union.divides(entry, &all, share)
        };
        let Some(entry) = union.entry(&all).filter(|entry| share > 1 && fits(entry)) else { return Ok(None) };
        let channels = union.vertices[entry].fact.channels();
        let mut through = Vec::new();
        for &option in &self.plan.kept[swap.choice] {
            if let Some(own) = swap.others.get(&option).copied().unwrap_or(Some(vertex)) {
                through.push((self.thin(reader, own, entry)?, Term::Option { choice, option }));
            }
        }
        let whole = self.node(reader, entry)?;
        let rest = self.slice(whole, channels / share, channels)?;
        let like = self.slice(whole, 0, channels / share)?;
        Ok(Some(Split { through, around: vec![(rest, Term::Bypass { choice })], like }))
    }

    /// Both parts of the channels as one value, in turn.
    pub(super) fn united(&mut self, split: Split, vertex: usize) -> Result<NodeId, Unsound> {
        let Split { through, around, like } = split;
        let through = match through.is_empty() {
            true => self.graph.push(Zero, &[like])?,
            false => self.mixture(through, vertex)?,
        };
        let around = self.mixture(around, vertex)?;
        let whole = self.graph.push(Concat, &[through, around])?;
        Ok(shuffle(&mut self.graph, whole, self.plan.form.partial)?)
    }

    /// A vertex on the first channels of `entry`.
    fn thin(&mut self, reader: Reader, vertex: usize, entry: usize) -> Result<NodeId, Unsound> {
        let (union, share) = (self.union, self.plan.form.partial);
        let v = &union.vertices[vertex];
        if vertex == entry {
            let whole = self.node(reader, entry)?;
            return self.slice(whole, 0, v.fact.channels() / share);
        }
        if let Some(&known) = self.thin.get(&(entry, vertex)) {
            return Ok(known);
        }
        let inputs = v.inputs.iter().enumerate();
        let inputs = inputs.map(|(slot, &input)| self.thin(Reader::Input(vertex, slot), input, entry));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let name = self.layer(vertex);
        let node = self.graph.add(name, thinned(&v.op, share).unwrap_or_else(|| v.op.clone()), &inputs)?;
        self.thin.insert((entry, vertex), node);
        Ok(node)
    }

    fn slice(&mut self, of: NodeId, start: usize, end: usize) -> Result<NodeId, Unsound> {
        if let Some(&known) = self.slices.get(&(of, start, end)) {
            return Ok(known);
        }
        let node = self.graph.push(Slice { start, end }, &[of])?;
        self.slices.insert((of, start, end), node);
        Ok(node)
    }
}

impl Union {
    /// Whether all of these, of the shape of `entry`, can be computed on one in `share` of its channels.
    fn divides(&self, entry: usize, vertices: &[usize], share: usize) -> bool {
        let fact = &self.vertices[entry].fact;
        let Some(few) = narrowed(fact, share) else { return false };
        let mut facts = HashMap::from([(entry, few)]);
        vertices
            .iter()
            .all(|&v| self.vertices[v].fact == *fact && self.thin_fact(v, entry, share, &mut facts).is_some())
    }

    /// The shape of a vertex on some of the channels.
    fn thin_fact(
        &self,
        vertex: usize,
        entry: usize,
        share: usize,
        facts: &mut HashMap<usize, Fact>,
    ) -> Option<Fact> {
        if let Some(known) = facts.get(&vertex) {
            return Some(known.clone());
        }
        let v = &self.vertices[vertex];
        let own = v.inputs.iter().enumerate().map(|(slot, &input)| {
            let free = input == entry || self.swaps(Reader::Input(vertex, slot), input).next().is_none();
            self.thin_fact(input, entry, share, facts).filter(|_| free)
        });
        let own: Vec<Fact> = own.collect::<Option<_>>()?;
        let fact = thinned(&v.op, share)?.infer(&own.iter().collect::<Vec<_>>()).ok()?;
        let expected = narrowed(&v.fact, share).filter(|expected| !own.is_empty() && *expected == fact)?;
        facts.insert(vertex, expected.clone());
        Some(expected)
    }
}

/// A shape with fewer channels.
fn narrowed(fact: &Fact, share: usize) -> Option<Fact> {
    let end = fact.channels().is_multiple_of(share).then(|| fact.channels() / share)?;
    Slice { start: 0, end }.infer(&[fact]).ok()
}

/// An operator for fewer channels.
fn thinned(op: &Arc<dyn Op>, share: usize) -> Option<Arc<dyn Op>> {
    let divided = |n: usize| n.is_multiple_of(share).then(|| n / share);
    if let Some(conv) = op.downcast::<Conv>() {
        let groups = if conv.groups == 1 { 1 } else { divided(conv.groups)? };
        return Some(Arc::new(Conv { out: divided(conv.out)?, groups, ..conv.clone() }));
    }
    if let Some(linear) = op.downcast::<Linear>() {
        return Some(Arc::new(Linear { out: divided(linear.out)?, ..linear.clone() }));
    }
    Some(op.clone())
}

/// Channel c of `groups` groups in a row goes to where each group is one in `groups` channels (Zhang et al. 2018, ShuffleNet,
/// section 3.1).
fn shuffle(g: &mut Graph, x: NodeId, groups: usize) -> Result<NodeId, GraphError> {
    let shape = g.fact(x).shape().to_vec();
    let axes = shape.len() - 1;
    let apart = [&shape[..axes], &[groups, shape[axes] / groups]].concat();
    let y = g.push(Reshape(apart), &[x])?;
    let order: Vec<usize> = (0..axes).chain([axes + 1, axes]).collect();
    let y = g.push(Permute(order), &[y])?;
    g.push(Reshape(shape), &[y])
}
