//! The schedule: which kernel runs when, on which part of the batch, and where its operands lie.
//!
//! Operators work sample by sample, except for statistics over the batch. So a step is a list of *segments* between which all
//! threads wait; in a segment, a *chunk* of samples goes through all calls before the next chunk does, and what no other
//! segment needs exists for one chunk only and stays in cache. What is cheap to compute is computed again in each segment that
//! needs it, rather than stored for the whole batch.

use crate::arena::disjoint;
use crate::levels::Levels;
use crate::lower::Lowered;
use crate::place::{Buffer, GRAIN, place};
use crate::{EngineError, Options, Real};
use std::collections::BTreeMap;
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64;

/// Largest arena that is allocated: 8 GiB; beyond it a candidate is refused instead of exhausting the machine.
const MAX_BYTES: usize = 8 << 30;

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
    pub fn new<T: Real>(lowered: &Lowered<T>, options: Options, trained: usize) -> Result<Self, EngineError> {
        let Options { batch, parts, cache, .. } = options;
        // Sizes must be computable before memory can be planned.
        let largest = lowered.nodes.iter().map(|n| n.len).max().unwrap_or(0);
        let bytes = largest.saturating_mul(batch).saturating_mul(size_of::<T>());
        if bytes > MAX_BYTES {
            return Err(EngineError::TooLarge { batch, bytes, limit: MAX_BYTES });
        }
        Scheduler { lowered, levels: Levels::new(lowered), batch, cache, parts: split(batch, parts) }
            .schedule(trained)
    }

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

/// `batch` samples in `parts` parts of nearly one size.
fn split(batch: usize, parts: usize) -> Vec<Range<usize>> {
    (0..parts).map(|p| p * batch / parts..(p + 1) * batch / parts).collect()
}

/// An operand while the schedule is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Value(usize),
    Grad(usize),
    Saved(usize),
}

/// Operands of a call by what they are.
struct Draft {
    node: usize,
    phase: Phase,
    inputs: Vec<Option<Thing>>,
    output: Option<Thing>,
    saved: Option<Thing>,
    grad_output: Option<Thing>,
    grad_inputs: Vec<Option<(Thing, bool)>>,
}

impl Draft {
    fn things(&self) -> impl Iterator<Item = Thing> + '_ {
        let written = self.grad_inputs.iter().flatten().map(|(t, _)| *t);
        self.inputs
            .iter()
            .flatten()
            .copied()
            .chain(self.output)
            .chain(self.saved)
            .chain(self.grad_output)
            .chain(written)
    }
}

struct Scheduler<'l, T> {
    lowered: &'l Lowered<T>,
    levels: Levels,
    batch: usize,
    cache: usize,
    parts: Vec<Range<usize>>,
}

