//! Tract.

use super::{Backend, Session};
use crate::{MeasureError, Model, Options};
use std::fmt::Display;
use tract_onnx::prelude::*;

pub(super) struct Tract;

fn failed(reason: impl Display) -> MeasureError {
    MeasureError::Runtime { runtime: "tract", reason: reason.to_string() }
}

impl Backend for Tract {
    fn version(&self, _options: &Options) -> Result<String, MeasureError> {
        Ok("0.23".to_owned())
    }

    fn load(&self, model: &Model, options: &Options) -> Result<Box<dyn Session>, MeasureError> {
        let threads = options.threads;
        if threads != 1 {
            return Err(MeasureError::Threads { runtime: "tract", threads });
        }
        let file = model.onnx()?;
        let network = tract_onnx::onnx().model_for_read(&mut &file.bytes[..]).map_err(failed)?;
        let network = network.with_input_fact(0, f32::fact(&file.dims).into()).map_err(failed)?;
        let plan = network.into_optimized().and_then(|n| n.into_runnable()).map_err(failed)?;
        let state = plan.spawn().map_err(failed)?;
        let sample = Tensor::from_shape(&file.dims, &file.sample).map_err(failed)?.into_tvalue();
        Ok(Box::new(Loaded { state, sample, output: Vec::new() }))
    }
}

struct Loaded {
    state: TypedSimpleState,
    sample: TValue,
    output: Vec<f32>,
}

impl Session for Loaded {
    fn run(&mut self) -> Result<(), MeasureError> {
        let outputs = self.state.run(tvec!(self.sample.clone())).map_err(failed)?;
        let first = outputs.first().ok_or_else(|| failed("it gave no output"))?;
        let values = first.to_plain_array_view::<f32>().map_err(failed)?;
        self.output.clear();
        self.output.extend(values.iter());
        Ok(())
    }

    fn output(&self) -> &[f32] {
        &self.output
    }
}
