//! Making the schedule: which calls a level has, what is stored and what local, how large chunks are, where everything lies.

use crate::levels::Levels;
use crate::lower::Lowered;
use crate::place::{Buffer, GRAIN, place};
use crate::schedule::{Call, Finish, Node, Phase, Schedule, Segment, Slot};
use crate::{EngineError, Options, Real};
use std::collections::BTreeMap;
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64;

/// Largest arena that is allocated: 8 GiB; beyond it a candidate is refused instead of exhausting the machine.
const MAX_BYTES: usize = 8 << 30;

/// The schedule of a step. `trained`: number of trained parameters.
///
/// # Errors
/// More memory than sensible.
pub(crate) fn schedule<T: Real>(
    lowered: &Lowered<T>,
    options: Options,
    trained: usize,
) -> Result<Schedule, EngineError> {
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

/// First and last level that touch something.
type Life = (usize, usize);

/// Buffers of a step besides values and gradients, by their numbers.
struct Fixed {
    target: usize,
    losses: usize,
    /// For each node.
    prepared: Vec<usize>,
    shared: Vec<usize>,
    /// For each part.
    part_grads: Vec<usize>,
    /// By level and node.
    records: BTreeMap<(usize, usize), usize>,
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
        let stored = self.stored(&drafts);
        let chunks: Vec<usize> = drafts.iter().map(|d| self.chunk(d, &stored)).collect();
        let mut buffers: Vec<Buffer> =
            stored.iter().map(|(thing, life)| self.buffer(*thing, *life)).collect();
        let fixed = self.fixed(&drafts, &chunks, trained, &mut buffers);
        let (ranges, stored_len) = place(&buffers);
        let slots: BTreeMap<Thing, Slot> = stored
            .iter()
            .zip(&ranges)
            .map(|(&(thing, _), range)| (thing, Slot::stored(range.start, self.len(thing))))
            .collect();
        let (segments, local_len) = self.segments(&drafts, &chunks, &slots, &fixed, &ranges);

        // After what is stored comes the memory of each part: local values, then scratch.
        let of_part = local_len.saturating_add(self.most_scratch().next_multiple_of(GRAIN));
        let arena_len = stored_len.saturating_add(of_part.saturating_mul(self.parts.len()));
        let bytes = arena_len.saturating_mul(size_of::<T>());
        if bytes > MAX_BYTES {
            return Err(EngineError::TooLarge { batch: self.batch, bytes, limit: MAX_BYTES });
        }
        let locals: Vec<usize> = (0..self.parts.len()).map(|p| stored_len + p * of_part).collect();
        let schedule = Schedule {
            nodes: (0..self.lowered.nodes.len()).map(|i| self.node(i, &fixed, &ranges)).collect(),
            input: slots[&Thing::Value(self.lowered.input)].whole(self.batch),
            output: slots[&Thing::Value(self.lowered.output)].whole(self.batch),
            target: ranges[fixed.target].clone(),
            losses: ranges[fixed.losses].clone(),
            scratches: locals.iter().map(|l| l + local_len).collect(),
            grads: fixed.part_grads.iter().map(|&id| ranges[id].clone()).collect(),
            locals,
            parts: self.parts.clone(),
            segments,
            arena_len,
        };
        schedule.check(self.batch);
        Ok(schedule)
    }

    /// What more than one level touches is stored for the whole batch, with its first and last level; the rest is local.
    fn stored(&self, drafts: &[Vec<Draft>]) -> Vec<(Thing, Life)> {
        let mut lives: BTreeMap<Thing, Life> = BTreeMap::new();
        for (level, drafts) in drafts.iter().enumerate() {
            for thing in drafts.iter().flat_map(Draft::things).filter(|&t| !self.is_local_everywhere(t)) {
                lives.entry(thing).and_modify(|l| l.1 = level).or_insert((level, level));
            }
        }
        for kept in [self.lowered.input, self.lowered.output] {
            lives.insert(Thing::Value(kept), (0, drafts.len() - 1));
        }
        lives.into_iter().filter(|(t, (first, last))| first < last || self.is_kept(*t)).collect()
    }

    fn buffer(&self, thing: Thing, (first, last): Life) -> Buffer {
        Buffer { len: self.len(thing).saturating_mul(self.batch), first, last }
    }

    /// Adds what else a step needs to `buffers`.
    fn fixed(
        &self,
        drafts: &[Vec<Draft>],
        chunks: &[usize],
        trained: usize,
        buffers: &mut Vec<Buffer>,
    ) -> Fixed {
        let (training, last) = (self.levels.training, drafts.len() - 1);
        let mut add = |len: usize, first: usize, last: usize| {
            buffers.push(Buffer { len, first, last });
            buffers.len() - 1
        };
        let count = |level: usize| self.count(chunks[level]);
        let width = self.lowered.len(self.lowered.output);
        let mut records = BTreeMap::new();
        for (level, drafts) in drafts.iter().enumerate() {
            for draft in drafts.iter().filter(|d| d.phase.measures()) {
                let len = count(level) * self.record(draft.node);
                records.insert((level, draft.node), add(len, level, level));
            }
        }
        let kernels = self.lowered.nodes.iter().map(|n| n.kernel.as_deref());
        Fixed {
            target: add(if training { self.batch * width } else { 0 }, 0, last),
            losses: add(if training { count(self.levels.loss) } else { 0 }, 0, last),
            prepared: kernels.clone().map(|k| add(k.map_or(0, |k| k.prepared()), 0, last)).collect(),
            shared: kernels
                .map(|k| add(k.and_then(|k| k.statistics()).map_or(0, |s| s.shared()), 0, last))
                .collect(),
            part_grads: (0..self.parts.len())
                .map(|p| add(if training && p > 0 { trained } else { 0 }, 0, last))
                .collect(),
            records,
        }
    }

    /// The segments, and the elements that the local values of the largest need.
    fn segments(
        &self,
        drafts: &[Vec<Draft>],
        chunks: &[usize],
        slots: &BTreeMap<Thing, Slot>,
        fixed: &Fixed,
        ranges: &[Range<usize>],
    ) -> (Vec<Segment>, usize) {
        let (mut segments, mut local_len) = (Vec::new(), 0);
        for (level, (drafts, &chunk)) in drafts.iter().zip(chunks).enumerate() {
            let (locals, len) = self.place_locals(drafts, slots, chunk);
            local_len = local_len.max(len);
            let slot =
                |thing: Thing| slots.get(&thing).or_else(|| locals.get(&thing)).copied().unwrap_or_default();
            let records = |node: usize| fixed.records.get(&(level, node)).map_or(0, |&id| ranges[id].start);
            let calls: Vec<Call> = drafts.iter().map(|d| call(d, &slot, records(d.node))).collect();
            let finish = |c: &Call| Finish {
                node: c.node,
                backward: c.phase == Phase::MeasureBackward,
                records: c.records,
            };
            let finishes = calls.iter().filter(|c| c.phase.measures()).map(finish).collect();
            segments.push(Segment { calls, finishes, chunk, backwards: level % 2 == 1 });
        }
        (segments, local_len)
    }

    fn node(&self, i: usize, fixed: &Fixed, ranges: &[Range<usize>]) -> Node {
        let node = &self.lowered.nodes[i];
        Node {
            name: node.name.clone(),
            salt: xxh3_64(node.name.as_bytes()),
            params: node.params.iter().map(|p| p.range.clone()).collect(),
            prepared: ranges[fixed.prepared[i]].clone(),
            shared: ranges[fixed.shared[i]].clone(),
            record: self.record(i),
            scratch: node.kernel.as_ref().map_or(0, |k| k.scratch()),
        }
    }

    fn most_scratch(&self) -> usize {
        let kernels = self.lowered.nodes.iter().filter_map(|n| n.kernel.as_ref());
        kernels.map(|k| k.scratch()).max().unwrap_or(0)
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
        let slot = |(thing, range): (Thing, Range<usize>)| (thing, Slot::local(range.start, self.len(thing)));
        (things.into_iter().zip(ranges).map(slot).collect(), len)
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
