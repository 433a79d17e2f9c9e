//! From files to a table.

use crate::{BenchError, Rows, SOURCES, Signals, Table, Task};
use flate2::read::MultiGzDecoder;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a source cannot tell by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportOptions {
    /// Name of the table.
    pub name: Option<String>,
    /// Column of the genotype.
    pub genotype: Option<String>,
    /// Beginning of the names of columns that are genes.
    pub genes: Option<String>,
    /// Name of the task that the next three make.
    pub task: Option<String>,
    /// Column (or columns) of the validation value.
    pub valid: Vec<String>,
    /// Column of the test value.
    pub test: Option<String>,
    /// Column of the seconds of a training.
    pub seconds: Option<String>,
}

/// Reads files (gzip or not), joins them by genotype, and writes the table. Several rows of one genotype become their mean; returns
/// how many rows disappeared by that.
///
/// # Errors
/// A file that no source recognises, broken content (with its line), or columns that do not exist.
pub fn import(files: &[PathBuf], out: &Path, options: &ImportOptions) -> Result<usize, BenchError> {
    let (mut rows, mut merged) = (Rows::default(), 0);
    for file in files {
        let text = text(file)?;
        let source = SOURCES.iter().find(|s| (s.detect)(&text)).ok_or_else(|| BenchError::Content {
            path: file.clone(),
            line: None,
            expected: format!("one of {}", SOURCES.iter().map(|s| s.name).collect::<Vec<_>>().join(", ")),
            got: "another format".to_owned(),
        })?;
        let mut read = (source.read)(file, &text, options)?;
        merged += read.merge();
        match rows.genotypes.is_empty() {
            true => rows = read,
            false if rows.genes.len() == read.genes.len() => rows.join(&read),
            false => {
                return Err(BenchError::Content {
                    path: file.clone(),
                    line: None,
                    expected: format!("genotypes of {} genes, as the first file has", rows.genes.len()),
                    got: format!("{} genes", read.genes.len()),
                });
            }
        }
    }
    let stem = |p: &Path| {
        p.file_name().map(|n| n.to_string_lossy().split('.').next().unwrap_or_default().to_owned())
    };
    let name = options.name.clone().or_else(|| stem(out)).unwrap_or_default();
    Table::write(out, &name, &rows, named_task(out, &rows, options)?)?;
    Ok(merged)
}

/// The task of the columns that the options name, if they do.
fn named_task(out: &Path, rows: &Rows, options: &ImportOptions) -> Result<Option<Vec<Task>>, BenchError> {
    if options.valid.is_empty() {
        return Ok(None);
    }
    let column = |name: &String| match rows.columns.contains_key(name) {
        true => Ok(name.clone()),
        false => Err(BenchError::Content {
            path: out.to_owned(),
            line: None,
            expected: format!("a column `{name}` of numbers"),
            got: rows.columns.keys().cloned().collect::<Vec<_>>().join(", "),
        }),
    };
    let runs = options.valid.iter().map(column).collect::<Result<_, _>>()?;
    Ok(Some(vec![Task {
        name: options.task.clone().unwrap_or_else(|| "task".to_owned()),
        valid: vec![Signals { epochs: 1.0, runs }],
        test: options.test.as_ref().map(column).transpose()?,
        seconds: options.seconds.as_ref().map(column).transpose()?,
    }]))
}

fn text(path: &Path) -> Result<String, BenchError> {
    let bytes = std::fs::read(path).map_err(BenchError::file(path))?;
    let mut text = String::new();
    let read = match bytes.starts_with(&[0x1f, 0x8b]) {
        true => MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text),
        false => (&bytes[..]).read_to_string(&mut text),
    };
    read.map(|_| text).map_err(BenchError::file(path))
}
