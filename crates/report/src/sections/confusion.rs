//! Which class is taken for which.

use crate::escape::escape;
use crate::{Confusion, Report};
use std::fmt::Write;

const MOST_CLASSES: usize = 60; // beyond, the heat map is no picture any more
const NUMBERS: usize = 16;
const NAMES: usize = 40;

pub(super) fn body(report: &Report) -> Option<String> {
    let confusion = report.confusion.as_ref()?;
    let k = confusion.classes.len();
    let square = confusion.counts.len() == k && confusion.counts.iter().all(|row| row.len() == k);
    if k == 0 || !square {
        return None;
    }
    let map = if k <= MOST_CLASSES { heat_map(confusion) } else { String::new() };
    Some(format!("<div class=\"pair\">{map}{}</div>", recalls(confusion)))
}

fn heat_map(c: &Confusion) -> String {
    let k = c.classes.len();
    let size = (460.0 / k as f64).clamp(9.0, 44.0);
    let longest = c.classes.iter().map(|n| n.chars().count()).max().unwrap_or(0).min(16) as f64;
    let room = if k <= NAMES { 7.0 * longest + 34.0 } else { 30.0 };
    let whole = room + size * k as f64 + 6.0;
    let mut svg = format!(
        "<div class=\"scroll\"><svg class=\"heat\" viewBox=\"0 0 {whole:.0} {whole:.0}\" style=\"max-width:{whole:.0}px\" role=\"img\" aria-label=\"confusion matrix\">"
    );
    let middle = room + size * k as f64 / 2.0;
    let _ = write!(
        svg,
        "<text class=\"axis\" text-anchor=\"middle\" x=\"{middle:.0}\" y=\"12\">taken for</text><text class=\"axis\" text-anchor=\"middle\" transform=\"translate(12 {middle:.0}) rotate(-90)\">truth</text>"
    );
    for (i, row) in c.counts.iter().enumerate() {
        let at = room + size * (i as f64 + 0.5);
        if k <= NAMES {
            let name = escape(&super::shortened(&c.classes[i], 16));
            let _ = write!(
                svg,
                "<text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{name}</text><text class=\"tick\" transform=\"translate({:.1} {:.1}) rotate(-90)\">{name}</text>",
                room - 6.0,
                at + 4.0,
                at + 4.0,
                room - 6.0
            );
        }
        let total = row.iter().sum::<u64>().max(1) as f64;
        row.iter()
            .enumerate()
            .for_each(|(j, &count)| cell(&mut svg, c, (i, j), (count, total), (room, size)));
    }
    svg.push_str("</svg></div>");
    svg
}

fn cell(
    svg: &mut String,
    c: &Confusion,
    (i, j): (usize, usize),
    (count, total): (u64, f64),
    (room, size): (f64, f64),
) {
    let (x, y) = (room + size * j as f64, room + size * i as f64);
    let share = count as f64 / total;
    let class = if i == j { "hit" } else { "miss" };
    let opacity = if count == 0 { 0.0 } else { 0.06 + 0.94 * share.sqrt() };
    let words =
        format!("{} taken for {}\n{count} of {total} ({:.1} %)", c.classes[i], c.classes[j], 100.0 * share);
    let _ = write!(
        svg,
        "<rect class=\"cell {class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill-opacity=\"{opacity:.2}\" data-tip=\"{}\"/>",
        size - 1.0,
        size - 1.0,
        escape(&words)
    );
    if c.classes.len() <= NUMBERS && count > 0 {
        let dark = if opacity > 0.55 { " inverse" } else { "" };
        let _ = write!(
            svg,
            "<text class=\"count{dark}\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{count}</text>",
            x + (size - 1.0) / 2.0,
            y + size / 2.0 + 3.5
        );
    }
}

/// For each class how many were recognised, and what it is taken for most often.
fn recalls(c: &Confusion) -> String {
    let row = |(i, counts): (usize, &Vec<u64>)| {
        let total: u64 = counts.iter().sum();
        let predicted: u64 = c.counts.iter().map(|row| row[i]).sum();
        let share = |of: u64| if of == 0 { f64::NAN } else { counts[i] as f64 / of as f64 };
        let worst = counts
            .iter()
            .enumerate()
            .filter(|(j, n)| *j != i && **n > 0)
            .max_by_key(|(j, n)| (**n, usize::MAX - j));
        let worst = worst.map_or("–".to_owned(), |(j, n)| format!("{} ({n})", escape(&c.classes[j])));
        format!(
            "<tr><td>{}</td><td class=\"num\" data-v=\"{total}\">{total}</td>{}{}<td>{worst}</td></tr>",
            escape(&c.classes[i]),
            percent_cell(share(total), true),
            percent_cell(share(predicted), false)
        )
    };
    let rows: String = c.counts.iter().enumerate().map(row).collect();
    let head = "<tr><th>class</th><th class=\"num\">samples</th><th class=\"num\">recall</th><th class=\"num\">precision</th><th>most often taken for</th></tr>";
    format!(
        "<div class=\"scroll tall\"><table class=\"sortable\"><thead>{head}</thead><tbody>{rows}</tbody></table></div>"
    )
}

fn percent_cell(share: f64, bar: bool) -> String {
    if !share.is_finite() {
        return "<td class=\"num\" data-v=\"-1\">–</td>".to_owned();
    }
    let percent = 100.0 * share;
    let style = if bar { format!(" style=\"--share:{percent:.1}%\"") } else { String::new() };
    let class = if bar { "num bar" } else { "num" };
    format!("<td class=\"{class}\" data-v=\"{share:.5}\"{style}>{percent:.1} %</td>")
}
