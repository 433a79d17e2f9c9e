//! One interface to all backends.

use crate::{Arena, Backend, BackendError, Crew, EngineError, Options, ParamStore, Plan};
use nasmyth_graph::VerifiedGraph;
use std::ops::Range;

#[cfg(feature = "burn")]
use crate::gpu::{self, GpuMemory, GpuPlan};

/// A backend that is ready to compute.
///
/// ```
/// use nasmyth_engine::{Backend, Engine, Mode, Options, ParamStore};
///
/// let graph = nasmyth_graph::parse("graph g\nx = input(shape=[2])\ny = linear(x, out=3)\noutput y\n")?;
/// let program = Engine::open(Backend::Cpu, 1)?.compile(&graph, Options::new(4, Mode::Infer))?;
/// let mut memory = program.memory();
/// program.sample(&mut memory).0.fill(1.0);
/// program.forward(&ParamStore::new(&graph, 0), &mut memory);
/// assert_eq!(program.output(&memory).len(), 4 * 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Engine {
    backend: Backend,
    threads: usize,
    #[cfg(feature = "burn")]
    device: Option<gpu::Device>,
}

impl Engine {
    /// The CPU. `threads`: how many threads its users may start.
    pub fn cpu(threads: usize) -> Self {
        Self {
            backend: Backend::Cpu,
            threads,
            #[cfg(feature = "burn")]
            device: None,
        }
    }

    /// Opens a backend, and tries whether it computes. `threads` as for [`cpu`](Self::cpu), for when it is the CPU.
    ///
    /// # Errors
    /// A backend that this build or this machine does not have. Never for `Auto`.
    pub fn open(backend: Backend, threads: usize) -> Result<Self, BackendError> {
        match backend {
            Backend::Cpu => Ok(Self::cpu(threads)),
            Backend::Auto => Ok(Self::device(Backend::Cuda)
                .or_else(|_| Self::device(Backend::Wgpu))
                .unwrap_or_else(|_| Self::cpu(threads))),
            other => Self::device(other),
        }
    }

    #[cfg(feature = "burn")]
    fn device(backend: Backend) -> Result<Self, BackendError> {
        Ok(Self { backend, threads: 1, device: Some(gpu::open(backend)?) })
    }

    #[cfg(not(feature = "burn"))]
    fn device(backend: Backend) -> Result<Self, BackendError> {
        Err(BackendError::NotBuilt(backend))
    }

    /// What was opened: never `Auto`.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Threads that a user of this engine may start, to run programs or in the [`Crew`] of one: 1 unless it is the CPU.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The same for users that run on one thread.
    pub fn single_threaded(&self) -> Self {
        Self { threads: 1, ..self.clone() }
    }

    /// Whether all its programs share one device, where several at a time only wait for each other.
    pub fn shares_device(&self) -> bool {
        self.backend != Backend::Cpu
    }

    /// Compiles `graph`. Only the CPU heeds `parts` and `cache` of the options: a GPU computes a batch in one piece.
    ///
    /// # Errors
    /// As [`Plan::compile_with`].
    pub fn compile(&self, graph: &VerifiedGraph, options: Options) -> Result<Program, EngineError> {
        #[cfg(feature = "burn")]
        if let Some(device) = &self.device {
            return Ok(Program(Code::Gpu(GpuPlan::compile(device, graph, options)?)));
        }
        Ok(Program(Code::Cpu(Plan::compile_with(graph, options)?)))
    }
}

/// A graph compiled for a backend: what [`Plan`] is for the CPU. Shared by threads, each with a [`Memory`] that it made; a memory
/// of another engine is a panic.
pub struct Program(Code);

enum Code {
    Cpu(Plan<f32>),
    #[cfg(feature = "burn")]
    Gpu(GpuPlan),
}

/// What a program runs in. One memory serves one thread at a time.
pub struct Memory(Data);

enum Data {
    Cpu(Arena<f32>),
    #[cfg(feature = "burn")]
    Gpu(GpuMemory),
}

/// A call that plans of all backends have, on a program and its memory.
macro_rules! dispatch {
    ($program:expr, $memory:expr, $plan:ident, $arena:ident => $call:expr) => {
        match (&$program.0, $memory) {
            (Code::Cpu($plan), Data::Cpu($arena)) => $call,
            #[cfg(feature = "burn")]
            (Code::Gpu($plan), Data::Gpu($arena)) => $call,
            #[cfg(feature = "burn")]
            _ => mismatch(),
        }
    };
}

impl Program {
    /// Memory to run in.
    pub fn memory(&self) -> Memory {
        Memory(match &self.0 {
            Code::Cpu(plan) => Data::Cpu(plan.arena()),
            #[cfg(feature = "burn")]
            Code::Gpu(plan) => Data::Gpu(plan.memory()),
        })
    }

