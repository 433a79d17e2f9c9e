//! Loading a table into a store, for training and for other files of the same schema.

use super::encoder::{Dictionary, Encoder, features};
use super::profile::{Profile, Use};
use super::{Cell, Reading, Record, Rows};
use crate::error::DataError;
use crate::features::Features;
use crate::labels::{Label, shortened};
use crate::schema::{Column, ColumnKind, Schema};
use crate::sink::{Decoded, Part, Sink};
use crate::store::Element;
use std::path::Path;

/// A table in a store of raw rows: numbers (NaN where missing), then provisional codes.
pub(crate) struct RawTable {
    pub(crate) decoded: Decoded,
    /// Columns in source order; categories list their provisional values.
    pub(crate) columns: Vec<Column>,
    pub(crate) header: bool,
}

/// Reads a table for training. Rows without a target are skipped with a note.
pub(crate) fn read(rows: &dyn Rows, named: Option<&str>, memory_limit: u64) -> Result<RawTable, DataError> {
    let target = find_target(rows, named)?;
    let (uses, mut notes) = first_pass(rows, target)?;
    let plan = Plan::new(&uses);
    let raw = Features::Table { numbers: plan.numbers.len(), categories: vec![0; plan.categories.len()] };
    if raw.len() == 0 {
        let expected = "a column with features beside the target";
        return Err(DataError::corrupt(rows.path(), "columns", expected, shortened(rows.columns())));
    }
    let mut sink = Sink::new(rows.path(), raw, Element::F32, None, memory_limit)?;
    sink.labels = crate::labels::Labels::new(&rows.columns()[target], None);
    let (dictionaries, skipped) = plan.fill(rows, target, &mut sink)?;
    if sink.len() == 0 {
        let place = format!("column '{}'", rows.columns()[target]);
        return Err(DataError::corrupt(
            rows.path(),
            place,
            "targets; name another column",
            "no value in any row",
        ));
    }
    if skipped > 0 {
        notes.push(format!("{skipped} rows left out: they have no target"));
    }
    if named.is_none() {
        notes.push(format!(
            "the target is the last column, '{}'; name another if that is wrong",
            rows.columns()[target]
        ));
    }
    let mut decoded = sink.finish()?;
    decoded.notes = notes;
    let columns = provisional(rows.columns(), &uses, target, dictionaries);
    Ok(RawTable { decoded, columns, header: rows.has_header() })
}

fn find_target(rows: &dyn Rows, target: Option<&str>) -> Result<usize, DataError> {
    let columns = rows.columns();
    let Some(target) = target else {
        return columns.len().checked_sub(1).ok_or_else(|| DataError::empty(rows.path(), "columns"));
    };
    columns.iter().position(|column| column == target).ok_or_else(|| DataError::NoTarget {
        path: rows.path().into(),
        target: target.into(),
        nearest: nearest(target, columns),
        columns: shortened(columns),
    })
}

fn nearest(name: &str, columns: &[String]) -> Option<String> {
    let similarity = |column: &String| strsim::jaro_winkler(&name.to_lowercase(), &column.to_lowercase());
    let best = columns.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)))?;
    (similarity(best) > 0.7).then(|| best.clone())
}

/// The use of each column and notes. The target's use is `Nothing`.
fn first_pass(rows: &dyn Rows, target: usize) -> Result<(Vec<Use>, Vec<String>), DataError> {
    let mut profiles: Vec<Profile> = rows.columns().iter().map(|_| Profile::default()).collect();
    rows.visit(&mut |line, record| {
        profiles.iter_mut().enumerate().for_each(|(i, profile)| profile.add(line, &record.cell(i)));
        Ok(())
    })?;
    let (mut uses, mut notes) = (Vec::new(), Vec::new());
    for (i, (profile, name)) in profiles.iter().zip(rows.columns()).enumerate() {
        profile.check(name, rows.path())?;
        let (mut usage, note) = profile.judge(name);
        if i == target {
            usage = Use::Nothing;
        } else {
            notes.extend(note);
        }
        uses.push(usage);
    }
    Ok((uses, notes))
}

fn provisional(names: &[String], uses: &[Use], target: usize, dictionaries: Vec<Dictionary>) -> Vec<Column> {
    let mut dictionaries = dictionaries.into_iter();
    let mut kind = |i: usize, usage: Use| match usage {
        Use::Number => ColumnKind::Number { mean: 0.0, indicator: false },
        Use::Category => {
            ColumnKind::Category { values: dictionaries.next().map(|d| d.values).unwrap_or_default() }
        }
        Use::Nothing if i == target => ColumnKind::Target,
        Use::Nothing => ColumnKind::Ignored,
    };
    names
        .iter()
        .zip(uses)
        .enumerate()
        .map(|(i, (name, &u))| Column { name: name.clone(), kind: kind(i, u) })
        .collect()
}

/// Positions of the columns that make a raw row.
struct Plan {
    numbers: Vec<usize>,
    categories: Vec<usize>,
}

impl Plan {
    fn new(uses: &[Use]) -> Self {
        let of = |wanted| (0..uses.len()).filter(|&i| uses[i] == wanted).collect();
        Self { numbers: of(Use::Number), categories: of(Use::Category) }
    }

