//! Nasmyth's own engine.

use super::{Backend, Session};
use crate::{MeasureError, Model, Options};
use nasmyth_engine::{Engine, Memory, Mode, ParamStore, Program, reparametrise};

pub(super) struct Plan;

impl Backend for Plan {
    fn version(&self, _options: &Options) -> Result<String, MeasureError> {
        Ok(env!("CARGO_PKG_VERSION").to_owned())
    }

    fn load(&self, model: &Model, options: &Options) -> Result<Box<dyn Session>, MeasureError> {
        let threads = options.threads;
        if threads != 1 {
            return Err(MeasureError::Threads { runtime: "plan", threads }); // they would share a batch
        }
        let (graph, params) = model.network()?;
        let sample = Model::sample(graph);
        let (graph, params) = reparametrise(graph, params);
        let mode = nasmyth_engine::Options::new(1, Mode::Infer);
        let program = Engine::cpu(threads).compile(&graph, mode)?;
        let mut memory = program.memory();
        program.prepare(&params, &mut memory);
        program.sample(&mut memory).0.copy_from_slice(&sample);
        Ok(Box::new(Loaded { program, params, memory }))
    }
}

struct Loaded {
    program: Program,
    params: ParamStore<f32>,
    memory: Memory,
}

impl Session for Loaded {
    fn run(&mut self) -> Result<(), MeasureError> {
        self.program.infer(&self.params, &mut self.memory);
        Ok(())
    }

    fn output(&self) -> &[f32] {
        self.program.output(&self.memory)
    }
}
