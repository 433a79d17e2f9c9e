//! Compiling a graph into a plan, and running it.

use crate::arena::{Arena, disjoint};
use crate::kernels::{self, Backward, Forward, Kernel, Site};
use crate::schedule::{Buffer, Step, place};
use crate::{Loss, ParamLayout, ParamStore, Real};
use nasmyth_graph::{NodeId, Role, VerifiedGraph, passes};
use std::ops::Range;
use thiserror::Error;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// Forward only, with running statistics.
    Infer,
    /// Forward with batch statistics, loss, backward.
    Train(Loss),
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

/// Largest arena that is allocated: 8 GiB; beyond it a candidate is refused instead of exhausting the machine.
const MAX_BYTES: usize = 8 << 30;

/// A graph bound to a batch: kernels, the order they run in, and where everything lies.
pub struct Plan<T> {
    kernels: Vec<Option<Box<dyn Kernel<T>>>>,
    steps: Vec<Step>,
    roles: Vec<Vec<Role>>,
    needs_grad: Vec<bool>,
    /// Of each node's name, so that what a node draws does not depend on which others are left.
    salts: Vec<u64>,
    /// Trained parameters that simplification made irrelevant.
    unused: Vec<Range<usize>>,
    mode: Mode,
    batch: usize,
    arena_len: usize,
    input: Range<usize>,
    output: Range<usize>,
    target: Range<usize>,
    loss_grad: Range<usize>,
}

impl<T: Real> Plan<T> {
    /// Compiles `graph`, [simplified](passes::simplify), for `batch` samples at once. Parameters are those of `graph`.
    ///
    /// # Errors
    /// An operator without kernel, other than one output, an empty batch, or more memory than sensible.
    pub fn compile(graph: &VerifiedGraph, batch: usize, mode: Mode) -> Result<Self, EngineError> {
        Compiler::new(&passes::simplify(graph), batch, mode)?.finish(&ParamLayout::of(graph))
    }

    /// Memory to run in. One arena serves one thread at a time.
    pub fn arena(&self) -> Arena<T> {
        Arena::new(self.arena_len)
    }

    /// Bytes of an arena.
    pub fn arena_bytes(&self) -> usize {
        self.arena_len * std::mem::size_of::<T>()
    }

    /// Samples at once.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Where to put the inputs: `[batch, shape..]`, channels last.
    pub fn input<'a>(&self, arena: &'a mut Arena<T>) -> &'a mut [T] {
        arena.get_mut(&self.input)
    }

    /// Where to put the targets: `[batch, outputs]`. Empty for inference.
    pub fn target<'a>(&self, arena: &'a mut Arena<T>) -> &'a mut [T] {
        arena.get_mut(&self.target)
    }

    /// Inputs and targets together.
    pub fn sample<'a>(&self, arena: &'a mut Arena<T>) -> (&'a mut [T], &'a mut [T]) {
        let view = arena.view();
        // SAFETY: input and target are disjoint (asserted when the plan was made).
        unsafe { (view.piece_mut(&self.input), view.piece_mut(&self.target)) }
    }

    /// The outputs of the last run: `[batch, outputs]`.
    pub fn output<'a>(&self, arena: &'a Arena<T>) -> &'a [T] {
        arena.get(&self.output)
    }

    /// Runs forward on what `input` holds. Allocates nothing.
    pub fn forward(&self, params: &ParamStore<T>, arena: &mut Arena<T>, seed: u64) {
        let view = arena.view();
        for (i, (step, kernel)) in self.steps.iter().zip(&self.kernels).enumerate() {
            let Some(kernel) = kernel else { continue };
            let train = self.mode != Mode::Infer;
            let seed = xxh3_64_with_seed(&self.salts[i].to_le_bytes(), seed);
            kernel.forward(Forward::new(step, view, params.values(), train, seed));
        }
    }

    /// Runs forward and backward on what `input` and `target` hold: the mean loss; gradients of all trained parameters in `grads`
    /// (as long as the layout's trained range). Allocates nothing. For inference plans the loss is 0.
    pub fn train(&self, params: &ParamStore<T>, grads: &mut [T], arena: &mut Arena<T>, seed: u64) -> T {
        self.forward(params, arena, seed);
        let Mode::Train(loss) = self.mode else { return T::ZERO };
        let view = arena.view();
        // SAFETY: the gradient is disjoint from output and target (asserted when the plan was made).
        let (output, target, grad) =
            unsafe { (view.piece(&self.output), view.piece(&self.target), view.piece_mut(&self.loss_grad)) };
        let loss = loss.evaluate(output, target, self.batch, grad);
        self.unused.iter().for_each(|range| grads[range.clone()].fill(T::ZERO));
        for (i, (step, kernel)) in self.steps.iter().zip(&self.kernels).enumerate().rev() {
            if let (Some(kernel), true) = (kernel, self.needs_grad[i]) {
                kernel.backward(Backward::new(step, view, params.values(), grads));
            }
        }
        loss
    }

    /// Moves running statistics towards the mean over `arenas`, which have each run one training step of this plan. Without
    /// arenas, and for inference plans, nothing moves.
    ///
    /// # Panics
    /// With more than 64 arenas.
    pub fn update_buffers(&self, params: &mut ParamStore<T>, arenas: &[&Arena<T>]) {
        assert!(arenas.len() <= MAX_SHARDS, "at most {MAX_SHARDS} shards, got {}", arenas.len());
        if self.mode == Mode::Infer || arenas.is_empty() {
            return;
        }
        for ((step, kernel), roles) in self.steps.iter().zip(&self.kernels).zip(&self.roles) {
            let (Some(kernel), true) = (kernel, roles.contains(&Role::Buffer)) else { continue };
            let ranges =
                step.params.iter().zip(roles).filter(|(_, r)| **r == Role::Buffer).map(|(p, _)| p.clone());
            let mut buffers = cut(params.values_mut(), ranges);
            // Few shards: the list is on the stack.
            let mut saved: [&[T]; MAX_SHARDS] = [&[]; MAX_SHARDS];
            saved.iter_mut().zip(arenas).for_each(|(s, a)| *s = a.get(&step.saved));
            let count = buffers.iter().take_while(|b| !b.is_empty()).count();
            kernel.update_buffers(&saved[..arenas.len()], &mut buffers[..count]);
        }
    }
}

