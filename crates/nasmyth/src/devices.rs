//! How well latencies are predicted, for people.

use nasmyth_bench::{DeviceProtocol, DeviceResult};
use nasmyth_device::Score;
use std::fmt::Write;

/// A row of the table: for each kind of predictor a score, and some figures.
type Cell = (&'static str, fn(&DeviceResult) -> Option<f64>);

/// One table for known devices and one for each way to choose the networks of a new one, with medians.
pub fn devices_text(results: &[DeviceResult], protocol: &DeviceProtocol) -> String {
    let known: &[Cell] = &[
        ("model %", |r| share(Some(r.model))),
        ("Spearman", |r| Some(r.model.spearman)),
        ("in interval %", |r| Some(100.0 * r.coverage)),
        ("microseconds", |r| Some(r.microseconds)),
        ("look-up %", |r| share(Some(r.lookup))),
        ("Spearman", |r| Some(r.lookup.spearman)),
        ("MACs %", |r| share(r.macs)),
        ("Spearman", |r| r.macs.map(|m| m.spearman)),
    ];
    let chosen: &[Cell] = &[
        ("others %", |r| share(Some(r.chosen.others))),
        ("Spearman", |r| Some(r.chosen.others.spearman)),
        ("other families %", |r| share(r.chosen.other_families)),
        ("Spearman", |r| spearman(r.chosen.other_families)),
        ("mixture %", |r| share(r.chosen.mixture)),
        ("look-up %", |r| share(Some(r.chosen.lookup))),
        ("MACs %", |r| share(r.chosen.macs)),
    ];
    let random: &[Cell] = &[
        ("others %", |r| share(Some(r.random.others))),
        ("Spearman", |r| Some(r.random.others.spearman)),
        ("other families %", |r| share(r.random.other_families)),
        ("Spearman", |r| spearman(r.random.other_families)),
        ("mixture %", |r| share(r.random.mixture)),
        ("look-up %", |r| share(Some(r.random.lookup))),
        ("MACs %", |r| share(r.random.macs)),
    ];
    let DeviceProtocol { train, few, seeds, .. } = protocol;
    let mut text = "% of held-out networks whose prediction is within 10 % of the measurement\n\n".to_owned();
    for (title, cells) in [
        (format!("Known device, {train} networks"), known),
        (format!("New device, {few} chosen networks, mean of {seeds}"), chosen),
        (format!("New device, {few} random networks, mean of {seeds}"), random),
    ] {
        let _ = writeln!(text, "{title}");
        table(&mut text, results, cells);
        text.push('\n');
    }
    text
}

fn share(score: Option<Score>) -> Option<f64> {
    score.map(|s| 100.0 * s.within_10)
}

fn spearman(score: Option<Score>) -> Option<f64> {
    score.map(|s| s.spearman)
}

fn table(text: &mut String, results: &[DeviceResult], cells: &[Cell]) {
    let names = results.iter().map(|r| r.device.chars().count());
    let first = names.chain(["median".len()]).max().unwrap_or(0);
    let row = |text: &mut String, name: &str, values: Vec<Option<f64>>| {
        let _ = write!(text, "  {name:first$}");
        for (value, (head, _)) in values.iter().zip(cells) {
            let decimals = if *head == "Spearman" { 4 } else { 1 };
            let shown = value.map_or("–".to_owned(), |v| format!("{v:.decimals$}"));
            let _ = write!(text, "  {shown:>width$}", width = head.len());
        }
        text.push('\n');
    };
    let head: Vec<&str> = cells.iter().map(|cell| cell.0).collect();
    let _ = writeln!(text, "  {:first$}  {}", "", head.join("  "));
    results.iter().for_each(|r| row(text, &r.device, cells.iter().map(|cell| (cell.1)(r)).collect()));
    let medians = cells.iter().map(|cell| median(results.iter().filter_map(cell.1).collect()));
    row(text, "median", medians.collect());
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    Some(if values.len() % 2 == 1 { upper } else { 0.5 * (upper + values[values.len() / 2 - 1]) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_bench::FewShot;

    fn score(within_10: f64) -> Score {
        Score { within_10, spearman: 0.5, networks: 4 }
    }

    #[test]
    fn rows_and_medians_stand_under_their_heads() {
        let few = FewShot {
            others: score(0.9),
            other_families: None,
            mixture: None,
            lookup: score(0.2),
            macs: None,
        };
        let result = |device: &str, within: f64| DeviceResult {
            device: device.to_owned(),
            model: score(within),
            coverage: 0.95,
            microseconds: 3.25,
            lookup: score(0.5),
            macs: None,
            chosen: few.clone(),
            random: few.clone(),
        };
        let protocol = DeviceProtocol { train: 900, few: 10, seeds: 5, work: None };
        let text = devices_text(&[result("pi", 0.8), result("fpga", 1.0)], &protocol);
        let lines: Vec<&str> = text.lines().filter(|l| l.starts_with("  median")).collect();
        assert!(lines[0].contains("90.0") && lines[0].contains("0.5000") && lines[0].contains('–'), "{text}");
        assert!(lines[1].contains("90.0") && lines[2].contains("20.0"), "{text}");
        assert_eq!(text.lines().filter(|l| l.contains("fpga")).count(), 3);
    }
}
