//! Comma-separated tables with a header: a column (or several) with the genotype, the others numbers.
//!
//! - The genotype is in a column `genotype` or `arch`, or in the one that `--genotype` names: options separated by `_`, `-`, blanks
//!   or the signs `|`, `+` of NAS-Bench-201 (`|nor_conv_3x3~0|+|none~0|skip_connect~1|+...`). With `--genes PREFIX`, every column
//!   whose name begins so is a gene.
//! - `TASK_valid[_EPOCHS][_runs]`, `TASK_test[_EPOCHS]`, `TASK_train_seconds[_EPOCHS]` make tasks; several numbers in a cell, separated
//!   by blanks, are runs. Without such columns `--valid`, `--test` and `--seconds` name them.
//! - All other columns of numbers are costs; columns with other words are left out.

use super::Source;
use crate::{BenchError, ImportOptions, Rows};
use std::collections::BTreeMap;
use std::path::Path;

pub(super) const SOURCE: Source = Source {
    name: "csv",
    doc: "Comma-separated values with a header, one network a line.",
    detect: |text| text.lines().next().is_some_and(|line| line.contains(',')),
    read,
};

/// Names of the genotype column where nobody says otherwise.
const GENOTYPE: [&str; 2] = ["genotype", "arch"];

fn read(path: &Path, text: &str, options: &ImportOptions) -> Result<Rows, BenchError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let broken = |error: csv::Error| {
        let line = error.position().map(|p| p.line());
        BenchError::Content {
            path: path.to_owned(),
            line,
            expected: "comma-separated values, as many as the header has".to_owned(),
            got: error.to_string(),
        }
    };
    let header: Vec<String> = reader.headers().map_err(broken)?.iter().map(str::to_owned).collect();
    let at = |line: u64, expected: &str, got: &str| BenchError::Content {
        path: path.to_owned(),
        line: Some(line),
        expected: expected.to_owned(),
        got: got.to_owned(),
    };
    let genes: Vec<usize> = match &options.genes {
        Some(prefix) => (0..header.len()).filter(|&i| header[i].starts_with(prefix)).collect(),
        None => Vec::new(),
    };
    let genotype = match &options.genotype {
        Some(name) => header.iter().position(|h| h == name),
        None => GENOTYPE.iter().find_map(|g| header.iter().position(|h| h == g)),
    };
    if genes.is_empty() && genotype.is_none() {
        let expected =
            "a column `genotype` or `arch`, or the one that `--genotype NAME` or `--genes PREFIX` names";
        return Err(at(1, expected, &header.join(", ")));
    }
    let mut rows = Rows::default();
    let mut cells: Vec<Vec<String>> = vec![Vec::new(); header.len()];
    for (i, record) in reader.records().enumerate() {
        let (record, line) = (record.map_err(broken)?, i as u64 + 2);
        let parts: Vec<String> = match genotype.filter(|_| genes.is_empty()) {
            Some(column) => split(record.get(column).unwrap_or_default()),
            None => genes.iter().map(|&g| record.get(g).unwrap_or_default().trim().to_owned()).collect(),
        };
        if rows.genes.is_empty() {
            rows.genes = match genes.is_empty() {
                true => (1..=parts.len()).map(|g| format!("gene{g}")).collect(),
                false => genes.iter().map(|&g| header[g].clone()).collect(),
            };
        }
        if parts.len() != rows.genes.len() || parts.iter().any(String::is_empty) {
            return Err(at(line, &format!("a genotype of {} options", rows.genes.len()), &parts.join(" ")));
        }
        rows.genotypes.push(parts);
        cells.iter_mut().zip(&record).for_each(|(column, cell)| column.push(cell.trim().to_owned()));
    }
    if rows.genotypes.is_empty() {
        return Err(at(2, "at least one network", "nothing after the header"));
    }
    for (i, name) in header.iter().enumerate() {
        if Some(i) != genotype && !genes.contains(&i) && !["index", "file"].contains(&name.as_str()) {
            rows.columns.extend(numbers(name, &cells[i]));
        }
    }
    Ok(rows)
}

/// The options in a genotype's text.
fn split(text: &str) -> Vec<String> {
    let nas_bench_201 = text.contains('|');
    let parts = text.trim().split(|c: char| match nas_bench_201 {
        true => c == '|' || c == '+',
        false => "_-".contains(c) || c.is_whitespace(),
    });
    let option = |part: &str| part.split('~').next().unwrap_or_default().to_owned();
    parts.filter(|p| !p.is_empty()).map(option).collect()
}

/// One column for each run in the cells; none if a cell holds no number. Empty cells are missing values.
fn numbers(name: &str, cells: &[String]) -> BTreeMap<String, Vec<f32>> {
    let parse =
        |cell: &String| cell.split_whitespace().map(|w| w.parse::<f32>().ok()).collect::<Option<Vec<_>>>();
    let Some(values) = cells.iter().map(parse).collect::<Option<Vec<_>>>() else { return BTreeMap::new() };
    let runs = values.iter().map(Vec::len).max().unwrap_or(0);
    let column = |run: usize| values.iter().map(|v| v.get(run).copied().unwrap_or(f32::NAN)).collect();
    let named = |run: usize| if runs == 1 { name.to_owned() } else { format!("{name}#{}", run + 1) };
    (0..runs).map(|run| (named(run), column(run))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn genotypes_split_at_their_own_signs() {
        assert_eq!(split("|a_1~0|+|b~0|c_2~1|"), ["a_1", "b", "c_2"]);
        assert_eq!(split("0_2_1"), ["0", "2", "1"]);
        assert_eq!(split("x y"), ["x", "y"]);
    }

    #[test]
    fn several_numbers_in_a_cell_are_runs_and_words_are_no_column() {
        let cells = ["1 2".to_owned(), "3".to_owned(), String::new()];
        let columns = numbers("v", &cells);
        assert_eq!(columns["v#1"][..2], [1.0, 3.0]);
        assert!(columns["v#2"][0] == 2.0 && columns["v#2"][1].is_nan() && columns["v#1"][2].is_nan());
        assert!(numbers("w", &["a".to_owned()]).is_empty());
    }
}