/// Most shards that a batch is split into.
pub const MAX_SHARDS: usize = 64;

/// Most buffers of one operator.
const MAX_BUFFERS: usize = 2;

/// The rising, disjoint `ranges` of `values` as separate slices.
fn cut<T>(values: &mut [T], ranges: impl Iterator<Item = Range<usize>>) -> [&mut [T]; MAX_BUFFERS] {
    let mut pieces: [&mut [T]; MAX_BUFFERS] = [&mut [], &mut []];
    let (mut rest, mut start) = (values, 0);
    for (piece, range) in pieces.iter_mut().zip(ranges) {
        let (_, tail) = std::mem::take(&mut rest).split_at_mut(range.start - start);
        let (own, tail) = tail.split_at_mut(range.len());
        *piece = own;
        (rest, start) = (tail, range.end);
    }
    pieces
}

/// Index of a buffer while lifetimes are collected.
type BufferId = usize;

struct Compiler<'g, T> {
    graph: &'g VerifiedGraph,
    batch: usize,
    mode: Mode,
    kernels: Vec<Option<Box<dyn Kernel<T>>>>,
    needs_grad: Vec<bool>,
    consumers: Vec<Vec<NodeId>>,
    buffers: Vec<Buffer>,
    values: Vec<BufferId>,
    grads: Vec<Option<BufferId>>,
    saved: Vec<BufferId>,
}

impl<'g, T: Real> Compiler<'g, T> {
    fn new(graph: &'g VerifiedGraph, batch: usize, mode: Mode) -> Result<Self, EngineError> {
        if graph.outputs().len() != 1 {
            return Err(EngineError::Outputs(graph.outputs().len()));
        }
        check_batch::<T>(graph, batch)?;
        let ids = || (0..graph.nodes().len()).map(NodeId);
        let kernels = ids().map(|id| kernel(graph, id, batch)).collect::<Result<Vec<_>, _>>()?;
        let mut needs_grad = vec![false; kernels.len()];
        for id in ids() {
            let trained = graph.params_of(id).iter().any(|p| p.role != Role::Buffer);
            let node = graph.node(id);
            needs_grad[id.0] =
                mode != Mode::Infer && (trained || node.inputs.iter().any(|i| needs_grad[i.0]));
        }
        let consumers = graph.consumers();
        let mut compiler = Self {
            graph,
            batch,
            mode,
            kernels,
            needs_grad,
            consumers,
            buffers: Vec::new(),
            values: Vec::new(),
            grads: Vec::new(),
            saved: Vec::new(),
        };
        compiler.values();
        compiler.gradients();
        compiler.saved();
        Ok(compiler)
    }

    fn nodes(&self) -> usize {
        self.kernels.len()
    }

    /// Moment at which node `i` runs forward; the loss is at `nodes`, and backward mirrors forward.
    fn backward_at(&self, i: usize) -> usize {
        2 * self.nodes() - i
    }

