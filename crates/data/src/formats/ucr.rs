//! The text format of the UCR archive (Dau et al. 2018): one series in each line, the label first, then the values.

use super::parts::{check_length, is_part, parts};
use super::{Format, Raw, Request};
use crate::error::DataError;
use crate::features::{Features, TaskKind};
use crate::labels::Label;
use crate::sink::{Part, Sink};
use crate::source::{Source, unpacked};
use crate::store::Element;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// The format.
pub(crate) struct Ucr;

impl Format for Ucr {
    fn name(&self) -> &'static str {
        "ucr"
    }

    fn doc(&self) -> &'static str {
        "Time series of the UCR archive: a folder with NAME_TRAIN.tsv and NAME_TEST.tsv, or one of the files"
    }

    fn detects(&self, source: &Source) -> bool {
        is_part(source.path(), SUFFIXES) || source.entries().iter().any(|path| is_part(path, SUFFIXES))
    }

    fn read(&self, source: &Source, request: &Request<'_>) -> Result<Raw, DataError> {
        let files = parts(source, SUFFIXES, request.like.is_some())?;
        let steps = steps(&files, request)?;
        let features = Features::Series { steps, channels: 1 };
        let kind = Some(TaskKind::Classification);
        let mut sink = Sink::new(source.path(), features, Element::F32, kind, request.memory_limit)?;
        for (part, path) in &files {
            visit(path, &mut |line, label, values| {
                check_length(path, line, values.len(), steps)?;
                let mut values = values.to_vec();
                values.resize(steps, 0.0);
                sink.push_floats(*part, Label::Text(label), &values)
            })?;
        }
        sink.finish().map(|decoded| Raw::Samples(Box::new(decoded)))
    }
}

const SUFFIXES: &[&str] = &[".tsv", ".txt"];

/// Steps of the longest series, or of the schema.
fn steps(files: &[(Part, PathBuf)], request: &Request<'_>) -> Result<usize, DataError> {
    if let Some(Features::Series { steps, channels: 1 }) = request.like.map(|schema| &schema.features) {
        return Ok(*steps);
    }
    let mut longest = 0;
    for (_, path) in files {
        visit(path, &mut |_, _, values| {
            longest = longest.max(values.len());
            Ok(())
        })?;
    }
    Ok(longest)
}

/// Called with line number, label and values without trailing NaN.
type LineVisitor<'v> = dyn FnMut(u64, &str, &[f32]) -> Result<(), DataError> + 'v;

fn visit(path: &Path, visitor: &mut LineVisitor<'_>) -> Result<(), DataError> {
    let mut reader = BufReader::new(unpacked(path)?);
    let (mut bytes, mut values, mut fields, mut rows) = (Vec::new(), Vec::new(), 0, 0);
    for line in 1u64.. {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes).map_err(|error| DataError::io(path, error))? == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&bytes);
        if text.trim().is_empty() {
            continue;
        }
        let label = parse_line(path, line, text.trim_end_matches(['\r', '\n']), &mut values)?;
        fields = if rows == 0 { values.len() + 1 } else { fields };
        if values.len() + 1 != fields {
            let got = values.len() + 1;
            return Err(DataError::Ragged { path: path.into(), line, expected: fields, got });
        }
        rows += 1;
        visitor(line, &label, without_padding(path, line, &values)?)?;
    }
    if rows == 0 { Err(DataError::empty(path, "series")) } else { Ok(()) }
}

fn parse_line(path: &Path, line: u64, text: &str, values: &mut Vec<f32>) -> Result<String, DataError> {
    values.clear();
    let mut fields: Box<dyn Iterator<Item = &str>> = match text.contains(['\t', ',']) {
        true => Box::new(text.split(['\t', ',']).map(str::trim)),
        false => Box::new(text.split_whitespace()),
    };
    let label = fields.next().unwrap_or_default().to_string();
    for (column, field) in fields.enumerate() {
        let place = || format!("line {line}, column {}", column + 1);
        values.push(
            field.parse().map_err(|_| DataError::corrupt(path, place(), "a number", format!("'{field}'")))?,
        );
    }
    check_label(path, line, label)
}

fn check_label(path: &Path, line: u64, label: String) -> Result<String, DataError> {
    let not_finite = label.parse::<f64>().is_ok_and(|value| !value.is_finite());
    match label.is_empty() || not_finite {
        false => Ok(label),
        true => Err(DataError::corrupt(
            path,
            format!("line {line}"),
            "a label in the first column",
            format!("'{label}'"),
        )),
    }
}

/// Trailing NaN mark the end of a shorter series; any other value that is not finite is an error.
fn without_padding<'v>(path: &Path, line: u64, values: &'v [f32]) -> Result<&'v [f32], DataError> {
    let length = values.iter().rposition(|value| !value.is_nan()).map_or(0, |last| last + 1);
    match values[..length].iter().position(|value| !value.is_finite()) {
        None => Ok(&values[..length]),
        Some(at) => Err(DataError::NotFinite {
            path: path.into(),
            row: line,
            column: (at + 1).to_string(),
            value: values[at].to_string(),
        }),
    }
}
