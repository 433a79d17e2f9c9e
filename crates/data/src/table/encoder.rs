//! From raw rows (NaN for missing, provisional codes) to rows for a network.

use super::profile::MAX_CATEGORIES;
use crate::features::Features;
use crate::schema::{Column, ColumnKind};
use crate::store::Store;
use std::collections::HashMap;

/// With at least this many training rows, categories in fewer than `RARE` of them share code 0.
const ENOUGH: usize = 100;
const RARE: usize = 3;

/// Provisional codes of a category, in order of appearance from 1; 0 is for missing and for what does not fit.
#[derive(Default)]
pub(crate) struct Dictionary {
    pub(crate) values: Vec<String>,
    index: HashMap<String, u32>,
}

impl Dictionary {
    /// A dictionary that gives `values[i]` the code `i + 1`.
    pub(crate) fn of(values: &[String]) -> Self {
        let mut dictionary = Self::default();
        values.iter().for_each(|value| {
            dictionary.learn(value);
        });
        dictionary
    }

    pub(crate) fn get(&self, text: &str) -> u32 {
        self.index.get(text).copied().unwrap_or(0)
    }

    /// The code of `text`, a new one if it is not known yet.
    pub(crate) fn learn(&mut self, text: &str) -> u32 {
        let known = self.get(text);
        if known > 0 || self.values.len() >= MAX_CATEGORIES {
            return known;
        }
        self.values.push(text.into());
        self.index.insert(text.into(), self.values.len() as u32);
        self.values.len() as u32
    }
}

/// Turns a raw row into numbers, indicators and codes, in this order.
pub(crate) struct Encoder {
    fill: Vec<f32>,
    indicator: Vec<Option<usize>>,
    recode: Vec<Vec<f32>>,
}

impl Encoder {
    /// Learns means, indicators and codes from the training rows of a raw store and completes `columns`,
    /// whose categories come with their provisional values.
    pub(crate) fn fit(store: &Store, train: &[u32], columns: &mut [Column]) -> Self {
        let mut seen = Seen::new(columns);
        train.iter().for_each(|&row| seen.add(store.floats(row as usize)));
        let rare = if train.len() >= ENOUGH { RARE } else { 1 };
        let (mut number, mut category, mut recode) = (0, 0, Vec::new());
        for column in columns.iter_mut() {
            match &mut column.kind {
                ColumnKind::Number { mean, indicator } => {
                    (*mean, *indicator) = seen.numbers[number].summary();
                    number += 1;
                }
                ColumnKind::Category { values } => {
                    recode.push(settle(values, &seen.codes[category], rare));
                    category += 1;
                }
                _ => {}
            }
        }
        Self { recode, ..Self::of(columns) }
    }

    /// The encoder of complete columns, for rows that carry final codes.
    pub(crate) fn of(columns: &[Column]) -> Self {
        let numbers: Vec<(f32, bool)> = columns.iter().filter_map(as_number).collect();
        let mut next = numbers.len();
        let mut slot = |has: bool| {
            has.then(|| {
                next += 1;
                next - 1
            })
        };
        Self {
            fill: numbers.iter().map(|(mean, _)| *mean).collect(),
            indicator: numbers.iter().map(|&(_, has)| slot(has)).collect(),
            recode: code_counts(columns)
                .iter()
                .map(|&codes| (0..codes).map(|c| c as f32).collect())
                .collect(),
        }
    }

    /// Encodes one raw row.
    pub(crate) fn encode(&self, mut raw: impl Iterator<Item = f32>, out: &mut [f32]) {
        for (i, (&fill, slot)) in self.fill.iter().zip(&self.indicator).enumerate() {
            let value = raw.next().unwrap_or(f32::NAN);
            out[i] = if value.is_nan() { fill } else { value };
            if let Some(slot) = *slot {
                out[slot] = f32::from(value.is_nan());
            }
        }
        let codes = out.len() - self.recode.len();
        for ((code, codes), out) in raw.zip(&self.recode).zip(&mut out[codes..]) {
            *out = codes.get(code as usize).copied().unwrap_or(0.0);
        }
    }
}

/// The features that complete columns make.
pub(crate) fn features(columns: &[Column]) -> Features {
    let numbers = columns.iter().filter_map(as_number).map(|(_, indicator)| 1 + usize::from(indicator)).sum();
    Features::Table { numbers, categories: code_counts(columns) }
}

fn as_number(column: &Column) -> Option<(f32, bool)> {
    match column.kind {
        ColumnKind::Number { mean, indicator } => Some((mean, indicator)),
        _ => None,
    }
}

fn code_counts(columns: &[Column]) -> Vec<usize> {
    let codes = |column: &Column| match &column.kind {
        ColumnKind::Category { values } => Some(values.len() + 1),
        _ => None,
    };
    columns.iter().filter_map(codes).collect()
}

/// Keeps the sorted values that are not rare; returns the final code of each provisional one.
fn settle(values: &mut Vec<String>, counts: &[usize], rare: usize) -> Vec<f32> {
    let keep = |i: &usize| counts[i + 1] >= rare;
    let mut kept: Vec<usize> = (0..values.len()).filter(keep).collect();
    kept.sort_by(|&a, &b| values[a].cmp(&values[b]));
    let mut recode = vec![0.0; values.len() + 1];
    kept.iter().enumerate().for_each(|(code, &i)| recode[i + 1] = (code + 1) as f32);
    *values = kept.iter().map(|&i| values[i].clone()).collect();
    recode
}

#[derive(Clone, Default)]
struct SeenNumber {
    count: u64,
    sum: f64,
    missing: bool,
}

impl SeenNumber {
    fn add(&mut self, value: f32) {
        if value.is_nan() {
            self.missing = true;
        } else {
            self.count += 1;
            self.sum += f64::from(value);
        }
    }

    fn summary(&self) -> (f32, bool) {
        ((self.sum / self.count.max(1) as f64) as f32, self.missing)
    }
}

/// What the training rows hold.
struct Seen {
    numbers: Vec<SeenNumber>,
    codes: Vec<Vec<usize>>,
}

impl Seen {
    fn new(columns: &[Column]) -> Self {
        let numbers = columns.iter().filter_map(as_number).count();
        let codes = code_counts(columns).iter().map(|&codes| vec![0; codes]).collect();
        Self { numbers: vec![SeenNumber::default(); numbers], codes }
    }

    fn add(&mut self, mut raw: impl Iterator<Item = f32>) {
        self.numbers.iter_mut().zip(&mut raw).for_each(|(number, value)| number.add(value));
        self.codes.iter_mut().zip(raw).for_each(|(counts, code)| counts[code as usize] += 1);
    }
}