    fn buffer(&mut self, len: usize, first: usize, last: usize) -> BufferId {
        self.buffers.push(Buffer { len, first, last });
        self.buffers.len() - 1
    }

    fn value_len(&self, i: usize) -> usize {
        self.batch * self.graph.nodes()[i].fact.len()
    }

    fn is_output(&self, i: usize) -> bool {
        self.graph.outputs()[0].0 == i
    }

    /// The last moment at which somebody reads the value of node `i`.
    fn last_read(&self, i: usize) -> usize {
        let own = self.kernels[i].as_ref().is_some_and(|k| self.needs_grad[i] && k.needs().output);
        let own = if own { self.backward_at(i) } else { i };
        let loss = if self.is_output(i) { self.nodes() } else { 0 };
        let by = self.consumers[i].iter().map(|c| {
            let backward =
                self.kernels[c.0].as_ref().is_some_and(|k| self.needs_grad[c.0] && k.needs().inputs);
            if backward { self.backward_at(c.0) } else { c.0 }
        });
        by.max().unwrap_or(0).max(own).max(loss)
    }

    /// Whether node `i` may overwrite its first input: nobody else reads it, now or in the backward pass.
    fn overwrites(&self, i: usize) -> bool {
        let node = &self.graph.nodes()[i];
        let Some(kernel) = self.kernels[i].as_ref().filter(|k| k.in_place()) else { return false };
        let from = node.inputs[0].0;
        let producer_keeps =
            self.kernels[from].as_ref().is_none_or(|k| self.needs_grad[from] && k.needs().output);
        let keeps = self.needs_grad[i] && kernel.needs().inputs;
        self.consumers[from].len() == 1 && !producer_keeps && !keeps && !self.is_output(from)
    }

    fn values(&mut self) {
        for i in 0..self.nodes() {
            let last = self.last_read(i);
            let id = if self.overwrites(i) {
                let id = self.values[self.graph.nodes()[i].inputs[0].0];
                self.buffers[id].last = self.buffers[id].last.max(last);
                id
            } else {
                self.buffer(self.value_len(i), i, last)
            };
            self.values.push(id);
        }
    }

    /// A gradient lives from the backward pass of the last consumer to that of its own node.
    fn gradients(&mut self) {
        self.grads = vec![None; self.nodes()];
        for i in (0..self.nodes()).rev().filter(|&i| self.needs_grad[i]).collect::<Vec<_>>() {
            if self.grads[i].is_none() {
                let first = self.consumers[i].iter().map(|c| self.backward_at(c.0)).min();
                let first = if self.is_output(i) { self.nodes() } else { first.unwrap_or(self.nodes()) };
                self.grads[i] = Some(self.buffer(self.value_len(i), first, self.backward_at(i)));
            }
            if let (true, Some(id)) = (self.overwrites_gradient(i), self.grads[i]) {
                let from = self.graph.nodes()[i].inputs[0].0;
                self.buffers[id].last = self.backward_at(from);
                self.grads[from] = Some(id);
            }
        }
    }

    fn overwrites_gradient(&self, i: usize) -> bool {
        let node = &self.graph.nodes()[i];
        let Some(from) = node.inputs.first() else { return false };
        let able = self.kernels[i].as_ref().is_some_and(|k| k.in_place());
        able && self.needs_grad[from.0] && self.consumers[from.0].len() == 1 && !self.is_output(from.0)
    }

    fn saved(&mut self) {
        for i in 0..self.nodes() {
            let has_buffers = self.graph.params_of(NodeId(i)).iter().any(|p| p.role == Role::Buffer);
            // Statistics are read after the step, to update the buffers.
            let last = if has_buffers { self.end() } else { self.backward_at(i) };
            let len = self.kernels[i].as_ref().filter(|_| self.mode != Mode::Infer).map_or(0, |k| k.saved());
            let id = self.buffer(len, i, last);
            self.saved.push(id);
        }
    }

    /// The moment after everything.
    fn end(&self) -> usize {
        2 * self.nodes() + 1
    }

