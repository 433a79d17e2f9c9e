//! A study of limits, as files and for people.

use super::{LimitResult, LimitStudy};
use crate::RunFolder;
use crate::benchmark::table_text;
use anyhow::Result;
use nasmyth_report::{CurveSeries, Curves, CurvesChart, CurvesTable, curves_html};
use serde_json::json;
use std::fmt::Write;
use std::path::Path;

/// A figure of a chart: value and interval.
type Figure = fn(&LimitResult) -> Option<[f64; 3]>;

/// Writes `limits.json`, `limits.csv` and `limits.html` into a folder.
///
/// # Errors
/// Files that cannot be written.
pub fn write_limit_study(folder: &Path, study: &LimitStudy, results: &[LimitResult]) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let write = |name: &str, bytes: &[u8]| RunFolder::write(&folder.join(name), bytes);
    let LimitStudy { size, steps, noise, seeds, .. } = study;
    let whole = json!({
        "genes": size.genes, "options": size.options, "pairs": size.pairs, "steps": steps, "noise": noise, "seeds": seeds,
        "results": results,
    });
    write("limits.json", &serde_json::to_vec_pretty(&whole)?)?;
    write("limits.csv", csv(results).as_bytes())?;
    let page = Curves {
        title: "Four treatments of limits".to_owned(),
        about: format!("{} With 95 % intervals.", about(study)),
        charts: vec![
            chart("results that keep the limit", results, |r| Some(r.kept)),
            chart("regret of those that keep it", results, |r| r.regret),
            chart("drawn networks that break it", results, |r| Some(r.broken)),
        ],
        tables: vec![table(results)],
    };
    write("limits.html", curves_html(&page).as_bytes())
}

/// The study as text for a terminal.
pub fn limit_study_text(study: &LimitStudy, results: &[LimitResult]) -> String {
    let mut text = format!("{}\n\n{}\n", about(study), table_text(&table(results)));
    for r in results {
        let _ = writeln!(text, "{} at {}: {:.1} ms a search", r.treatment, r.share, 1e3 * r.seconds);
    }
    text
}

fn about(study: &LimitStudy) -> String {
    let LimitStudy { size, steps, noise, seeds, .. } = study;
    format!(
        "{seeds} planted spaces of {} choices with {} options and pairs of weight {}; {steps} steps with noise of {noise}. Qualities go from 0 to \
         1; a limit is the share of the way from the lowest to the highest cost.",
        size.genes, size.options, size.pairs
    )
}

fn csv(results: &[LimitResult]) -> String {
    let mut text =
        "limit,treatment,kept,kept_low,kept_high,regret,regret_low,regret_high,cost,cost_low,cost_high,\
                    broken,broken_low,broken_high\n"
            .to_owned();
    for r in results {
        let triple = |[value, low, high]: [f64; 3]| format!("{value},{low},{high}");
        let regret = r.regret.map_or(",,".to_owned(), triple);
        let name = r.treatment.replace(',', ";");
        let [kept, cost, broken] = [r.kept, r.cost, r.broken].map(triple);
        let _ = writeln!(text, "{},{name},{kept},{regret},{cost},{broken}", r.share);
    }
    text
}

fn chart(y: &str, results: &[LimitResult], figure: Figure) -> CurvesChart {
    let mut names: Vec<&str> = Vec::new();
    for result in results.iter().filter(|r| figure(r).is_some()) {
        if !names.contains(&result.treatment.as_str()) {
            names.push(&result.treatment);
        }
    }
    let points = |name: &str| {
        let own = results.iter().filter(|r| r.treatment == name);
        own.filter_map(|r| figure(r).map(|[value, low, high]| [r.share, value, low, high])).collect()
    };
    let series = names.into_iter().map(|name| CurveSeries { name: name.to_owned(), points: points(name) });
    CurvesChart { x: "limit".to_owned(), y: y.to_owned(), series: series.collect() }
}

fn table(results: &[LimitResult]) -> CurvesTable {
    let percent = |[value, low, high]: [f64; 3]| {
        format!("{:.0} ({:.0} to {:.0})", 100.0 * value, 100.0 * low, 100.0 * high)
    };
    let plain = |[value, low, high]: [f64; 3]| format!("{value:.3} ({low:.3} to {high:.3})");
    let row = |r: &LimitResult| {
        vec![
            r.share.to_string(),
            r.treatment.clone(),
            percent(r.kept),
            r.regret.map_or("–".to_owned(), plain),
            plain(r.cost),
            percent(r.broken),
        ]
    };
    let head = [
        "limit",
        "treatment",
        "keep it %",
        "regret of those",
        "cost in limits",
        "drawn networks that break it %",
    ];
    CurvesTable {
        title: "Results".to_owned(),
        head: head.map(str::to_owned).into(),
        rows: results.iter().map(row).collect(),
    }
}
