//! RTen, through the crate that certifies exported files.

use super::{Backend, Session};
use crate::{MeasureError, Model, Options};
use nasmyth_export::RTEN_VERSION;

pub(super) struct Rten;

impl Backend for Rten {
    fn version(&self, _options: &Options) -> Result<String, MeasureError> {
        Ok(RTEN_VERSION.to_owned())
    }

    fn load(&self, model: &Model, options: &Options) -> Result<Box<dyn Session>, MeasureError> {
        let file = model.onnx()?;
        let session = nasmyth_export::Session::load(&file.bytes)?.with_threads(options.threads);
        Ok(Box::new(Loaded { session, sample: file.sample, output: Vec::new() }))
    }
}

struct Loaded {
    session: nasmyth_export::Session,
    sample: Vec<f32>,
    output: Vec<f32>,
}

impl Session for Loaded {
    fn run(&mut self) -> Result<(), MeasureError> {
        self.output = self.session.run(&self.sample, 1)?;
        Ok(())
    }

    fn output(&self) -> &[f32] {
        &self.output
    }
}
