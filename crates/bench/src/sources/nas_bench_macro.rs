//! NAS-Bench-Macro (Su et al. 2021): an object of networks, `{"02012100": {"test_acc": [..], "mean_acc": .., "params": .., "flops":
//! ..}}`. It has no validation values: one of the recorded runs is the signal, their mean the score.

use super::Source;
use crate::{BenchError, ImportOptions, Rows};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

pub(super) const SOURCE: Source = Source {
    name: "nas-bench-macro",
    doc: "NAS-Bench-Macro's JSON: an object with a digit for each layer's choice.",
    detect: |text| text.trim_start().starts_with('{'),
    read,
};

#[derive(Deserialize)]
struct Network {
    test_acc: Vec<f32>,
    mean_acc: f32,
    params: f32,
    flops: f32,
}

fn read(path: &Path, text: &str, options: &ImportOptions) -> Result<Rows, BenchError> {
    let networks: BTreeMap<String, Network> =
        serde_json::from_str(text).map_err(|e| BenchError::Content {
            path: path.to_owned(),
            line: Some(e.line() as u64),
            expected:
                "an object of networks, each with `test_acc` (a list), `mean_acc`, `params` and `flops`"
                    .to_owned(),
            got: e.to_string(),
        })?;
    let task = options.task.as_deref().unwrap_or("cifar10");
    let layers = networks.keys().map(String::len).max().unwrap_or(0);
    let mut rows = Rows { genes: (1..=layers).map(|i| format!("layer{i}")).collect(), ..Rows::default() };
    for (row, (name, network)) in networks.iter().enumerate() {
        rows.genotypes.push(name.chars().map(String::from).collect());
        let runs = network.test_acc.iter().enumerate().map(|(i, &v)| (format!("{task}_valid#{}", i + 1), v));
        let rest = [
            (format!("{task}_test"), network.mean_acc),
            ("params".to_owned(), network.params),
            ("macs".to_owned(), network.flops),
        ];
        for (name, value) in runs.chain(rest) {
            let column = rows.columns.entry(name).or_default();
            column.resize(row, f32::NAN);
            column.push(value);
        }
    }
    let count = rows.genotypes.len();
    rows.columns.values_mut().for_each(|column| column.resize(count, f32::NAN));
    Ok(rows)
}