    /// The second pass. Returns the dictionaries and the number of rows without a target.
    fn fill(
        &self,
        rows: &dyn Rows,
        target: usize,
        sink: &mut Sink,
    ) -> Result<(Vec<Dictionary>, usize), DataError> {
        let mut dictionaries: Vec<Dictionary> =
            self.categories.iter().map(|_| Dictionary::default()).collect();
        let (mut raw, mut skipped) = (Vec::new(), 0);
        rows.visit(&mut |_, record| {
            let label = record.cell(target);
            let Some(label) = label.text() else {
                skipped += 1;
                return Ok(());
            };
            raw.clear();
            raw.extend(self.numbers.iter().map(|&i| value(&record.cell(i))));
            let codes = self.categories.iter().zip(&mut dictionaries);
            raw.extend(codes.map(|(&i, d)| record.cell(i).text().map_or(0, |text| d.learn(&text)) as f32));
            sink.push_raw(Part::Train, Label::Text(&label), &raw)
        })?;
        Ok((dictionaries, skipped))
    }
}

/// NaN for everything that is not a finite number; the first pass has refused the bad ones.
fn value(cell: &Cell<'_>) -> f32 {
    match cell.reading() {
        Reading::Finite(value) => value,
        _ => f32::NAN,
    }
}

/// Reads a table by the columns of an earlier one; the target may be absent. Rows come out encoded.
pub(crate) fn read_like(rows: &dyn Rows, schema: &Schema, memory_limit: u64) -> Result<Decoded, DataError> {
    let positions = positions(rows, schema)?;
    let target = schema.columns.iter().position(|c| c.kind == ColumnKind::Target).and_then(|i| positions[i]);
    let encoder = Encoder::of(&schema.columns);
    let dictionaries: Vec<Dictionary> = schema.columns.iter().map(dictionary).collect();
    let mut sink = Sink::new(rows.path(), features(&schema.columns), Element::F32, None, memory_limit)?;
    let (mut raw, mut row) = (Vec::new(), vec![0.0; sink.width()]);
    rows.visit(&mut |line, record| {
        raw.clear();
        let source = Fields { record, line, path: rows.path(), positions: &positions };
        source.numbers(&schema.columns, &mut raw)?;
        source.codes(&schema.columns, &dictionaries, &mut raw);
        encoder.encode(raw.iter().copied(), &mut row);
        let label = target.map(|i| record.cell(i)).unwrap_or(Cell::Missing);
        let text = label.text();
        sink.push_raw(Part::Train, text.as_deref().map_or(Label::None, Label::Text), &row)
    })?;
    sink.finish()
}

fn dictionary(column: &Column) -> Dictionary {
    match &column.kind {
        ColumnKind::Category { values } => Dictionary::of(values),
        _ => Dictionary::default(),
    }
}

/// Where each column of the schema is in the file; by name, or by position in a file without names.
fn positions(rows: &dyn Rows, schema: &Schema) -> Result<Vec<Option<usize>>, DataError> {
    if !schema.header && !rows.has_header() {
        return unnamed_positions(rows, schema);
    }
    let find = |column: &Column| rows.columns().iter().position(|name| *name == column.name);
    let positions: Vec<Option<usize>> = schema.columns.iter().map(find).collect();
    let missing: Vec<String> = schema
        .columns
        .iter()
        .zip(&positions)
        .filter(|(c, p)| p.is_none() && is_feature(c))
        .map(|(c, _)| c.name.clone())
        .collect();
    if missing.is_empty() {
        return Ok(positions);
    }
    Err(DataError::MissingColumns { path: rows.path().into(), columns: missing.join(", ") })
}

fn is_feature(column: &Column) -> bool {
    matches!(column.kind, ColumnKind::Number { .. } | ColumnKind::Category { .. })
}

fn unnamed_positions(rows: &dyn Rows, schema: &Schema) -> Result<Vec<Option<usize>>, DataError> {
    let (all, got) = (schema.columns.len(), rows.columns().len());
    if got == all {
        return Ok((0..all).map(Some).collect());
    }
    if got + 1 != all {
        let expected = format!("{all} columns, or {} without the target", all.saturating_sub(1));
        return Err(DataError::corrupt(rows.path(), "columns", expected, got.to_string()));
    }
    let mut next = 0..got;
    Ok(schema.columns.iter().map(|c| if c.kind == ColumnKind::Target { None } else { next.next() }).collect())
}

/// One record read by the columns of a schema.
struct Fields<'a> {
    record: &'a dyn Record,
    line: u64,
    path: &'a Path,
    positions: &'a [Option<usize>],
}

impl Fields<'_> {
    fn cell(&self, column: usize) -> Cell<'_> {
        self.positions[column].map_or(Cell::Missing, |i| self.record.cell(i))
    }

    fn numbers(&self, columns: &[Column], raw: &mut Vec<f32>) -> Result<(), DataError> {
        for (i, column) in columns.iter().enumerate() {
            if let ColumnKind::Number { .. } = column.kind {
                raw.push(self.number(i, &column.name)?);
            }
        }
        Ok(())
    }

    fn number(&self, column: usize, name: &str) -> Result<f32, DataError> {
        let cell = self.cell(column);
        let text = || cell.text().unwrap_or_default().into_owned();
        let place = || format!("line {}, column {name}", self.line);
        match cell.reading() {
            Reading::Finite(value) => Ok(value),
            Reading::Missing => Ok(f32::NAN),
            Reading::Text => Err(DataError::corrupt(self.path, place(), "a number, as in training", text())),
            Reading::NotFinite => Err(DataError::NotFinite {
                path: self.path.into(),
                row: self.line,
                column: name.into(),
                value: text(),
            }),
        }
    }

    fn codes(&self, columns: &[Column], dictionaries: &[Dictionary], raw: &mut Vec<f32>) {
        for (i, column) in columns.iter().enumerate() {
            if let ColumnKind::Category { .. } = column.kind {
                raw.push(self.cell(i).text().map_or(0, |text| dictionaries[i].get(&text)) as f32);
            }
        }
    }
}
