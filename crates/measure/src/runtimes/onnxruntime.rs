//! ONNX Runtime, from a library that is loaded at run time.

use super::library::{self, version};
use super::{Backend, Session};
use crate::{MeasureError, Model, Options};
use ort::environment::Environment;
use ort::session::SessionInputValue;
use ort::value::Tensor;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

pub(super) struct OnnxRuntime;

/// The library of this process.
#[derive(Clone)]
struct Library {
    environment: Environment,
    version: String,
}

static LIBRARY: Mutex<Option<Library>> = Mutex::new(None);

fn open(options: &Options) -> Result<Library, MeasureError> {
    let mut opened = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = &*opened {
        return Ok(library.clone());
    }
    let path = library::find(options.onnxruntime.as_deref())?;
    let failed = |e: &dyn Display| MeasureError::Library(e.to_string());
    let version = version(&path)?;
    let builder = ort::init_from(&path).map_err(|e| failed(&e))?;
    let environment = builder.with_telemetry(false).build().map_err(|e| failed(&e))?;
    let library = Library { environment, version };
    *opened = Some(library.clone());
    Ok(library)
}

fn failed(reason: impl Display) -> MeasureError {
    MeasureError::Runtime { runtime: "onnxruntime", reason: reason.to_string() }
}

impl Backend for OnnxRuntime {
    fn version(&self, options: &Options) -> Result<String, MeasureError> {
        Ok(open(options)?.version)
    }

    fn load(&self, model: &Model, options: &Options) -> Result<Box<dyn Session>, MeasureError> {
        let library = open(options)?;
        let file = model.onnx()?;
        let builder = ort::session::Session::builder(&library.environment).map_err(failed)?;
        let mut builder = builder.with_intra_threads(options.threads).map_err(failed)?;
        let session = builder.commit_from_memory(&file.bytes).map_err(failed)?;
        let sample = Tensor::from_array((file.dims, file.sample)).map_err(failed)?;
        Ok(Box::new(Loaded { session, sample, output: Vec::new() }))
    }
}

struct Loaded {
    session: ort::session::Session,
    sample: Tensor<f32>,
    output: Vec<f32>,
}

impl Session for Loaded {
    fn run(&mut self) -> Result<(), MeasureError> {
        let inputs = [SessionInputValue::from(&self.sample)];
        let outputs = self.session.run(inputs).map_err(failed)?;
        let first = outputs.values().next().ok_or_else(|| failed("it gave no output"))?;
        let (_, values) = first.try_extract_tensor::<f32>().map_err(failed)?;
        self.output.clear();
        self.output.extend_from_slice(values);
        Ok(())
    }

    fn output(&self) -> &[f32] {
        &self.output
    }
}
