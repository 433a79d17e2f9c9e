//! The `.ts` format of the UEA and TSER archives (Bagnall et al. 2018): `@` lines about the data, then one case in
//! each line: dimensions separated by colons, values by commas, the label last.

use super::parts::{check_length, parts};
use super::{Format, Raw, Request};
use crate::error::DataError;
use crate::features::{Features, TaskKind};
use crate::labels::Label;
use crate::sink::{Part, Sink};
use crate::source::{Source, plain_name, unpacked};
use crate::store::Element;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

const SUFFIXES: &[&str] = &[".ts"];

/// The format.
pub(crate) struct Uea;

impl Format for Uea {
    fn name(&self) -> &'static str {
        "uea"
    }

    fn doc(&self) -> &'static str {
        "Multivariate time series of the UEA archive, lengths may differ: a folder with NAME_TRAIN.ts and \
         NAME_TEST.ts, or one of the files"
    }

    fn detects(&self, source: &Source) -> bool {
        let known = |path: &Path| plain_name(path).ends_with(".ts");
        (source.is_file() && known(source.path())) || source.entries().iter().any(|path| known(path))
    }

    fn read(&self, source: &Source, request: &Request<'_>) -> Result<Raw, DataError> {
        let files = parts(source, SUFFIXES, request.like.is_some())?;
        let Shape { channels, steps, kind } = shape(source, &files, request)?;
        let features = Features::Series { steps, channels };
        let mut sink = Sink::new(source.path(), features, Element::F32, Some(kind), request.memory_limit)?;
        let mut sample = vec![0.0; sink.width()];
        for (part, path) in &files {
            visit(path, &mut |line, _, case| {
                check_length(path, line, case.longest(), steps)?;
                check_channels(path, line, case, channels)?;
                case.interleave(channels, &mut sample);
                sink.push_floats(*part, case.label.as_deref().map_or(Label::None, Label::Text), &sample)
            })?;
        }
        sink.finish().map(|decoded| Raw::Samples(Box::new(decoded)))
    }
}

struct Shape {
    channels: usize,
    steps: usize,
    kind: TaskKind,
}

/// Shape from a pass over all files; the steps of the schema take precedence.
fn shape(source: &Source, files: &[(Part, PathBuf)], request: &Request<'_>) -> Result<Shape, DataError> {
    let mut shape = Shape { channels: 0, steps: 0, kind: TaskKind::Classification };
    for (_, path) in files {
        visit(path, &mut |_, header, case| {
            shape.steps = shape.steps.max(case.longest());
            shape.channels = if shape.channels == 0 { case.dimensions.len() } else { shape.channels };
            shape.kind = if header.is_quantity { TaskKind::Regression } else { TaskKind::Classification };
            Ok(())
        })?;
    }
    if shape.channels == 0 {
        return Err(DataError::empty(source.path(), "files NAME_TRAIN.ts and NAME_TEST.ts"));
    }
    if let Some(Features::Series { steps, .. }) = request.like.map(|schema| &schema.features) {
        shape.steps = *steps;
    }
    Ok(shape)
}

fn check_channels(path: &Path, line: u64, case: &Case, channels: usize) -> Result<(), DataError> {
    let got = case.dimensions.len();
    if got == channels {
        return Ok(());
    }
    let expected = format!("{channels} dimensions, as in the first case");
    Err(DataError::corrupt(path, format!("line {line}"), expected, got.to_string()))
}

/// What the `@` lines say.
#[derive(Default)]
struct Header {
    has_label: bool,
    is_quantity: bool,
}

impl Header {
    fn read(&mut self, path: &Path, line: u64, text: &str) -> Result<(), DataError> {
        let mut words = text.split_whitespace();
        let key = words.next().unwrap_or_default().to_lowercase();
        let on = words.next().is_some_and(|word| word.eq_ignore_ascii_case("true"));
        match (key.as_str(), on) {
            ("@classlabel", true) => self.has_label = true,
            ("@targetlabel", true) => (self.has_label, self.is_quantity) = (true, true),
            ("@timestamps", true) => {
                let what = format!("line {line}: series with time stamps");
                return Err(DataError::unsupported(path, what, "resample them to even steps"));
            }
            _ => {}
        }
        Ok(())
    }
}

