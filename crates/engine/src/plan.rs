//! Compiling a graph into a plan, and running it.

use crate::arena::{Arena, View};
use crate::crew::{Barrier, share_of};
use crate::kernels::{At, Backward, Forward, Kernel, Statistics};
use crate::lower::{Lowered, Param};
use crate::schedule::{Call, Chunk, Finish, Phase, Schedule, Segment};
use crate::scheduler::schedule;
use crate::{Crew, Loss, ParamLayout, ParamStore, Real};
use nasmyth_graph::passes::simplify;
use nasmyth_graph::{Role, VerifiedGraph};
use std::ops::Range;
use thiserror::Error;

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// Forward only, with running statistics.
    Infer,
    /// Forward with batch statistics, loss, backward.
    Train(Loss),
}

/// How a plan is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Samples at once.
    pub batch: usize,
    /// What the plan is for.
    pub mode: Mode,
    /// Parts that the batch is split into, which can run on as many threads.
    pub parts: usize,
    /// Bytes of cache that the values of a chunk of samples should fit into.
    pub cache: usize,
}

impl Options {
    /// One part; chunks that fit into the second-level cache of common processors.
    pub fn new(batch: usize, mode: Mode) -> Self {
        Self { batch, mode, parts: 1, cache: 384 << 10 }
    }

    /// What no engine can compile.
    pub(crate) fn check(&self, graph: &VerifiedGraph) -> Result<(), EngineError> {
        let Self { batch, parts, .. } = *self;
        if graph.outputs().len() != 1 {
            return Err(EngineError::Outputs(graph.outputs().len()));
        }
        if batch == 0 {
            return Err(EngineError::EmptyBatch);
        }
        if !(1..=batch).contains(&parts) {
            return Err(EngineError::Parts { batch, parts });
        }
        Ok(())
    }
}

/// A graph that the engine cannot run.
#[derive(Debug, Error)]
pub enum EngineError {
    /// An operator without a kernel.
    #[error("node `{node}`: the engine has no kernel for operator `{kind}`")]
    NoKernel {
        /// Name of the node.
        node: String,
        /// Its operator.
        kind: String,
    },
    /// A loss needs one output.
    #[error("training needs a graph with exactly one output, got {0}")]
    Outputs(usize),
    /// A plan without samples.
    #[error("expected a batch of at least 1, got 0")]
    EmptyBatch,
    /// More parts than samples.
    #[error("expected 1 to {batch} parts for a batch of {batch}, got {parts}")]
    Parts {
        /// Samples of the batch.
        batch: usize,
        /// Parts asked for.
        parts: usize,
    },
    /// Memory beyond what can be addressed sensibly.
    #[error(
        "a plan with batch {batch} would need {bytes} bytes of memory, more than the limit of {limit}: use a smaller batch or network"
    )]
    TooLarge {
        /// Batch asked for.
        batch: usize,
        /// Bytes needed.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
}

/// A graph bound to a batch: kernels, the order they run in, and where everything lies.
///
/// The batch is split into *parts*, each of which accumulates gradients of its own and can run on its own thread. The parts
/// decide the result to the last bit; how many threads share them does not.
pub struct Plan<T> {
    kernels: Vec<Option<Box<dyn Kernel<T>>>>,
    params: Vec<Vec<Param>>,
    schedule: Schedule,
    mode: Mode,
    batch: usize,
}

/// What the threads of one step share.
pub(crate) struct Run<'a, T> {
    view: View<'a, T>,
    params: &'a [T],
    /// Gradients of the first part, which all others are added to at the end.
    grads: View<'a, T>,
    seed: u64,
}

impl<'a, T: Real> Run<'a, T> {
    pub fn new(view: View<'a, T>, params: &'a ParamStore<T>, grads: &'a mut [T], seed: u64) -> Self {
        Self { view, params: params.values(), grads: View::of(grads), seed }
    }
}

impl<T: Real> Plan<T> {
    /// Compiles `graph` for `batch` samples at once, in one part.
    ///
    /// # Errors
    /// As [`compile_with`](Self::compile_with).
    pub fn compile(graph: &VerifiedGraph, batch: usize, mode: Mode) -> Result<Self, EngineError> {
        Self::compile_with(graph, Options::new(batch, mode))
    }

