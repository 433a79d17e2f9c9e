//! The found network against the random ones: what the search added to a good space.

use crate::chart::{Axis, Chart};
use crate::escape::escape;
use crate::quantity::{metric, metric_tick, plain, signed_percent};
use crate::{Improvement, NoImprovement, Report, Trial, improvement};

pub(super) fn body(report: &Report) -> Option<String> {
    Some(match improvement(report) {
        Ok((i, found)) => {
            format!("{}{}{}", headline(&i), explanation(report, &i, found), strip(report, &i, found))
        }
        Err(why) => format!("<p>{}</p>", absent(why)),
    })
}

fn headline(i: &Improvement) -> String {
    let interval = i.interval.map_or_else(String::new, |(low, high)| {
        format!(
            " <span class=\"soft\">(95 % interval {} to {})</span>",
            signed_percent(low),
            signed_percent(high)
        )
    });
    let verdict = match (i.may_be_nothing(), i.percent > 0.0, i.interval) {
        (true, _, None) => {
            "<span class=\"bad\">One random network is no basis for an interval: no gain is shown.</span>"
        }
        (true, ..) => {
            "<span class=\"bad\">The interval includes 0: this run does not show that the search beat chance.</span>"
        }
        (_, true, _) => "<span class=\"good\">The search beat the average random network.</span>",
        _ => "<span class=\"bad\">The found network is worse than the average random one.</span>",
    };
    format!(
        "<p class=\"answer\"><strong>{}</strong> over the average random network{interval}</p><p>{verdict}</p>",
        signed_percent(i.percent)
    )
}

fn explanation(report: &Report, i: &Improvement, found: &Trial) -> String {
    let show = |v| metric(v, report.metric.percent);
    let beaten = if report.metric.better(i.found, i.best_random) { "better" } else { "no better" };
    let at = if found.epochs > 0.0 {
        format!(", all after {} epochs", plain(found.epochs))
    } else {
        String::new()
    };
    format!(
        "<p class=\"soft\">Relative improvement RI = (found − mean) / mean, signed so that + is better. Found network: {}; mean of n = {} random networks of this run: {}{at}. \
         The found network is {beaten} than the best of those {} alone ({}). It was chosen as the best of many on these same values, which flatters it a little; the interval covers the chance in the random networks only.</p>",
        show(i.found),
        i.n,
        show(i.mean),
        i.n,
        show(i.best_random)
    )
}

/// Random networks as dots on a line, with their mean and the found network.
fn strip(report: &Report, i: &Improvement, found: &Trial) -> String {
    let random: Vec<_> = report
        .trials
        .iter()
        .filter(|t| t.origin == "random" && (t.rung, t.epochs) == (found.rung, found.epochs))
        .collect();
    let values: Vec<f64> = random.iter().filter_map(|t| t.finite_value()).collect();
    let all: Vec<f64> = values.iter().copied().chain([i.found]).collect();
    let highest = bins(&all, &values).iter().map(|b| b.2).max().unwrap_or(1) as f64;
    let x = Axis::linear(&report.metric.name, &all, |v| metric_tick(v, report.metric.percent));
    let mut chart = Chart::new(x, Axis::linear("random networks", &[0.0, 1.25 * highest.max(2.0)], plain));
    for (from, to, count) in bins(&all, &values).into_iter().filter(|b| b.2 > 0) {
        let show = |v| metric(v, report.metric.percent);
        let words = format!("{count} random networks between {} and {}", show(from), show(to));
        chart.bar((from, to), count as f64, "random", &words);
    }
    chart.wall(i.mean, "mean", "mean of random", true);
    chart.wall(i.found, "found", "found", true);
    let words = format!("values of {} random networks and of the found one", i.n);
    format!(
        "<figure class=\"single\">{}<figcaption>{}</figcaption></figure>",
        chart.svg(&words),
        escape(&words)
    )
}

/// Twenty equal ranges over `all`, with how many `values` each holds.
fn bins(all: &[f64], values: &[f64]) -> Vec<(f64, f64, usize)> {
    super::residuals::histogram(all, values, 20)
}

fn absent(why: NoImprovement) -> &'static str {
    match why {
        NoImprovement::NothingFound => {
            "No network was found, so there is nothing to compare with random ones."
        }
        NoImprovement::NoRandomTrials => {
            "No trial of this run was drawn at random, so it cannot say whether the search beat chance."
        }
        NoImprovement::NoCommonFidelity => {
            "No random network was trained as long as the found one, so the two cannot be compared fairly."
        }
        NoImprovement::ZeroMean => {
            "The mean of the random networks is not positive, so a relative improvement has no meaning."
        }
    }
}
