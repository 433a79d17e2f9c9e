//! Comparisons of strategies, as files and for people.

use crate::RunFolder;
use anyhow::Result;
use nasmyth_bench::{Comparison, Pair, Summary};
use nasmyth_report::{CurveSeries, Curves, CurvesTable, curves_html, curves_svg};
use std::fmt::Write;
use std::path::Path;

/// Writes `comparison.json`, `curves.csv`, `curves.svg` and `comparison.html` into a folder. The same comparison gives the same bytes.
///
/// # Errors
/// Files that cannot be written.
pub fn write_comparison(folder: &Path, comparison: &Comparison) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let curves = curves(comparison);
    let write = |name: &str, bytes: &[u8]| RunFolder::write(&folder.join(name), bytes);
    write("comparison.json", &serde_json::to_vec_pretty(comparison)?)?;
    write("curves.csv", csv(comparison).as_bytes())?;
    write("curves.svg", curves_svg(&curves).as_bytes())?;
    write("comparison.html", curves_html(&curves).as_bytes())
}

fn csv(comparison: &Comparison) -> String {
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

fn curves(comparison: &Comparison) -> Curves {
    let series = |s: &Summary| CurveSeries {
        name: s.strategy.clone(),
        points: s.curve.iter().map(|c| [c.evaluations as f64, c.regret, c.low, c.high]).collect(),
    };
    let contest = &comparison.contest;
    Curves {
        title: format!("Strategies on {}", comparison.benchmark),
        about: format!(
            "Mean regret to the best network ({:.3}) over {} seeds, with 95 % intervals.",
            comparison.best, contest.seeds
        ),
        x: "evaluations".to_owned(),
        y: "regret".to_owned(),
        series: comparison.strategies.iter().map(series).collect(),
        tables: vec![strategies(comparison), pairs(comparison)],
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
        let columns = || table.rows.iter().chain([&table.head]);
        let widths: Vec<usize> = (0..table.head.len())
            .map(|i| columns().filter_map(|r| Some(r.get(i)?.chars().count())).max().unwrap_or(0))
            .collect();
        let _ = writeln!(text, "{}", table.title);
        for row in [&table.head].into_iter().chain(&table.rows) {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(c, w)| format!("{c:w$}")).collect();
            let _ = writeln!(text, "  {}", cells.join("  ").trim_end());
        }
        text.push('\n');
    }
    for s in &comparison.strategies {
        let _ = writeln!(text, "{}: {:.1} ms for {} proposals", s.strategy, 1e3 * s.thinking, s.curve.len());
    }
    text
}
