//! How the probabilities of a differentiable search moved, and when its choices were decided.

use crate::escape::escape;
use crate::quantity::metric;
use crate::report::{Relaxed, RelaxedChoice};
use crate::{Metric, Report};
use std::fmt::Write;

/// Choices that are drawn: those that became the surest.
const DRAWN: usize = 24;
const WIDTH: f64 = 150.0;
const HEIGHT: f64 = 56.0;

pub(super) fn body(report: &Report) -> Option<String> {
    let relaxed = report.relaxed.as_ref()?;
    let mut choices: Vec<&RelaxedChoice> =
        relaxed.choices.iter().filter(|c| !c.probabilities.is_empty()).collect();
    choices.sort_by(|a, b| surest(b).1.total_cmp(&surest(a).1));
    let charts: String = choices.iter().take(DRAWN).map(|c| area(c)).collect();
    let rows: String = choices.iter().map(|c| row(c)).collect();
    Some(format!(
        "<p>{}</p><p>Each area is the probability of one option over the epochs of the super-network's training, the first option at the foot.</p>\
         <div class=\"multiples\">{charts}</div>\
         <details><summary>All {} choices</summary><div class=\"scroll\"><table class=\"sortable\"><thead><tr><th>choice</th><th>option</th>\
         <th class=\"num\">probability</th><th>decided</th></tr></thead><tbody>{rows}</tbody></table></div></details>",
        words(relaxed, &report.metric),
        choices.len()
    ))
}

fn words(relaxed: &Relaxed, metric_of: &Metric) -> String {
    let [whole, decided] = relaxed.accuracy.map(|a| metric(a, metric_of.percent));
    let mut text = format!(
        "{} trained one super-network: {} {whole} on the validation part, {decided} for the decided network with its weights.",
        escape(&relaxed.method),
        escape(&metric_of.name)
    );
    if relaxed.given_up {
        text += " It was ended early because it collapses.";
    }
    for warning in &relaxed.warnings {
        let _ = write!(text, " <strong>{}</strong>.", escape(warning));
    }
    text
}

/// The option that is decided or most probable, and its probability at the end.
fn surest(choice: &RelaxedChoice) -> (usize, f64) {
    let last = choice.probabilities.last().map_or(&[][..], Vec::as_slice);
    let best = (0..last.len()).fold(0, |best, o| if last[o] > last[best] { o } else { best });
    let option = choice.decided.map_or(best, |(option, _)| option);
    (option, last.get(option).copied().unwrap_or(0.0))
}

/// A stacked area.
fn area(choice: &RelaxedChoice) -> String {
    let epochs = choice.probabilities.len();
    let x = |epoch: usize| WIDTH * epoch as f64 / epochs.saturating_sub(1).max(1) as f64;
    let mut below = vec![0.0; epochs];
    let mut layers = String::new();
    for (option, name) in choice.options.iter().enumerate() {
        let own = |epoch: usize| {
            let p = &choice.probabilities[epoch];
            let total: f64 = p.iter().sum(); // gates do not add up to 1
            p.get(option).map_or(0.0, |p| p / total.max(f64::MIN_POSITIVE))
        };
        let above: Vec<f64> = (0..epochs).map(|e| below[e] + own(e)).collect();
        let y = |share: f64| HEIGHT * (1.0 - share.clamp(0.0, 1.0));
        let forth = above.iter().enumerate().map(|(e, &share)| (x(e), y(share)));
        let back = below.iter().enumerate().rev().map(|(e, &share)| (x(e), y(share)));
        let points: String = forth.chain(back).map(|(x, y)| format!("{x:.1},{y:.1} ")).collect();
        let hue = 360 * option / choice.options.len().max(1);
        let _ = write!(
            layers,
            "<polygon points=\"{}\" fill=\"hsl({hue} 55% 60%)\"><title>{}</title></polygon>",
            points.trim_end(),
            escape(name)
        );
        below = above;
    }
    let (option, _) = surest(choice);
    let chosen = choice.options.get(option).map_or("", String::as_str);
    format!(
        "<figure><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{0}\">{layers}</svg>\
         <figcaption>{0}: {1}</figcaption></figure>",
        escape(&choice.name),
        escape(chosen)
    )
}

fn row(choice: &RelaxedChoice) -> String {
    let (option, p) = surest(choice);
    let when = choice.decided.map_or("drawn".to_owned(), |(_, epoch)| format!("after epoch {epoch}"));
    format!(
        "<tr><td><code>{}</code></td><td>{}</td><td class=\"num\" data-v=\"{p}\">{p:.3}</td><td>{when}</td></tr>",
        escape(&choice.name),
        escape(choice.options.get(option).map_or("", String::as_str))
    )
}