    /// Compiles `graph`, simplified; parameters are those of the graph as given.
    ///
    /// # Errors
    /// An operator without kernel, other than one output, an empty batch, no part or more parts than samples, or more memory
    /// than sensible.
    pub fn compile_with(graph: &VerifiedGraph, options: Options) -> Result<Self, EngineError> {
        options.check(graph)?;
        let Options { batch, mode, .. } = options;
        let layout = ParamLayout::of(graph);
        let lowered = Lowered::new(&simplify(graph), &layout, mode)?;
        let schedule = schedule(&lowered, options, layout.trained().len())?;
        let (kernels, params) = lowered.nodes.into_iter().map(|n| (n.kernel, n.params)).unzip();
        Ok(Self { kernels, params, schedule, mode, batch })
    }

    /// Memory to run in. One arena serves one step at a time.
    pub fn arena(&self) -> Arena<T> {
        Arena::new(self.schedule.arena_len)
    }

    /// The same, in the place of an arena of another plan.
    pub fn arena_from(&self, other: Arena<T>) -> Arena<T> {
        other.resized(self.schedule.arena_len)
    }

    /// Bytes of an arena.
    pub fn arena_bytes(&self) -> usize {
        self.schedule.arena_len * size_of::<T>()
    }

    /// Samples at once.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The samples of each part.
    pub fn parts(&self) -> &[Range<usize>] {
        &self.schedule.parts
    }

