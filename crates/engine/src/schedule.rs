//! The schedule: which kernel runs when, on which part of the batch, and where its operands lie.
//!
//! Operators work sample by sample, except for statistics over the batch. So a step is a list of *segments* between which all
//! threads wait; in a segment, a *chunk* of samples goes through all calls before the next chunk does, and what no other
//! segment needs exists for one chunk only and stays in cache. What is cheap to compute is computed again in each segment that
//! needs it, rather than stored for the whole batch.

use crate::arena::disjoint;
use std::ops::Range;

/// A part of the batch, and the memory of the thread that computes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk {
    /// First sample.
    pub first: usize,
    /// Samples.
    pub count: usize,
    /// Where the thread's local values begin.
    pub local: usize,
    /// Where its scratch begins.
    pub scratch: usize,
}

/// Where an operand lies: for the whole batch in the arena, or for a chunk in the memory of a thread.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slot {
    start: usize,
    /// Elements of a sample.
    len: usize,
    local: bool,
}

impl Slot {
    /// For the whole batch, `len` elements a sample.
    pub fn stored(start: usize, len: usize) -> Self {
        Self { start, len, local: false }
    }

    /// For a chunk.
    pub fn local(start: usize, len: usize) -> Self {
        Self { start, len, local: true }
    }

    /// The elements that belong to a chunk.
    #[inline(always)]
    pub fn range(&self, chunk: Chunk) -> Range<usize> {
        let from = if self.local { chunk.local } else { chunk.first * self.len };
        self.start + from..self.start + from + chunk.count * self.len
    }

    /// The elements of `batch` samples, for a slot that is not local.
    pub fn whole(&self, batch: usize) -> Range<usize> {
        self.start..self.start + batch * self.len
    }

    fn overlaps(&self, other: &Self, chunk: usize, batch: usize) -> bool {
        let reach = |s: &Self| s.start..s.start + s.len * if s.local { chunk } else { batch };
        self.local == other.local && !disjoint(&reach(self), &reach(other))
    }
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Computes the output.
    Forward,
    /// Records statistics of the input.
    Measure,
    /// Computes the loss and its gradient.
    Loss,
    /// Records statistics of input and gradient.
    MeasureBackward,
    /// Computes gradients.
    Backward,
}

impl Phase {
    /// Whether records are written.
    pub fn measures(self) -> bool {
        matches!(self, Self::Measure | Self::MeasureBackward)
    }

    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Measure => "measure",
            Self::Loss => "loss",
            Self::MeasureBackward => "measure backward",
            Self::Backward => "backward",
        }
    }
}

/// A kernel call on a chunk.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub node: usize,
    pub phase: Phase,
    pub inputs: Vec<Slot>,
    pub output: Slot,
    pub saved: Slot,
    pub grad_output: Slot,
    /// For each input where its gradient goes, and whether it is added to.
    pub grad_inputs: Vec<Option<(Slot, bool)>>,
    /// First record, for calls that measure; that of chunk `c` lies `c` records further on.
    pub records: usize,
}

impl Call {
    /// Elements that the call reads and writes for a sample: stored for the whole batch, and local.
    pub fn elements(&self) -> [usize; 2] {
        let grads = self.grad_inputs.iter().flatten().map(|(slot, _)| slot);
        let slots = self.inputs.iter().chain([&self.output, &self.saved, &self.grad_output]).chain(grads);
        slots.fold([0, 0], |mut sums, slot| {
            sums[usize::from(slot.local)] += slot.len;
            sums
        })
    }
}

/// Statistics to be put together after a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finish {
    pub node: usize,
    pub backward: bool,
    /// First record.
    pub records: usize,
}

/// Calls that a chunk goes through without waiting for others.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub calls: Vec<Call>,
    pub finishes: Vec<Finish>,
    /// Samples at once.
    pub chunk: usize,
    /// Whether chunks run from the last to the first.
    pub backwards: bool,
}

/// What of a node is the same in all its calls.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub name: String,
    /// Tells its randomness apart from that of other nodes.
    pub salt: u64,
    pub params: Vec<Range<usize>>,
    pub prepared: Range<usize>,
    pub shared: Range<usize>,
    /// Elements of a record.
    pub record: usize,
    pub scratch: usize,
}

/// Everything about a step that is known before the first one.
#[derive(Debug)]
pub(crate) struct Schedule {
    pub segments: Vec<Segment>,
    pub nodes: Vec<Node>,
    pub input: Range<usize>,
    pub output: Range<usize>,
    pub target: Range<usize>,
    /// Samples of each part.
    pub parts: Vec<Range<usize>>,
    /// Where the local values of each part begin, where its scratch, and where its gradients (the first part has none).
    pub locals: Vec<usize>,
    pub scratches: Vec<usize>,
    pub grads: Vec<Range<usize>>,
    /// Losses of all chunks.
    pub losses: Range<usize>,
    pub arena_len: usize,
}

impl Schedule {
    /// The chunks of a part in a segment, each with its number within the segment. Every other segment goes backwards: what the
    /// one before it computed last is still in cache.
    pub fn chunks(&self, segment: &Segment, part: usize) -> impl Iterator<Item = (usize, Chunk)> + use<> {
        let samples = self.parts[part].clone();
        let step = segment.chunk;
        let before: usize = self.parts[..part].iter().map(|p| p.len().div_ceil(step)).sum();
        let (local, scratch) = (self.locals[part], self.scratches[part]);
        let (count, backwards) = (samples.len().div_ceil(step), segment.backwards);
        (0..count).map(move |i| {
            let i = if backwards { count - 1 - i } else { i };
            let first = samples.start + i * step;
            (before + i, Chunk { first, count: step.min(samples.end - first), local, scratch })
        })
    }

    /// The numbers and sizes of all chunks in a segment.
    pub fn chunk_sizes(&self, segment: &Segment) -> impl Iterator<Item = (usize, usize)> {
        (0..self.parts.len()).flat_map(|p| self.chunks(segment, p)).map(|(i, chunk)| (i, chunk.count))
    }
}

impl Schedule {
    /// That no call writes where it reads, or twice to one place: what the views of [`crate::kernels::Forward`] and
    /// [`crate::kernels::Backward`] rely on.
    pub fn check(&self, batch: usize) {
        for segment in &self.segments {
            for c in &segment.calls {
                let grads = || c.grad_inputs.iter().flatten().map(|(s, _)| s);
                let (reads, writes): (Vec<&Slot>, Vec<&Slot>) = match c.phase {
                    Phase::Forward => (c.inputs.iter().collect(), vec![&c.output, &c.saved]),
                    Phase::Measure | Phase::MeasureBackward => (Vec::new(), Vec::new()), // what they write is apart
                    Phase::Loss => (c.inputs.iter().collect(), grads().collect()),
                    Phase::Backward => (
                        c.inputs.iter().chain([&c.output, &c.saved, &c.grad_output]).collect(),
                        grads().collect(),
                    ),
                };
                let apart = |a: &Slot, b: &Slot| !a.overlaps(b, segment.chunk, batch);
                let name = &self.nodes[c.node].name;
                assert!(
                    writes.iter().all(|w| reads.iter().all(|r| apart(w, r))),
                    "{:?} of `{name}` would write where it reads",
                    c.phase
                );
                if c.phase == Phase::Forward {
                    assert!(apart(&c.output, &c.saved), "`{name}` would keep something in its output");
                }
            }
        }
    }
}
