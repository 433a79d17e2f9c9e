//! What is held to PyTorch's values: every engine of this build, and in double precision the CPU.

use nasmyth_engine::{
    Arena, Backend, BackendError, Engine, Memory, Mode, Options, ParamStore, Plan, Program, Real,
};
use nasmyth_graph::VerifiedGraph;

/// A compiled network with its memory.
pub trait Compiled {
    /// What it computes with.
    type Number: Real;
    fn sample(&mut self) -> (&mut [Self::Number], &mut [Self::Number]);
    fn output(&self) -> &[Self::Number];
    fn infer(&mut self, params: &ParamStore<Self::Number>);
    fn train(&mut self, params: &ParamStore<Self::Number>, grads: &mut [Self::Number]) -> Self::Number;
    fn update_buffers(&self, params: &mut ParamStore<Self::Number>);
}

/// Both kinds have the same calls.
macro_rules! compiled {
    ($number:ty, $plan:ty, $memory:ty) => {
        impl Compiled for ($plan, $memory) {
            type Number = $number;
            fn sample(&mut self) -> (&mut [$number], &mut [$number]) {
                self.0.sample(&mut self.1)
            }
            fn output(&self) -> &[$number] {
                self.0.output(&self.1)
            }
            fn infer(&mut self, params: &ParamStore<$number>) {
                self.0.forward(params, &mut self.1);
            }
            fn train(&mut self, params: &ParamStore<$number>, grads: &mut [$number]) -> $number {
                self.0.train(params, grads, &mut self.1, 0)
            }
            fn update_buffers(&self, params: &mut ParamStore<$number>) {
                self.0.update_buffers(params, &self.1);
            }
        }
    };
}

compiled!(f64, Plan<f64>, Arena<f64>);
compiled!(f32, Program, Memory);

/// In double precision, on the CPU.
pub fn double(g: &VerifiedGraph, batch: usize, mode: Mode) -> (Plan<f64>, Arena<f64>) {
    let plan = Plan::compile(g, batch, mode).unwrap();
    let arena = plan.arena();
    (plan, arena)
}

/// In single precision.
pub fn single(engine: &Engine, g: &VerifiedGraph, batch: usize, mode: Mode) -> (Program, Memory) {
    let program = engine.compile(g, Options::new(batch, mode)).unwrap();
    let memory = program.memory();
    (program, memory)
}

/// The engines of this build, without GPUs that this machine does not have.
pub fn engines() -> Vec<Engine> {
    let built = Backend::ALL.into_iter().filter(|b| *b != Backend::Auto && b.is_built());
    let opened = built.filter_map(|backend| match Engine::open(backend, 1) {
        Err(BackendError::NoDevice { .. }) => None,
        engine => Some(engine.unwrap()),
    });
    opened.collect()
}
