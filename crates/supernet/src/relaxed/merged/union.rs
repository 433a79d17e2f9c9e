//! The graphs of several genotypes as one: what they have in common once, and where they differ.

use nasmyth_graph::ops::{Add, Zero};
use nasmyth_graph::{Fact, NodeId, Op, Role, VerifiedGraph};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use thiserror::Error;

/// A node of some of the networks.
#[derive(Clone, Debug)]
pub(super) struct Vertex {
    /// Its name in those networks, which says the place.
    pub place: String,
    pub op: Arc<dyn Op>,
    /// What it reads; in networks of other options, something else may stand there.
    pub inputs: Vec<usize>,
    pub fact: Fact,
    /// Whether it learns.
    pub weights: bool,
}

impl Vertex {
    pub fn is<T: Op>(&self) -> bool {
        self.op.downcast::<T>().is_some()
    }

    fn function(&self) -> String {
        format!("{}({})", self.op.kind(), self.op.attributes())
    }
}

/// Who reads a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Reader {
    /// A vertex, as its input of this number.
    Input(usize, usize),
    /// The caller of the network.
    Output,
}

/// What other options of a choice have in place of a value; `None` is zero. Options that are not mentioned keep the value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Swap {
    /// The place of the gene.
    pub choice: usize,
    pub others: BTreeMap<usize, Option<usize>>,
}

/// Two choices, neither of which depends on the other, change the same value.
#[derive(Clone, Copy, Debug, Error)]
#[error("two choices change the same value")]
pub(super) struct Conflict;

/// The network of one assignment of options, as a part of the union.
#[derive(Clone)]
pub(super) struct Frame {
    /// The option at every place, whether the gene exists or not.
    pub options: Vec<usize>,
    /// Whether the gene exists.
    pub exists: Vec<bool>,
    /// Vertex by name.
    named: HashMap<String, usize>,
    /// What each vertex reads in this network.
    inputs: HashMap<usize, Vec<usize>>,
    readers: HashMap<usize, BTreeSet<Reader>>,
    output: usize,
}

/// Where a variant differs from the frame that it varies.
#[derive(Clone, Copy, Debug)]
struct Difference {
    reader: Reader,
    from: usize,
    to: Option<usize>,
}

/// A frame with another option of one choice.
pub(super) struct Variant {
    pub option: usize,
    pub frame: Frame,
    differences: Vec<Difference>,
    /// Sums among the readers of differences.
    sums: BTreeSet<usize>,
    /// Whether a node that both have has another shape: the choice is about sizes.
    pub reshapes: bool,
}

impl Variant {
    /// In how many places it differs.
    pub fn reach(&self) -> usize {
        self.differences.len()
    }

    /// The first difference.
    pub fn exit(&self) -> Option<Exit> {
        let d = self.differences.first()?;
        let sum = match d.reader {
            Reader::Input(reader, _) if self.sums.contains(&reader) => Some(reader),
            _ => None,
        };
        Some(Exit { from: d.from, to: d.to, sum })
    }
}

/// What stands in place of what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exit {
    pub from: usize,
    pub to: Option<usize>,
    /// The sum that it is a term of, if it is one.
    pub sum: Option<usize>,
}

/// Vertices of equal function and inputs, and, with weights or randomness, of one place, are one.
type Key = (String, Vec<usize>);

/// The networks of a base assignment and its variants.
#[derive(Clone, Default)]
pub(super) struct Union {
    pub vertices: Vec<Vertex>,
    pub output: usize,
    index: HashMap<Key, usize>,
    /// By who reads the value (`None`: everyone) and the value, outer choices first.
    swaps: BTreeMap<(Option<Reader>, usize), Vec<Swap>>,
    /// Pairs of choices: some option of the first leaves no place for the second.
    above: BTreeSet<(usize, usize)>,
    /// Vertices that not all options of the choices have.
    optional: BTreeSet<usize>,
}

impl Frame {
    /// Who reads a value.
    fn readers(&self, vertex: usize) -> BTreeSet<Reader> {
        self.readers.get(&vertex).cloned().unwrap_or_default()
    }

    /// Whether a vertex is part of this network.
    pub fn has(&self, vertex: usize) -> bool {
        self.inputs.contains_key(&vertex)
    }

    /// Vertices that the other network does not have.
    pub fn beyond<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = usize> + 'a {
        self.inputs.keys().copied().filter(|&vertex| !other.has(vertex))
    }

    /// The values that a vertex adds up.
    fn terms(&self, union: &Union, vertex: usize) -> Vec<usize> {
        match &union.vertices[vertex] {
            v if v.is::<Add>() => self.inputs.get(&vertex).cloned().unwrap_or_default(),
            v if v.is::<Zero>() => Vec::new(),
            _ => vec![vertex],
        }
    }
}