/// One case: a series of values for each dimension.
#[derive(Default)]
struct Case {
    dimensions: Vec<Vec<f32>>,
    label: Option<String>,
}

impl Case {
    fn parse(path: &Path, line: u64, text: &str, header: &Header) -> Result<Self, DataError> {
        let mut fields: Vec<&str> = text.split(':').collect();
        let label = fields.pop_if(|_| header.has_label).map(|label| label.trim().to_string());
        if fields.is_empty() || label.as_deref().is_some_and(is_no_label) {
            let expected = "dimensions separated by ':', then the label";
            return Err(DataError::corrupt(
                path,
                format!("line {line}"),
                expected,
                format!("'{}'", start(text)),
            ));
        }
        let dimension = |(i, field): (usize, &&str)| numbers(path, line, i, field);
        let dimensions = fields.iter().enumerate().map(dimension).collect::<Result<_, _>>()?;
        Ok(Self { dimensions, label })
    }

    fn longest(&self) -> usize {
        self.dimensions.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// Writes `[steps, channels]`, zeros after the end of each dimension.
    fn interleave(&self, channels: usize, sample: &mut [f32]) {
        for (step, row) in sample.chunks_exact_mut(channels).enumerate() {
            let values = self.dimensions.iter().map(|dimension| dimension.get(step).copied().unwrap_or(0.0));
            row.iter_mut().zip(values).for_each(|(value, new)| *value = new);
        }
    }
}

fn is_no_label(label: &str) -> bool {
    label.is_empty() || label.parse::<f64>().is_ok_and(|value| !value.is_finite())
}

fn start(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The values of one dimension; `?` and NaN at the end mean that the series is shorter.
fn numbers(path: &Path, line: u64, dimension: usize, field: &str) -> Result<Vec<f32>, DataError> {
    let place = |i: usize| format!("line {line}, dimension {}, value {}", dimension + 1, i + 1);
    let number = |(i, text): (usize, &str)| match text.trim() {
        "?" => Ok(f32::NAN),
        text => text
            .parse()
            .map_err(|_| DataError::corrupt(path, place(i), "a number", format!("'{}'", start(text)))),
    };
    let mut values: Vec<f32> = field.split(',').enumerate().map(number).collect::<Result<_, _>>()?;
    values.truncate(values.iter().rposition(|value| !value.is_nan()).map_or(0, |last| last + 1));
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(values),
        Some(at) => Err(DataError::NotFinite {
            path: path.into(),
            row: line,
            column: format!("dimension {}, value {}", dimension + 1, at + 1),
            value: values[at].to_string(),
        }),
    }
}

/// Called with the line number, the header and the case of each data line.
type CaseVisitor<'v> = dyn FnMut(u64, &Header, &Case) -> Result<(), DataError> + 'v;

fn visit(path: &Path, visitor: &mut CaseVisitor<'_>) -> Result<(), DataError> {
    let mut reader = BufReader::new(unpacked(path)?);
    let (mut header, mut in_data, mut bytes, mut cases) = (Header::default(), false, Vec::new(), 0);
    for line in 1u64.. {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes).map_err(|error| DataError::io(path, error))? == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&bytes);
        match text.trim() {
            "" => {}
            text if text.starts_with(['#', '%']) => {}
            text if text.eq_ignore_ascii_case("@data") => in_data = true,
            text if !in_data && text.starts_with('@') => header.read(path, line, text)?,
            text if in_data => {
                cases += 1;
                visitor(line, &header, &Case::parse(path, line, text, &header)?)?;
            }
            text => {
                let expected = "lines that begin with @, then @data";
                return Err(DataError::corrupt(
                    path,
                    format!("line {line}"),
                    expected,
                    format!("'{}'", start(text)),
                ));
            }
        }
    }
    if cases == 0 { Err(DataError::empty(path, "@data and cases after it")) } else { Ok(()) }
}