impl<T: Real> Scheduler<'_, T> {
    fn schedule(&self, trained: usize) -> Result<Schedule, EngineError> {
        let drafts = self.drafts();
        // What more than one level touches is stored for the whole batch, the rest is local.
        let mut lives: BTreeMap<Thing, (usize, usize)> = BTreeMap::new();
        for (level, drafts) in drafts.iter().enumerate() {
            for thing in drafts.iter().flat_map(Draft::things).filter(|&t| !self.is_local_everywhere(t)) {
                lives.entry(thing).and_modify(|l| l.1 = level).or_insert((level, level));
            }
        }
        let last = drafts.len() - 1;
        lives.insert(Thing::Value(self.lowered.input), (0, last));
        lives.insert(Thing::Value(self.lowered.output), (0, last));
        let stored: Vec<(Thing, (usize, usize))> =
            lives.into_iter().filter(|(t, (first, last))| first < last || self.is_kept(*t)).collect();
        let chunks: Vec<usize> = drafts.iter().map(|d| self.chunk(d, &stored)).collect();

        // The arena: stored things, then what is fixed for the whole step, then the memory of each part.
        let mut arena = Layout::default();
        for &(thing, (first, last)) in &stored {
            arena.add(self.len(thing).saturating_mul(self.batch), first, last);
        }
        let width = self.lowered.len(self.lowered.output);
        let training = self.levels.training;
        let target = arena.add(if training { self.batch * width } else { 0 }, 0, last);
        let most_chunks = chunks.iter().map(|&c| self.count(c)).collect::<Vec<_>>();
        let losses = arena.add(if training { most_chunks[self.levels.loss] } else { 0 }, 0, last);
        let nodes: Vec<[usize; 2]> = (0..self.lowered.nodes.len())
            .map(|i| {
                let kernel = self.lowered.nodes[i].kernel.as_deref();
                let shared = kernel.and_then(|k| k.statistics()).map_or(0, |s| s.shared());
                let prepared = kernel.map_or(0, |k| k.prepared());
                [arena.add(prepared, 0, last), arena.add(shared, 0, last)]
            })
            .collect();
        let mut records = BTreeMap::new();
        for (level, drafts) in drafts.iter().enumerate() {
            for d in drafts.iter().filter(|d| matches!(d.phase, Phase::Measure | Phase::MeasureBackward)) {
                let id = arena.add(most_chunks[level] * self.record(d.node), level, level);
                records.insert((level, d.node), id);
            }
        }
        let part_grads: Vec<usize> = (0..self.parts.len())
            .map(|p| arena.add(if training && p > 0 { trained } else { 0 }, 0, last))
            .collect();
        let (ranges, stored_len) = place(&arena.buffers);

        let slots: BTreeMap<Thing, Slot> = stored
            .iter()
            .zip(&ranges)
            .map(|(&(thing, _), range)| {
                (thing, Slot { start: range.start, len: self.len(thing), local: false })
            })
            .collect();
        let (mut segments, mut local_len) = (Vec::new(), 0);
        for (level, (drafts, &chunk)) in drafts.iter().zip(&chunks).enumerate() {
            let (locals, len) = self.place_locals(drafts, &slots, chunk);
            local_len = local_len.max(len);
            let slot =
                |thing: Thing| slots.get(&thing).or_else(|| locals.get(&thing)).copied().unwrap_or_default();
            let records_of = |node: usize| records.get(&(level, node)).map_or(0, |&id| ranges[id].start);
            let calls: Vec<Call> = drafts.iter().map(|d| call(d, &slot, records_of(d.node))).collect();
            let finishes =
                calls.iter().filter(|c| matches!(c.phase, Phase::Measure | Phase::MeasureBackward));
            let finishes = finishes
                .map(|c| Finish {
                    node: c.node,
                    backward: c.phase == Phase::MeasureBackward,
                    records: c.records,
                })
                .collect();
            segments.push(Segment { calls, finishes, chunk, backwards: level % 2 == 1 });
        }
        let scratch = |i: usize| self.lowered.nodes[i].kernel.as_ref().map_or(0, |k| k.scratch());
        let most_scratch = (0..self.lowered.nodes.len()).map(scratch).max().unwrap_or(0);
        let of_part = local_len.saturating_add(most_scratch.next_multiple_of(GRAIN));
        let arena_len = stored_len.saturating_add(of_part.saturating_mul(self.parts.len()));
        let bytes = arena_len.saturating_mul(size_of::<T>());
        if bytes > MAX_BYTES {
            return Err(EngineError::TooLarge { batch: self.batch, bytes, limit: MAX_BYTES });
        }
        let locals: Vec<usize> = (0..self.parts.len()).map(|p| stored_len + p * of_part).collect();
        let schedule = Schedule {
            nodes: (0..self.lowered.nodes.len())
                .map(|i| Node {
                    name: self.lowered.nodes[i].name.clone(),
                    salt: xxh3_64(self.lowered.nodes[i].name.as_bytes()),
                    params: self.lowered.nodes[i].params.iter().map(|p| p.range.clone()).collect(),
                    prepared: ranges[nodes[i][0]].clone(),
                    shared: ranges[nodes[i][1]].clone(),
                    record: self.record(i),
                    scratch: scratch(i),
                })
                .collect(),
            input: slots[&Thing::Value(self.lowered.input)].whole(self.batch),
            output: slots[&Thing::Value(self.lowered.output)].whole(self.batch),
            target: ranges[target].clone(),
            losses: ranges[losses].clone(),
            scratches: locals.iter().map(|l| l + local_len).collect(),
            grads: part_grads.iter().map(|&id| ranges[id].clone()).collect(),
            locals,
            parts: self.parts.clone(),
            segments,
            arena_len,
        };
        check(&schedule, self.batch);
        Ok(schedule)
    }

    /// All calls, level by level.
    fn drafts(&self) -> Vec<Vec<Draft>> {
        let levels = &self.levels;
        let mut drafts: Vec<Vec<Draft>> = (0..levels.count).map(|_| Vec::new()).collect();
        for (i, node) in self.lowered.nodes.iter().enumerate() {
            let Some(kernel) = &node.kernel else { continue };
            if kernel.statistics().is_some() {
                drafts[levels.forward[i] - 1].push(self.forward_draft(i, Phase::Measure));
            }
            for &level in &levels.computed[i] {
                drafts[level].push(self.forward_draft(i, Phase::Forward));
            }
        }
        // Nodes were visited in order, so that each level's calls are; gradients follow in reverse order.
        if levels.training {
            let output = self.lowered.output;
            drafts[levels.loss].push(Draft {
                grad_inputs: vec![Some((Thing::Grad(output), false))],
                ..self.draft(output, Phase::Loss, vec![Some(Thing::Value(output))])
            });
            let mut written = vec![false; self.lowered.nodes.len()];
            written[output] = true;
            let mut order: Vec<(usize, usize, Phase)> = Vec::new();
            for i in (0..self.lowered.nodes.len()).rev().filter(|&i| levels.needs_grad[i]) {
                let Some(kernel) = &self.lowered.nodes[i].kernel else { continue };
                if kernel.statistics().is_some() {
                    order.push((levels.backward[i] - 1, i, Phase::MeasureBackward));
                }
                order.push((levels.backward[i], i, Phase::Backward));
            }
            order.sort_by_key(|&(level, ..)| level); // stable: reverse order within a level
            for (level, i, phase) in order {
                let draft = self.backward_draft(i, phase, &mut written);
                drafts[level].push(draft);
            }
        }
        drafts
    }

    fn draft(&self, node: usize, phase: Phase, inputs: Vec<Option<Thing>>) -> Draft {
        Draft { node, phase, inputs, output: None, saved: None, grad_output: None, grad_inputs: Vec::new() }
    }

    fn forward_draft(&self, i: usize, phase: Phase) -> Draft {
        let inputs = self.lowered.nodes[i].inputs.iter().map(|&x| Some(Thing::Value(x))).collect();
        let draft = self.draft(i, phase, inputs);
        if phase == Phase::Measure {
            draft
        } else {
            Draft { output: Some(Thing::Value(i)), saved: self.saved(i), ..draft }
        }
    }

    fn saved(&self, i: usize) -> Option<Thing> {
        (self.levels.training && self.len(Thing::Saved(i)) > 0).then_some(Thing::Saved(i))
    }

    fn backward_draft(&self, i: usize, phase: Phase, written: &mut [bool]) -> Draft {
        let node = &self.lowered.nodes[i];
        let needs = node.kernel.as_ref().map(|k| k.needs()).unwrap_or_default();
        let inputs = node.inputs.iter().map(|&x| needs.inputs.then_some(Thing::Value(x))).collect();
        let draft = Draft { grad_output: Some(Thing::Grad(i)), ..self.draft(i, phase, inputs) };
        if phase == Phase::MeasureBackward {
            return draft;
        }
        let mut gradient = |x: usize| {
            let wanted = self.levels.needs_grad[x];
            wanted.then(|| (Thing::Grad(x), std::mem::replace(&mut written[x], true)))
        };
        Draft {
            output: needs.output.then_some(Thing::Value(i)),
            saved: self.saved(i),
            grad_inputs: node.inputs.iter().map(|&x| gradient(x)).collect(),
            ..draft
        }
    }

    /// Whether a value is computed anew wherever it is needed.
    fn is_local_everywhere(&self, thing: Thing) -> bool {
        matches!(thing, Thing::Value(i) if self.levels.recomputed[i])
    }

    /// Whether something stays readable after the step.
    fn is_kept(&self, thing: Thing) -> bool {
        thing == Thing::Value(self.lowered.input) || thing == Thing::Value(self.lowered.output)
    }

    /// Elements of a sample.
    fn len(&self, thing: Thing) -> usize {
        match thing {
            Thing::Value(i) | Thing::Grad(i) => self.lowered.len(i),
            Thing::Saved(i) => self.lowered.nodes[i].kernel.as_ref().map_or(0, |k| k.saved()),
        }
    }

    fn record(&self, i: usize) -> usize {
        self.lowered.nodes[i].kernel.as_ref().and_then(|k| k.statistics()).map_or(0, |s| s.record())
    }

    /// Chunks of `size` samples that the batch has.
    fn count(&self, size: usize) -> usize {
        self.parts.iter().map(|p| p.len().div_ceil(size)).sum()
    }

    /// Samples at once, so that what the calls of a level touch stays in cache.
    fn chunk(&self, drafts: &[Draft], stored: &[(Thing, (usize, usize))]) -> usize {
        let is_stored = |t: &Thing| stored.binary_search_by_key(t, |s| s.0).is_ok();
        let (buffers, _) = self.local_buffers(drafts, &is_stored, 1);
        let (_, local) = place(&buffers);
        let streamed = |d: &Draft| d.things().filter(is_stored).map(|t| self.len(t)).sum::<usize>();
        let streamed = drafts.iter().map(streamed).max().unwrap_or(0);
        let bytes = (local + streamed).saturating_mul(size_of::<T>()).max(1);
        let most = self.parts.iter().map(Range::len).max().unwrap_or(1);
        (self.cache / bytes).clamp(1, most)
    }

    /// The local things of a level, from the first call that touches each to the last.
    fn local_buffers(
        &self,
        drafts: &[Draft],
        is_stored: &dyn Fn(&Thing) -> bool,
        chunk: usize,
    ) -> (Vec<Buffer>, Vec<Thing>) {
        let mut lives: BTreeMap<Thing, (usize, usize)> = BTreeMap::new();
        for (at, draft) in drafts.iter().enumerate() {
            for thing in draft.things().filter(|t| !is_stored(t)) {
                lives.entry(thing).and_modify(|l| l.1 = at).or_insert((at, at));
            }
        }
        let len = |thing: Thing| self.len(thing).saturating_mul(chunk);
        lives.into_iter().map(|(t, (first, last))| (Buffer { len: len(t), first, last }, t)).unzip()
    }

    fn place_locals(
        &self,
        drafts: &[Draft],
        slots: &BTreeMap<Thing, Slot>,
        chunk: usize,
    ) -> (BTreeMap<Thing, Slot>, usize) {
        let (buffers, things) = self.local_buffers(drafts, &|t| slots.contains_key(t), chunk);
        let (ranges, len) = place(&buffers);
        let slot = |(thing, range): (Thing, Range<usize>)| {
            (thing, Slot { start: range.start, len: self.len(thing), local: true })
        };
        (things.into_iter().zip(ranges).map(slot).collect(), len)
    }
}

/// Pieces of memory while they are collected.
#[derive(Default)]
struct Layout {
    buffers: Vec<Buffer>,
}

impl Layout {
    fn add(&mut self, len: usize, first: usize, last: usize) -> usize {
        self.buffers.push(Buffer { len, first, last });
        self.buffers.len() - 1
    }
}

fn call(d: &Draft, slot: &dyn Fn(Thing) -> Slot, records: usize) -> Call {
    let of = |thing: Option<Thing>| thing.map(slot).unwrap_or_default();
    Call {
        node: d.node,
        phase: d.phase,
        inputs: d.inputs.iter().map(|&t| of(t)).collect(),
        output: of(d.output),
        saved: of(d.saved),
        grad_output: of(d.grad_output),
        grad_inputs: d.grad_inputs.iter().map(|g| g.map(|(t, add)| (slot(t), add))).collect(),
        records,
    }
}

/// That no call writes where it reads, or twice to one place: what the views of [`crate::kernels::Forward`] and
/// [`crate::kernels::Backward`] rely on.
fn check(schedule: &Schedule, batch: usize) {
    for segment in &schedule.segments {
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
            let name = &schedule.nodes[c.node].name;
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