    /// Where to put the inputs: `[batch, shape..]`, channels last.
    pub fn input<'a>(&self, arena: &'a mut Arena<T>) -> &'a mut [T] {
        arena.get_mut(&self.schedule.input)
    }

    /// Where to put the targets: `[batch, outputs]`. Empty for inference.
    pub fn target<'a>(&self, arena: &'a mut Arena<T>) -> &'a mut [T] {
        arena.get_mut(&self.schedule.target)
    }

    /// Inputs and targets together.
    pub fn sample<'a>(&self, arena: &'a mut Arena<T>) -> (&'a mut [T], &'a mut [T]) {
        let view = arena.view();
        // SAFETY: both live during the whole step, so that they were placed apart.
        unsafe { (view.piece_mut(&self.schedule.input), view.piece_mut(&self.schedule.target)) }
    }

    /// The outputs of the last run: `[batch, outputs]`.
    pub fn output<'a>(&self, arena: &'a Arena<T>) -> &'a [T] {
        arena.get(&self.schedule.output)
    }

    /// Runs an inference plan on what `input` holds. Allocates nothing.
    ///
    /// # Panics
    /// If the plan is for training.
    pub fn forward(&self, params: &ParamStore<T>, arena: &mut Arena<T>) {
        self.prepare(params, arena);
        self.infer(params, arena);
    }

    /// Brings `params` into the form that [`infer`](Self::infer) wants.
    pub fn prepare(&self, params: &ParamStore<T>, arena: &mut Arena<T>) {
        let view = arena.view();
        (0..self.kernels.len()).for_each(|i| self.prepare_node(i, view, params.values()));
    }

    /// [`forward`](Self::forward) with the parameters that were prepared last in this arena.
    ///
    /// # Panics
    /// If the plan is for training.
    pub fn infer(&self, params: &ParamStore<T>, arena: &mut Arena<T>) {
        assert!(self.mode == Mode::Infer, "expected a plan for inference");
        let run = Run::new(arena.view(), params, &mut [], 0);
        for segment in &self.schedule.segments {
            (0..self.parts().len()).for_each(|part| self.run_part(segment, part, &run));
        }
    }

    /// Runs forward and backward on what `input` and `target` hold, on this thread: the mean loss; gradients of all trained
    /// parameters in `grads` (as long as the layout's trained range). Allocates nothing. For inference plans the loss is 0.
    pub fn train(&self, params: &ParamStore<T>, grads: &mut [T], arena: &mut Arena<T>, seed: u64) -> T {
        self.train_with(&mut Crew::alone(), params, grads, arena, seed)
    }

    /// [`train`](Self::train) on the threads of a crew. The result depends on the plan's parts, not on the threads.
    pub fn train_with(
        &self,
        crew: &mut Crew,
        params: &ParamStore<T>,
        grads: &mut [T],
        arena: &mut Arena<T>,
        seed: u64,
    ) -> T {
        let run = Run::new(arena.view(), params, grads, seed);
        let threads = crew.threads();
        crew.run(&|thread, barrier| self.step(thread, threads, barrier, &run));
        let Mode::Train(_) = self.mode else { return T::ZERO };
        arena.get(&self.schedule.losses).iter().fold(T::ZERO, |sum, &loss| sum + loss)
    }

    /// Runs a training plan on this thread as far as the last statistics of batches, for [`update_buffers`](Self::update_buffers): no loss, no
    /// gradients. What dropout drops follows from `seed`.
    pub fn measure(&self, params: &ParamStore<T>, arena: &mut Arena<T>, seed: u64) {
        self.prepare(params, arena);
        let run = Run::new(arena.view(), params, &mut [], seed);
        let forward = |segment: &Segment| segment.finishes.iter().any(|finish| !finish.backward);
        let end = self.schedule.segments.iter().rposition(forward).map_or(0, |last| last + 1);
        for segment in &self.schedule.segments[..end] {
            (0..self.parts().len()).for_each(|part| self.run_part(segment, part, &run));
            segment.finishes.iter().for_each(|finish| self.finish(segment, finish, &run));
        }
    }

    /// The share of a step of thread `thread` of `threads`.
    fn step(&self, thread: usize, threads: usize, barrier: &Barrier, run: &Run<T>) {
        self.begin(thread, threads, run);
        barrier.wait();
        for segment in &self.schedule.segments {
            let own_parts = (thread..self.parts().len()).step_by(threads);
            own_parts.for_each(|part| self.run_part(segment, part, run));
            if segment.finishes.is_empty() {
                continue;
            }
            barrier.wait();
            let own = segment.finishes.iter().skip(thread).step_by(threads);
            own.for_each(|finish| self.finish(segment, finish, run));
            barrier.wait();
        }
        barrier.wait();
        self.add_grads(thread, threads, run);
    }

    /// What thread `thread` of `threads` does before the first segment.
    pub(crate) fn begin(&self, thread: usize, threads: usize, run: &Run<T>) {
        for part in (thread..self.parts().len()).step_by(threads) {
            self.grads_of(part, run).fill(T::ZERO);
        }
        let prepares = |i: &usize| !self.schedule.nodes[*i].prepared.is_empty();
        let nodes = (0..self.kernels.len()).filter(prepares);
        nodes.skip(thread).step_by(threads).for_each(|i| self.prepare_node(i, run.view, run.params));
    }

    pub(crate) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Sums the gradients of the parts, in their order, into those of the first; each thread its share of them.
    fn add_grads(&self, thread: usize, threads: usize, run: &Run<T>) {
        let own = share_of(run.grads.len(), thread, threads);
        for others in &self.schedule.grads[1..] {
            let from = others.start + own.start..others.start + own.end.min(others.len());
            // SAFETY: threads add to different shares of the first part's gradients; nobody writes those of the others now.
            let (sum, other) = unsafe { (run.grads.piece_mut(&own), run.view.piece(&from)) };
            sum.iter_mut().zip(other).for_each(|(sum, &grad)| *sum += grad);
        }
    }

    #[allow(clippy::mut_from_ref)] // of the arena's view, not of `run`
    fn grads_of<'a>(&self, part: usize, run: &Run<'a, T>) -> &'a mut [T] {
        // SAFETY: the gradients of a part belong to the thread that runs it.
        unsafe {
            match part {
                0 => run.grads.piece_mut(&(0..run.grads.len())),
                _ => run.view.piece_mut(&self.schedule.grads[part]),
            }
        }
    }

    fn prepare_node(&self, i: usize, view: View<T>, params: &[T]) {
        let (Some(kernel), range) = (&self.kernels[i], &self.schedule.nodes[i].prepared) else { return };
        if range.is_empty() {
            return;
        }
        // SAFETY: what a node prepares is apart from everything else, and one thread prepares it.
        let prepared = unsafe { view.piece_mut(range) };
        kernel.prepare(&self.params_of(i, params).0, prepared);
    }

    /// The parameters of a node; the list is on the stack.
    fn params_of<'a>(&self, i: usize, params: &'a [T]) -> ([&'a [T]; MAX_PARAMS], usize) {
        let mut slices: [&[T]; MAX_PARAMS] = [&[]; MAX_PARAMS];
        let own = &self.params[i];
        slices.iter_mut().zip(own).for_each(|(s, p)| *s = &params[p.range.clone()]);
        (slices, own.len())
    }

    fn run_part(&self, segment: &Segment, part: usize, run: &Run<T>) {
        for (number, chunk) in self.schedule.chunks(segment, part) {
            for call in &segment.calls {
                self.call(call, part, number, chunk, run);
            }
        }
    }

    #[inline]
    pub(crate) fn call(&self, call: &Call, part: usize, number: usize, chunk: Chunk, run: &Run<T>) {
        let node = &self.schedule.nodes[call.node];
        let at = At { call, node, view: run.view, chunk, params: run.params };
        let Some(kernel) = &self.kernels[call.node] else {
            return self.loss(&at, number); // the input is the output
        };
        match call.phase {
            Phase::Forward => kernel.forward(Forward::new(at, run.seed)),
            Phase::Backward => kernel.backward(Backward::new(at, self.grads_of(part, run))),
            Phase::Loss => self.loss(&at, number),
            Phase::Measure | Phase::MeasureBackward => {
                let Some(statistics) = kernel.statistics() else { return };
                let start = call.records + number * node.record;
                // SAFETY: every chunk has a record of its own, apart from all values that live at the time.
                let (record, shared) = unsafe {
                    (run.view.piece_mut(&(start..start + node.record)), run.view.piece(&node.shared))
                };
                if call.phase == Phase::Measure {
                    statistics.measure(at.input(0), record);
                } else {
                    statistics.measure_backward(at.input(0), at.grad_output(), shared, record);
                }
            }
        }
    }

    fn loss(&self, at: &At<T>, number: usize) {
        let (Mode::Train(loss), Some((slot, _))) = (self.mode, at.call.grad_inputs[0]) else { return };
        let output = at.input(0);
        let width = output.len() / at.chunk.count;
        let target = self.schedule.target.start + at.chunk.first * width;
        let place = self.schedule.losses.start + number;
        // SAFETY: the gradient is apart from the output (`Schedule::check`); target and losses live during the whole step, so that
        // they were placed apart; every chunk has a loss of its own.
        let (target, grad, value) = unsafe {
            (
                at.view.piece(&(target..target + output.len())),
                at.view.piece_mut(&slot.range(at.chunk)),
                at.view.piece_mut(&(place..place + 1)),
            )
        };
        value[0] = loss.evaluate(output, target, width, self.batch, grad);
    }

    /// Puts the records of a segment together.
    pub(crate) fn finish(&self, segment: &Segment, finish: &Finish, run: &Run<T>) {
        let node = &self.schedule.nodes[finish.node];
        let statistics: Option<&dyn Statistics<T>> =
            self.kernels[finish.node].as_ref().and_then(|k| k.statistics());
        let Some(statistics) = statistics else { return };
        let record = |(number, samples): (usize, usize)| {
            let start = finish.records + number * node.record;
            // SAFETY: nobody writes records between the barriers.
            (unsafe { run.view.piece(&(start..start + node.record)) }, samples)
        };
        let mut records = self.schedule.chunk_sizes(segment).map(record);
        let (params, count) = self.params_of(finish.node, run.params);
        // SAFETY: one thread finishes a node, and nobody reads what it shares until the barrier.
        let shared = unsafe { run.view.piece_mut(&node.shared) };
        if !finish.backward {
            return statistics.finish(&mut records, &params[..count], shared);
        }
        let mut grads: [&mut [T]; MAX_PARAMS] = Default::default();
        let trained = self.params[finish.node].iter().filter(|p| p.role != Role::Buffer);
        let mut trained_count = 0;
        for (grad, param) in grads.iter_mut().zip(trained) {
            // SAFETY: the parameters of a node are apart, and between the barriers one thread writes their gradients.
            *grad = unsafe { run.grads.piece_mut(&param.range) };
            trained_count += 1;
        }
        statistics.finish_backward(&mut records, &params[..count], shared, &mut grads[..trained_count]);
    }

    /// Moves running statistics towards those of the last training step in `arena`. For inference plans nothing moves.
    pub fn update_buffers(&self, params: &mut ParamStore<T>, arena: &Arena<T>) {
        for (i, kernel) in self.kernels.iter().enumerate() {
            let Some(statistics) = kernel.as_ref().and_then(|k| k.statistics()) else { continue };
            let ranges = self.params[i].iter().filter(|p| p.role == Role::Buffer).map(|p| p.range.clone());
            let mut buffers = cut(params.values_mut(), ranges);
            let count = buffers.iter().take_while(|b| !b.is_empty()).count();
            statistics.update_buffers(
                self.batch,
                arena.get(&self.schedule.nodes[i].shared),
                &mut buffers[..count],
            );
        }
    }
}

/// Most parameters of one operator.
const MAX_PARAMS: usize = 4;

/// The rising, disjoint `ranges` of `values` as separate slices.
fn cut<T>(values: &mut [T], ranges: impl Iterator<Item = Range<usize>>) -> [&mut [T]; MAX_PARAMS] {
    let mut pieces: [&mut [T]; MAX_PARAMS] = Default::default();
    let (mut rest, mut start) = (values, 0);
    for (piece, range) in pieces.iter_mut().zip(ranges) {
        let (_, tail) = std::mem::take(&mut rest).split_at_mut(range.start - start);
        let (own, tail) = tail.split_at_mut(range.len());
        *piece = own;
        (rest, start) = (tail, range.end);
    }
    pieces
}