impl Union {
    /// With one network, the first frame.
    pub fn begin(graph: &VerifiedGraph, options: Vec<usize>, exists: Vec<bool>) -> (Self, Frame) {
        let mut union = Self::default();
        let (frame, _, _) = union.place(graph, None, (options, exists));
        union.output = frame.output;
        (union, frame)
    }

    /// Adds a network with another option of `choice` than the frame's.
    pub fn vary(
        &mut self,
        frame: &Frame,
        choice: usize,
        graph: &VerifiedGraph,
        options: Vec<usize>,
        exists: Vec<bool>,
    ) -> Variant {
        let option = options[choice];
        let gone =
            frame.exists.iter().zip(&exists).enumerate().filter(|(_, (before, now))| **before && !**now);
        self.above.extend(gone.map(|(place, _)| (choice, place)));
        let (varied, mut differences, reshapes) = self.place(graph, Some(frame), (options, exists));
        if varied.output != frame.output {
            let (from, to) = (frame.output, Some(varied.output));
            differences.push(Difference { reader: Reader::Output, from, to });
        }
        let differences = self.narrowed(frame, &varied, &differences);
        let sums = differences.iter().filter_map(|d| match d.reader {
            Reader::Input(reader, _) if self.vertices[reader].is::<Add>() => Some(reader),
            _ => None,
        });
        let sums = sums.collect();
        Variant { option, frame: varied, differences, sums, reshapes }
    }

    /// The vertices of a network. A node that agrees with one of the frame's in name, function and shapes of inputs is the frame's, whatever
    /// it reads; where it reads something else is a difference.
    fn place(
        &mut self,
        graph: &VerifiedGraph,
        frame: Option<&Frame>,
        (options, exists): (Vec<usize>, Vec<bool>),
    ) -> (Frame, Vec<Difference>, bool) {
        let mut placed: Vec<usize> = Vec::with_capacity(graph.nodes().len());
        let (mut differences, mut reshapes) = (Vec::new(), false);
        for (i, node) in graph.nodes().iter().enumerate() {
            let inputs: Vec<usize> = node.inputs.iter().map(|input| placed[input.0]).collect();
            let weights = graph.params_of(NodeId(i)).iter().any(|p| p.role != Role::Buffer);
            let own = if weights || node.op.random() { node.name.clone() } else { String::new() };
            let (op, fact, place) = (node.op.clone(), node.fact.clone(), node.name.clone());
            let vertex = Vertex { place, op, inputs, fact, weights };
            let key = (vertex.function() + &own, vertex.inputs.clone());
            let twin = frame.and_then(|f| Some((*f.named.get(&node.name)?, f)));
            placed.push(match (self.index.get(&key), twin) {
                (_, Some((twin, f))) if self.alike(f, twin, &vertex) => {
                    differences.extend(read_otherwise(twin, &f.inputs[&twin], &vertex.inputs));
                    twin
                }
                (Some(&known), _) => known,
                (None, twin) => {
                    reshapes |= twin.is_some_and(|(twin, _)| self.vertices[twin].fact != vertex.fact);
                    self.index.insert(key, self.vertices.len());
                    self.vertices.push(vertex);
                    self.vertices.len() - 1
                }
            });
        }
        let output = graph.outputs().first().map_or(0, |o| placed[o.0]); // verified: there is one
        let mut readers: HashMap<usize, BTreeSet<Reader>> = HashMap::new();
        let mut inputs: HashMap<usize, Vec<usize>> = HashMap::new();
        for (node, &vertex) in graph.nodes().iter().zip(&placed) {
            let read: Vec<usize> = node.inputs.iter().map(|input| placed[input.0]).collect();
            for (slot, &input) in read.iter().enumerate() {
                readers.entry(input).or_default().insert(Reader::Input(vertex, slot));
            }
            inputs.insert(vertex, read);
        }
        readers.entry(output).or_default().insert(Reader::Output);
        let named =
            graph.nodes().iter().zip(&placed).map(|(node, &vertex)| (node.name.clone(), vertex)).collect();
        (Frame { options, exists, named, inputs, readers, output }, differences, reshapes)
    }

    /// Whether a node is a vertex of the frame up to what it reads.
    fn alike(&self, frame: &Frame, twin: usize, node: &Vertex) -> bool {
        let fact = |&id: &usize| &self.vertices[id].fact;
        let shapes = |ids: &[usize]| ids.iter().map(|id| fact(id).clone()).collect::<Vec<_>>();
        self.vertices[twin].function() == node.function()
            && shapes(&frame.inputs[&twin]) == shapes(&node.inputs)
    }