    fn finish(mut self, layout: &ParamLayout) -> Result<Plan<T>, EngineError> {
        let end = self.end();
        let output = self.graph.outputs()[0];
        let width = self.graph.fact(output).len();
        // Scratch is shared by all steps; outputs and targets stay readable after the run.
        let scratch = self.kernels.iter().flatten().map(|k| k.scratch()).max().unwrap_or(0);
        let scratch = self.buffer(scratch, 0, end);
        let training = self.mode != Mode::Infer;
        let target = self.buffer(if training { self.batch * width } else { 0 }, 0, end);
        let loss_grad = self.grads[output.0]
            .unwrap_or_else(|| self.buffer(if training { self.batch * width } else { 0 }, 0, end));
        let input = self.values[self.graph.input_id().0];
        for id in [input, self.values[output.0]] {
            (self.buffers[id].first, self.buffers[id].last) = (0, end);
        }
        let (ranges, arena_len) = place(&self.buffers);
        let bytes = arena_len.saturating_mul(std::mem::size_of::<T>());
        if bytes > MAX_BYTES {
            return Err(EngineError::TooLarge { batch: self.batch, bytes, limit: MAX_BYTES });
        }
        let steps: Vec<Step> =
            (0..self.nodes()).map(|i| self.step(i, &ranges, &ranges[scratch], layout)).collect();
        let used = |range| steps.iter().any(|s| s.params.contains(range));
        let trained = layout.entries().iter().filter(|e| e.role != Role::Buffer).map(|e| &e.range);
        let unused = trained.filter(|range| !used(range)).cloned().collect();
        let salts = self.graph.nodes().iter().map(|n| xxh3_64(n.name.as_bytes())).collect();
        let roles = (0..self.nodes())
            .map(|i| self.graph.params_of(NodeId(i)).iter().map(|p| p.role).collect())
            .collect();
        let (output, target) = (ranges[self.values[output.0]].clone(), ranges[target].clone());
        let (input, loss_grad) = (ranges[input].clone(), ranges[loss_grad].clone());
        let apart = [(&input, &target), (&output, &target), (&output, &loss_grad), (&target, &loss_grad)];
        assert!(
            apart.iter().all(|(a, b)| disjoint(a, b)),
            "a plan keeps what the loss reads and writes apart"
        );
        Ok(Plan {
            steps,
            salts,
            unused,
            roles,
            input,
            output,
            target,
            loss_grad,
            kernels: self.kernels,
            needs_grad: self.needs_grad,
            mode: self.mode,
            batch: self.batch,
            arena_len,
        })
    }

    fn step(&self, i: usize, ranges: &[Range<usize>], scratch: &Range<usize>, layout: &ParamLayout) -> Step {
        let node = &self.graph.nodes()[i];
        let value = |id: &NodeId| ranges[self.values[id.0]].clone();
        let key = |p: &nasmyth_graph::ParamSpec| format!("{}.{}", node.name, p.name);
        let params = self.graph.params_of(NodeId(i));
        let own_scratch = self.kernels[i].as_ref().map_or(0, |k| k.scratch());
        let grad = |k: usize, id: &NodeId| {
            let range = ranges[self.grads[id.0].filter(|_| self.needs_grad[i])?].clone();
            // Backward runs from the last consumer to the first: who is not the last adds.
            let later = self.consumers[id.0].iter().any(|c| c.0 > i);
            Some((range, later || node.inputs[..k].contains(id)))
        };
        let grad_inputs: Vec<_> = node.inputs.iter().enumerate().map(|(k, id)| grad(k, id)).collect();
        let grad_output = self.grads[i].map(|g| ranges[g].clone()).unwrap_or_default();
        Step {
            inputs: node.inputs.iter().map(value).collect(),
            output: ranges[self.values[i]].clone(),
            in_place: self.overwrites(i),
            saved: ranges[self.saved[i]].clone(),
            scratch: scratch.start..scratch.start + own_scratch,
            params: params.iter().filter_map(|p| Some(layout.entry(&key(p))?.range.clone())).collect(),
            grad_in_place: self.needs_grad[i] && self.overwrites_gradient(i),
            grad_output,
            grad_inputs,
        }
    }
}

/// That sizes of values can be computed: no single one is beyond the limit.
fn check_batch<T>(graph: &VerifiedGraph, batch: usize) -> Result<(), EngineError> {
    if batch == 0 {
        return Err(EngineError::EmptyBatch);
    }
    let largest = graph.nodes().iter().map(|n| n.fact.len()).max().unwrap_or(0);
    let bytes = largest.saturating_mul(batch).saturating_mul(std::mem::size_of::<T>());
    if bytes > MAX_BYTES {
        return Err(EngineError::TooLarge { batch, bytes, limit: MAX_BYTES });
    }
    Ok(())
}

fn kernel<T: Real>(
    graph: &VerifiedGraph,
    id: NodeId,
    batch: usize,
) -> Result<Option<Box<dyn Kernel<T>>>, EngineError> {
    let node = graph.node(id);
    if id == graph.input_id() {
        return Ok(None);
    }
    let site = Site { inputs: graph.input_facts(id), output: &node.fact, batch };
    let missing = || EngineError::NoKernel { node: node.name.clone(), kind: node.op.kind().to_owned() };
    kernels::lower(&*node.op, &site).map(Some).ok_or_else(missing)
}
