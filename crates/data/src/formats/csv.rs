//! Comma-separated values and their relatives (RFC 4180, with `,` `;` tab or `|` between fields).

use super::{Format, Raw, Request};
use crate::error::DataError;
use crate::schema::Schema;
use crate::source::{Source, unpacked};
use crate::table::{Cell, Reading, Record, Rows, Visitor};
use csv::{ByteRecord, ReaderBuilder, Trim};
use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Rows looked at to tell a header from data.
const SAMPLE: usize = 1000;

/// The format.
pub(crate) struct Csv;

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn doc(&self) -> &'static str {
        "Tables as text, gzip or not, with or without header, separated by comma, semicolon, tab or bar; \
         empty, ?, NA, N/A, null and None are missing; the target is the last column unless --target says otherwise"
    }

    fn detects(&self, source: &Source) -> bool {
        let known =
            [".csv", ".tsv", ".data", ".tab"].iter().any(|suffix| source.file_name().ends_with(suffix));
        source.is_file() && (known || (is_text(source.head()) && separator(source.head()).is_some()))
    }

    fn read(&self, source: &Source, request: &Request<'_>) -> Result<Raw, DataError> {
        CsvRows::open(source, request).map(|rows| Raw::Table(Box::new(rows)))
    }
}

/// Whether a file of unknown suffix may be a table: text, and neither JSON nor markup.
fn is_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    let structured = matches!(head.trim_ascii_start(), [b'{' | b'[' | b'<', ..]);
    valid && !structured && !head.contains(&0)
}

/// The separator that occurs most often in the first line.
fn separator(head: &[u8]) -> Option<u8> {
    let line = head.split(|&b| b == b'\n').find(|line| !line.trim_ascii().is_empty())?;
    let count = |separator: &u8| line.iter().filter(|&b| b == separator).count();
    b",;\t|".iter().copied().rev().max_by_key(count).filter(|s| count(s) > 0)
}

/// A text table.
struct CsvRows {
    path: PathBuf,
    separator: u8,
    header: bool,
    columns: Vec<String>,
}

impl CsvRows {
    fn open(source: &Source, request: &Request<'_>) -> Result<Self, DataError> {
        let separator = separator(source.head()).unwrap_or(b',');
        let mut rows = Self { path: source.path().into(), separator, header: false, columns: Vec::new() };
        let sample = rows.sample()?;
        let Some((first, rest)) = sample.split_first() else {
            return Err(DataError::empty(source.path(), "rows"));
        };
        rows.header = has_header(first, rest, request);
        rows.columns =
            if rows.header { names(first) } else { (0..first.len()).map(|i| i.to_string()).collect() };
        rows.check_names()?;
        Ok(rows)
    }

    fn reader(&self) -> Result<csv::Reader<Box<dyn Read>>, DataError> {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(self.separator).has_headers(false).flexible(true).trim(Trim::All);
        Ok(builder.from_reader(unpacked(&self.path)?))
    }

    /// Reads the next row into `record`; false at the end.
    fn next(
        &self,
        reader: &mut csv::Reader<Box<dyn Read>>,
        record: &mut ByteRecord,
    ) -> Result<bool, DataError> {
        reader.read_byte_record(record).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => DataError::io(&self.path, error),
            other => DataError::corrupt(&self.path, "text", "a table", format!("{other:?}")),
        })
    }

    fn sample(&self) -> Result<Vec<Vec<String>>, DataError> {
        let (mut reader, mut record, mut sample) = (self.reader()?, ByteRecord::new(), Vec::new());
        while sample.len() <= SAMPLE && self.next(&mut reader, &mut record)? {
            sample.push(record.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect());
        }
        Ok(sample)
    }

    fn check_names(&self) -> Result<(), DataError> {
        let mut seen = HashSet::new();
        match self.columns.iter().find(|name| !seen.insert(name.as_str())) {
            None => Ok(()),
            Some(name) => {
                Err(DataError::corrupt(&self.path, "header", "names that differ", format!("'{name}' twice")))
            }
        }
    }
}

/// Header names; an unnamed column is named by its position.
fn names(first: &[String]) -> Vec<String> {
    let name = |(i, field): (usize, &String)| {
        let name = field.trim_start_matches('\u{feff}').trim();
        if name.is_empty() { i.to_string() } else { name.to_string() }
    };
    first.iter().enumerate().map(name).collect()
}

/// Whether the first row names the columns. It does if it holds the target's name or a column of the schema. Else
/// each column votes: against, if numbers start in the first row or its text recurs below; for, if numbers start
/// below it or its text does not recur though others do. A tie means a header.
fn has_header(first: &[String], rest: &[Vec<String>], request: &Request<'_>) -> bool {
    let names = names(first);
    if let Some(schema) = request.like {
        return follows(schema, &names);
    }
    let by_target = request.target.is_some_and(|target| names.iter().any(|name| name == target));
    let as_number = |target: &str| target.parse::<f64>().is_ok();
    if by_target && !request.target.is_some_and(as_number) {
        return true;
    }
    let votes: i64 =
        (0..first.len()).map(|i| vote(&first[i], rest.iter().filter_map(|row| row.get(i)))).sum();
    !rest.is_empty() && votes >= 0
}

fn follows(schema: &Schema, names: &[String]) -> bool {
    schema.header && schema.columns.iter().any(|column| names.contains(&column.name))
}

fn vote<'a>(first: &'a str, rest: impl Iterator<Item = &'a String>) -> i64 {
    let is_number = |text: &str| matches!(Cell::of_text(text.into()).reading(), Reading::Finite(_));
    let present: Vec<&str> =
        rest.map(String::as_str).filter(|text| Cell::of_text((*text).into()) != Cell::Missing).collect();
    let numbers = present.iter().filter(|text| is_number(text)).count();
    if numbers * 10 > present.len() * 9 {
        return if is_number(first) { -1 } else { i64::from(Cell::of_text(first.into()) != Cell::Missing) };
    }
    let distinct: HashSet<&str> = present.iter().copied().collect();
    match (distinct.contains(first), distinct.len() * 2 < present.len()) {
        (true, _) => -1,
        (false, true) => 1,
        (false, false) => 0,
    }
}

impl Rows for CsvRows {
    fn path(&self) -> &Path {
        &self.path
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn has_header(&self) -> bool {
        self.header
    }

    fn visit(&self, visitor: &mut Visitor<'_>) -> Result<(), DataError> {
        let (mut reader, mut record) = (self.reader()?, ByteRecord::new());
        let mut skip = self.header;
        while self.next(&mut reader, &mut record)? {
            let line = record.position().map_or(0, |position| position.line());
            self.check_row(line, &record)?;
            if !std::mem::take(&mut skip) {
                visitor(line, &record)?;
            }
        }
        Ok(())
    }
}

impl CsvRows {
    fn check_row(&self, line: u64, record: &ByteRecord) -> Result<(), DataError> {
        let (expected, got) = (self.columns.len(), record.len());
        if got != expected {
            return Err(DataError::Ragged { path: self.path.clone(), line, expected, got });
        }
        if record.as_slice().contains(&0) {
            return Err(DataError::corrupt(&self.path, format!("line {line}"), "text", "a zero byte"));
        }
        Ok(())
    }
}

impl Record for ByteRecord {
    fn cell(&self, column: usize) -> Cell<'_> {
        self.get(column).map_or(Cell::Missing, |field| match String::from_utf8_lossy(field) {
            Cow::Borrowed(text) => Cell::of_text(Cow::Borrowed(text)),
            Cow::Owned(text) => Cell::of_text(Cow::Owned(text)),
        })
    }
}
