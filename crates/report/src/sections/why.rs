//! Where the costs of the network are, and what more or less of them buys.

use crate::escape::escape;
use crate::quantity::{metric, quantity};
use crate::{Cost, Report, Trial};

/// The change that people ask about.
const CHANGE: f64 = 0.1;

/// Networks of a front that a trend is read from.
const TREND: usize = 3;

pub(super) fn body(report: &Report) -> Option<String> {
    let parts: Vec<String> = [trades(report), layers(report)].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.concat())
}

/// What a cost buys around the network that was found.
struct Trade {
    /// Of the found network.
    cost: f64,
    /// The best value of a network that costs at least 10 % less.
    with_less: Option<f64>,
    /// What 10 % more would add if the trend of the front goes on.
    with_more: Option<f64>,
}

/// From trials at the highest effort.
fn trade(report: &Report, cost: &Cost) -> Option<Trade> {
    let best = report.best_trial()?;
    let at = best.cost(&cost.name).filter(|at| *at > 0.0)?;
    let point = |t: &Trial| Some((t.cost(&cost.name)?, t.finite_value()?));
    let points: Vec<(f64, f64)> = report.full_trials().filter_map(point).collect();
    let better = |a: f64, b: f64| report.metric.better(a, b);
    let cheaper = points.iter().filter(|(c, _)| *c <= (1.0 - CHANGE) * at).map(|(_, v)| *v);
    let with_less = cheaper.reduce(|a, b| if better(b, a) { b } else { a });
    Some(Trade {
        cost: at,
        with_less,
        with_more: trend(&front(points, better)).map(|slope| slope * (1.0 + CHANGE).ln()),
    })
}

/// From cheap to dear, each better than all that are cheaper.
fn front(mut points: Vec<(f64, f64)>, better: impl Fn(f64, f64) -> bool) -> Vec<(f64, f64)> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut front: Vec<(f64, f64)> = Vec::new();
    for (cost, value) in points.into_iter().filter(|(cost, _)| *cost > 0.0) {
        if front.last().is_none_or(|(_, last)| better(value, *last)) {
            match front.last_mut() {
                Some(last) if last.0 == cost => *last = (cost, value),
                _ => front.push((cost, value)),
            }
        }
    }
    front
}

/// Slope of the value over the logarithm of the cost, by least squares through the dearest networks of a front.
fn trend(front: &[(f64, f64)]) -> Option<f64> {
    let last = front.get(front.len().checked_sub(TREND)?..)?;
    let n = last.len() as f64;
    let (x, y) = last.iter().fold((0.0, 0.0), |(x, y), (c, v)| (x + c.ln() / n, y + v / n));
    let (xy, xx) = last.iter().fold((0.0, 0.0), |(xy, xx), (c, v)| {
        let dx = c.ln() - x;
        (xy + dx * (v - y), xx + dx * dx)
    });
    (xx > 0.0).then(|| xy / xx)
}

fn trades(report: &Report) -> Option<String> {
    let value = report.best_trial()?.finite_value()?;
    let percent = report.metric.percent;
    let difference = |d: f64| {
        let sign = if d < 0.0 { "−" } else { "+" };
        format!("{sign}{}", metric(d.abs(), percent))
    };
    let row = |cost: &Cost| {
        let trade = trade(report, cost)?;
        let less = trade.with_less.map_or_else(
            || "no such network was tried".to_owned(),
            |less| format!("{} ({})", metric(less, percent), difference(less - value)),
        );
        let more = trade.with_more.map_or_else(|| "not known".to_owned(), difference);
        let limit = report.limit(&cost.name).filter(|l| l.bound > 0.0);
        let limit =
            limit.map_or_else(|| "–".to_owned(), |l| format!("{:.0} %", 100.0 * trade.cost / l.bound));
        Some(format!(
            "<tr><td>{}</td><td class=\"num\">{}</td><td class=\"num\">{limit}</td><td>{less}</td><td>{more}</td></tr>",
            escape(&cost.name),
            quantity(trade.cost, &cost.unit)
        ))
    };
    let rows: String = report.costs.iter().filter_map(row).collect();
    (!rows.is_empty()).then(|| {
        format!(
            "<p>What the network costs, and what more or less of it would buy. Less is the best network of the search that costs at least 10 % \
             less. More is an estimate: the trend of the last {TREND} networks of the front, continued.</p>\
             <div class=\"scroll\"><table><thead><tr><th>cost</th><th class=\"num\">value</th><th class=\"num\">of its limit</th>\
             <th>best {0} with 10 % less</th><th>{0} that 10 % more would add</th></tr></thead><tbody>{rows}</tbody></table></div>",
            escape(&report.metric.name)
        )
    })
}

fn layers(report: &Report) -> Option<String> {
    let first = report.layers.first()?;
    let names: Vec<&String> = first.shares.keys().collect();
    let head: String = names.iter().map(|name| format!("<th class=\"num\">{}</th>", escape(name))).collect();
    let row = |layer: &crate::Layer| {
        let share = |name: &&String| {
            let share = layer.shares.get(*name).copied().unwrap_or(0.0);
            let bar = format!(
                "<div class=\"meter\"><i style=\"width:{:.1}%\"></i></div>",
                100.0 * share.clamp(0.0, 1.0)
            );
            format!("<td class=\"num\" data-v=\"{share}\">{:.1} %{bar}</td>", 100.0 * share)
        };
        let shares: String = names.iter().map(share).collect();
        format!(
            "<tr><td><code>{}</code></td><td>{}</td>{shares}</tr>",
            escape(&layer.name),
            escape(&layer.operator)
        )
    };
    let rows: String = report.layers.iter().map(row).collect();
    Some(format!(
        "<p>Where the costs are: the part of each layer. Latency is shared out by the model of the device.</p>\
         <div class=\"scroll tall\"><table class=\"sortable\"><thead><tr><th>layer</th><th>operator</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_front_rises_and_its_trend_goes_on() {
        let higher = |a: f64, b: f64| a > b;
        let e = std::f64::consts::E;
        let points = vec![(e * e, 0.7), (1.0, 0.5), (e, 0.6), (2.0, 0.4), (e * e, 0.65), (9.0, 0.1)];
        let front = front(points, higher);
        assert_eq!(front, [(1.0, 0.5), (e, 0.6), (e * e, 0.7)]);
        assert!((trend(&front).unwrap() - 0.1).abs() < 1e-12, "a tenth for each factor of e");
        assert_eq!(trend(&front[..2]), None);
    }
}
