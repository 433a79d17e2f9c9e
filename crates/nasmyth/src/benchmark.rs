//! Comparisons of strategies, as files and for people.

use crate::RunFolder;
use anyhow::Result;
use nasmyth_bench::{Comparison, Pair, Summary};
use nasmyth_report::{CurveSeries, Curves, CurvesChart, CurvesTable, curves_html, curves_svg};
use std::fmt::Write;
use std::path::Path;

/// Writes `comparison.json`, `comparison.html`, and the regret curves as CSV and SVG into a folder: over evaluations `curves.*`, over
/// simulated time `time.*`. The same comparison gives the same bytes.
///
/// # Errors
/// Files that cannot be written.
pub fn write_comparison(folder: &Path, comparison: &Comparison) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let (evaluations, time) = (over_evaluations(comparison), over_time(comparison));
    let write = |name: &str, bytes: &[u8]| RunFolder::write(&folder.join(name), bytes);
    write("comparison.json", &serde_json::to_vec_pretty(comparison)?)?;
    write("curves.csv", curves_csv(comparison).as_bytes())?;
    write("curves.svg", curves_svg(&evaluations).as_bytes())?;
    write("time.csv", time_csv(comparison).as_bytes())?;
    write("time.svg", curves_svg(&time).as_bytes())?;
    let page = Curves {
        title: format!("Strategies on {}", comparison.benchmark),
        about: format!(
            "Mean regret to the best network ({:.3}) over {} seeds, with 95 % intervals.",
            comparison.best, comparison.contest.seeds
        ),
        charts: vec![evaluations, time],
        tables: vec![strategies(comparison), pairs(comparison)],
    };
    write("comparison.html", curves_html(&page).as_bytes())
}

fn curves_csv(comparison: &Comparison) -> String {
    let mut text = "strategy,evaluations,mean_regret,low,high,mean_seconds\n".to_owned();
    for strategy in &comparison.strategies {
        for c in &strategy.curve {
            let name = &strategy.strategy;
            let _ =
                writeln!(text, "{name},{},{},{},{},{}", c.evaluations, c.regret, c.low, c.high, c.seconds);
        }
    }
    text
}

fn time_csv(comparison: &Comparison) -> String {
    let mut text = "strategy,seconds,mean_regret,low,high\n".to_owned();
    for strategy in &comparison.strategies {
        for m in &strategy.time {
            let _ = writeln!(text, "{},{},{},{},{}", strategy.strategy, m.seconds, m.regret, m.low, m.high);
        }
    }
    text
}

fn over_evaluations(comparison: &Comparison) -> CurvesChart {
    let points =
        |s: &Summary| s.curve.iter().map(|c| [c.evaluations as f64, c.regret, c.low, c.high]).collect();
    chart("evaluations", comparison, points)
}

fn over_time(comparison: &Comparison) -> CurvesChart {
    let points = |s: &Summary| s.time.iter().map(|m| [m.seconds, m.regret, m.low, m.high]).collect();
    chart("simulated seconds", comparison, points)
}

fn chart(x: &str, comparison: &Comparison, points: fn(&Summary) -> Vec<[f64; 4]>) -> CurvesChart {
    let series = |s: &Summary| CurveSeries { name: s.strategy.clone(), points: points(s) };
    CurvesChart {
        x: x.to_owned(),
        y: "regret".to_owned(),
        series: comparison.strategies.iter().map(series).collect(),
    }
}

/// A row for each strategy.
fn strategies(comparison: &Comparison) -> CurvesTable {
    let contest = &comparison.contest;
    let goals = contest.regrets.iter().map(|r| format!("evaluations to {r}"));
    let head =
        ["strategy", "regret", "95 % interval", "area", "against random %", "cached %"].map(str::to_owned);
    let row = |s: &Summary| {
        let last = s.curve.last();
        let end = |f: fn(&nasmyth_bench::Curve) -> f64| last.map_or(f64::NAN, f);
        let fixed = [
            s.strategy.clone(),
            format!("{:.4}", end(|c| c.regret)),
            format!("{:.4} to {:.4}", end(|c| c.low), end(|c| c.high)),
            format!("{:.4}", s.area),
            if s.improvement.is_nan() { "–".to_owned() } else { format!("{:.3}", s.improvement) },
            format!("{:.1}", 100.0 * s.cached),
        ];
        let until = s.until.iter().map(|n| n.map_or("–".to_owned(), |n| n.to_string()));
        fixed.into_iter().chain(until).collect()
    };
    CurvesTable {
        title: format!("After {} evaluations", contest.trials),
        head: head.into_iter().chain(goals).collect(),
        rows: comparison.strategies.iter().map(row).collect(),
    }
}

fn pairs(comparison: &Comparison) -> CurvesTable {
    let row = |p: &Pair| {
        vec![
            p.evaluations.to_string(),
            p.first.clone(),
            p.second.clone(),
            format!("{:.4}", p.difference),
            format!("{:.2e}", p.p),
            format!("{:.2e}", p.holm),
        ]
    };
    CurvesTable {
        title:
            "Pairs (Wilcoxon's signed-rank test, Holm's correction; a negative difference favours the first)"
                .to_owned(),
        head: ["evaluations", "first", "second", "difference of regrets", "p", "p after Holm"]
            .map(str::to_owned)
            .into(),
        rows: comparison.pairs.iter().map(row).collect(),
    }
}

/// The comparison as text for a terminal.
pub fn comparison_text(comparison: &Comparison) -> String {
    let mut text = format!("{}: best {:.4}\n\n", comparison.benchmark, comparison.best);
    for table in [strategies(comparison), pairs(comparison)] {
        text += &table_text(&table);
        text.push('\n');
    }
    for s in &comparison.strategies {
        let _ = writeln!(text, "{}: {:.1} ms for {} proposals", s.strategy, 1e3 * s.thinking, s.curve.len());
    }
    text
}

/// A table for a terminal.
pub(crate) fn table_text(table: &CurvesTable) -> String {
    let columns = || table.rows.iter().chain([&table.head]);
    let widths: Vec<usize> = (0..table.head.len())
        .map(|i| columns().filter_map(|r| Some(r.get(i)?.chars().count())).max().unwrap_or(0))
        .collect();
    let mut text = format!("{}\n", table.title);
    for row in [&table.head].into_iter().chain(&table.rows) {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(c, w)| format!("{c:w$}")).collect();
        let _ = writeln!(text, "  {}", cells.join("  ").trim_end());
    }
    text
}