    /// Memory to run in, in the place of a memory that another program leaves: a run of many programs one after the other
    /// allocates only where one is larger than all before it.
    pub fn memory_from(&self, other: Memory) -> Memory {
        match (&self.0, other.0) {
            (Code::Cpu(plan), Data::Cpu(arena)) => Memory(Data::Cpu(plan.arena_from(arena))),
            #[cfg(feature = "burn")]
            _ => self.memory(),
        }
    }

    /// Bytes of a memory, in the main memory of the machine.
    pub fn memory_bytes(&self) -> usize {
        match &self.0 {
            Code::Cpu(plan) => plan.arena_bytes(),
            #[cfg(feature = "burn")]
            Code::Gpu(plan) => plan.memory_bytes(),
        }
    }

    /// Samples at once.
    pub fn batch(&self) -> usize {
        match &self.0 {
            Code::Cpu(plan) => plan.batch(),
            #[cfg(feature = "burn")]
            Code::Gpu(plan) => plan.batch(),
        }
    }

    /// The samples of each part. See [`Plan::parts`].
    pub fn parts(&self) -> &[Range<usize>] {
        match &self.0 {
            Code::Cpu(plan) => plan.parts(),
            #[cfg(feature = "burn")]
            Code::Gpu(plan) => plan.parts(),
        }
    }

    /// Where to put inputs, `[batch, shape..]` with channels last, and targets, `[batch, outputs]` (empty for inference).
    pub fn sample<'a>(&self, memory: &'a mut Memory) -> (&'a mut [f32], &'a mut [f32]) {
        dispatch!(self, &mut memory.0, plan, arena => plan.sample(arena))
    }

    /// The outputs of the last run: `[batch, outputs]`.
    pub fn output<'a>(&self, memory: &'a Memory) -> &'a [f32] {
        dispatch!(self, &memory.0, plan, arena => plan.output(arena))
    }

    /// Runs an inference program. See [`Plan::forward`].
    ///
    /// # Panics
    /// If the program is for training, or a GPU fails, for instance for lack of memory; so do the other runs.
    pub fn forward(&self, params: &ParamStore<f32>, memory: &mut Memory) {
        self.prepare(params, memory);
        self.infer(params, memory);
    }

    /// Brings `params` into the form that [`infer`](Self::infer) wants. See [`Plan::prepare`].
    pub fn prepare(&self, params: &ParamStore<f32>, memory: &mut Memory) {
        match (&self.0, &mut memory.0) {
            (Code::Cpu(plan), Data::Cpu(arena)) => plan.prepare(params, arena),
            #[cfg(feature = "burn")]
            (Code::Gpu(_), Data::Gpu(_)) => (), // takes them as they are
            #[cfg(feature = "burn")]
            _ => mismatch(),
        }
    }

    /// [`forward`](Self::forward) with the parameters that were prepared last in this memory. See [`Plan::infer`].
    pub fn infer(&self, params: &ParamStore<f32>, memory: &mut Memory) {
        dispatch!(self, &mut memory.0, plan, arena => plan.infer(params, arena));
    }

    /// Runs forward and backward on this thread: the mean loss, and gradients in `grads`. See [`Plan::train`].
    pub fn train(&self, params: &ParamStore<f32>, grads: &mut [f32], memory: &mut Memory, seed: u64) -> f32 {
        self.train_with(&mut Crew::alone(), params, grads, memory, seed)
    }

    /// [`train`](Self::train) on the threads of a crew; a GPU has no use for them. See [`Plan::train_with`].
    pub fn train_with(
        &self,
        crew: &mut Crew,
        params: &ParamStore<f32>,
        grads: &mut [f32],
        memory: &mut Memory,
        seed: u64,
    ) -> f32 {
        match (&self.0, &mut memory.0) {
            (Code::Cpu(plan), Data::Cpu(arena)) => plan.train_with(crew, params, grads, arena, seed),
            #[cfg(feature = "burn")]
            (Code::Gpu(plan), Data::Gpu(memory)) => plan.train(params, grads, memory, seed),
            #[cfg(feature = "burn")]
            _ => mismatch(),
        }
    }

    /// As far into a training step as statistics of batches need. See [`Plan::measure`].
    pub fn measure(&self, params: &ParamStore<f32>, memory: &mut Memory, seed: u64) {
        match (&self.0, &mut memory.0) {
            (Code::Cpu(plan), Data::Cpu(arena)) => plan.measure(params, arena, seed),
            #[cfg(feature = "burn")]
            (Code::Gpu(plan), Data::Gpu(memory)) => {
                let mut grads = vec![0.0; params.layout().trained().len()];
                plan.train(params, &mut grads, memory, seed);
            }
            #[cfg(feature = "burn")]
            _ => mismatch(),
        }
    }

    /// Moves running statistics towards those of the last step in `memory`. See [`Plan::update_buffers`].
    pub fn update_buffers(&self, params: &mut ParamStore<f32>, memory: &Memory) {
        dispatch!(self, &memory.0, plan, arena => plan.update_buffers(params, arena));
    }
}

#[cfg(feature = "burn")]
fn mismatch() -> ! {
    panic!("a program runs in memory of its own engine")
}