    /// Differences in which zero is nothing, and a sum that differs in one term is a difference of that term.
    fn narrowed(&self, frame: &Frame, varied: &Frame, differences: &[Difference]) -> Vec<Difference> {
        let mut narrowed = BTreeMap::new();
        for d in differences {
            let to = d.to.filter(|&to| !self.vertices[to].is::<Zero>());
            let term =
                self.vertices[d.from].is::<Add>().then(|| self.term(frame, varied, d, differences)).flatten();
            let Difference { reader, from, to } = term.unwrap_or(Difference { to, ..*d });
            narrowed.insert((reader, from), to);
        }
        narrowed.into_iter().map(|((reader, from), to)| Difference { reader, from, to }).collect()
    }

    /// The one term in which a sum differs, if all who read the sum see that.
    fn term(&self, frame: &Frame, varied: &Frame, d: &Difference, all: &[Difference]) -> Option<Difference> {
        let same: BTreeSet<Reader> =
            all.iter().filter(|e| (e.from, e.to) == (d.from, d.to)).map(|e| e.reader).collect();
        let (mut gone, mut new) = (frame.terms(self, d.from), varied.terms(self, d.to?));
        new.retain(|term| {
            let kept = gone.iter().position(|t| t == term);
            kept.map(|at| gone.remove(at)).is_none()
        });
        let [from] = gone[..] else { return None };
        if new.len() > 1 || same != frame.readers(d.from) {
            return None;
        }
        let slot = frame.inputs[&d.from].iter().position(|&input| input == from)?;
        Some(Difference { reader: Reader::Input(d.from, slot), from, to: new.first().copied() })
    }

    /// Notes what the options of a choice put in place of what the frame has.
    pub fn swap(&mut self, frame: &Frame, choice: usize, variants: &[Variant]) -> Result<(), Conflict> {
        let mut by_value: BTreeMap<usize, BTreeMap<usize, BTreeMap<Reader, Option<usize>>>> = BTreeMap::new();
        for variant in variants {
            self.optional.extend(frame.beyond(&variant.frame).chain(variant.frame.beyond(frame)));
            for d in &variant.differences {
                by_value.entry(d.from).or_default().entry(variant.option).or_default().insert(d.reader, d.to);
            }
        }
        for (from, options) in by_value {
            let readers = frame.readers(from);
            let one = |seen: &BTreeMap<Reader, Option<usize>>| {
                let mut to = seen.values();
                seen.keys().eq(&readers) && to.next().is_some_and(|first| to.all(|other| other == first))
            };
            if options.values().all(one) {
                let others = options.iter().filter_map(|(&o, seen)| Some((o, *seen.values().next()?)));
                self.add((None, from), Swap { choice, others: others.collect() })?;
                continue;
            }
            let seen: BTreeSet<Reader> = options.values().flat_map(|seen| seen.keys().copied()).collect();
            for reader in seen {
                let others = options.iter().filter_map(|(&o, seen)| Some((o, *seen.get(&reader)?)));
                self.add((Some(reader), from), Swap { choice, others: others.collect() })?;
            }
        }
        Ok(())
    }

    fn add(&mut self, key: (Option<Reader>, usize), swap: Swap) -> Result<(), Conflict> {
        let swaps = self.swaps.entry(key).or_default();
        if swaps.contains(&swap) {
            return Ok(());
        }
        let outer = |a: usize, b: usize| self.above.contains(&(a, b));
        let tied = |other: &Swap| outer(swap.choice, other.choice) || outer(other.choice, swap.choice);
        if !swaps.iter().all(tied) {
            return Err(Conflict);
        }
        let at = swaps.iter().position(|other| outer(swap.choice, other.choice)).unwrap_or(swaps.len());
        swaps.insert(at, swap);
        Ok(())
    }

    /// What stands in place of a value for this reader, outer choices first.
    pub fn swaps(&self, reader: Reader, vertex: usize) -> impl Iterator<Item = &Swap> {
        let of = |key| self.swaps.get(&key).into_iter().flatten();
        of((Some(reader), vertex)).chain(of((None, vertex)))
    }

    /// The latest value that all of these are made of.
    pub fn entry(&self, vertices: &[usize]) -> Option<usize> {
        let common = vertices.iter().map(|&v| self.up(v)).reduce(|a, b| &a & &b)?;
        common.last().copied()
    }

    /// A vertex and all that it is made of.
    fn up(&self, vertex: usize) -> BTreeSet<usize> {
        let (mut seen, mut open) = (BTreeSet::new(), vec![vertex]);
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(&self.vertices[next].inputs);
            }
        }
        seen
    }

    /// Whether a vertex stands for some options only.
    pub fn optional(&self, vertex: usize) -> bool {
        self.optional.contains(&vertex)
    }
}

fn read_otherwise<'a>(
    vertex: usize,
    before: &'a [usize],
    now: &'a [usize],
) -> impl Iterator<Item = Difference> + 'a {
    let pairs = before.iter().zip(now).enumerate().filter(|(_, (from, to))| from != to);
    pairs.map(move |(slot, (&from, &to))| Difference {
        reader: Reader::Input(vertex, slot),
        from,
        to: Some(to),
    })
}
