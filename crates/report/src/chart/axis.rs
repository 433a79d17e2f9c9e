//! Axes with round ticks, linear or logarithmic.

use crate::quantity::{plain, scale};

/// Ratio of largest to smallest value from which an axis is logarithmic.
const WIDE: f64 = 30.0;

/// A numeric axis.
pub(crate) struct Axis {
    label: String,
    low: f64,
    high: f64,
    log: bool,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// A linear axis over `values`, widened to whole ticks, whose ticks read as `show` says.
    pub(crate) fn linear(label: &str, values: &[f64], show: impl Fn(f64) -> String) -> Self {
        let (low, high) = bounds(values);
        let step = nice_step((high - low) / 5.0);
        let (low, high) = ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step);
        Self { label: label.to_owned(), low, high, log: false, ticks: ticks((low, high), step, show) }
    }

    /// A linear axis that ends a little beyond the outermost values.
    pub(crate) fn tight(label: &str, values: &[f64], show: impl Fn(f64) -> String) -> Self {
        let (low, high) = bounds(values);
        let room = 0.02 * (high - low);
        let step = nice_step((high - low) / 5.0);
        let inside = ((low / step - 1e-9).ceil() * step, (high / step + 1e-9).floor() * step);
        let ticks = ticks(inside, step, show);
        Self { label: label.to_owned(), low: low - room, high: high + room, log: false, ticks }
    }

    /// An axis for a cost in a readable unit: logarithmic where the values are wide apart.
    pub(crate) fn cost(name: &str, unit: &str, values: &[f64]) -> Self {
        let (low, high) = bounds(values);
        let scale = scale(high, unit);
        let label =
            if scale.suffix.is_empty() { name.to_owned() } else { format!("{name} ({})", scale.suffix) };
        let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
        if smallest > 0.0 && high / smallest > WIDE {
            return Self::logarithmic(&label, smallest, high, scale.divisor);
        }
        let scaled: Vec<f64> = if low < 0.0 || values.is_empty() { vec![low, high] } else { values.to_vec() };
        let scaled: Vec<f64> = scaled.iter().map(|v| v / scale.divisor).collect();
        let mut axis = Self::linear(&label, &scaled, plain);
        axis.low *= scale.divisor;
        axis.high *= scale.divisor;
        axis.ticks.iter_mut().for_each(|t| t.0 *= scale.divisor);
        axis
    }

    fn logarithmic(label: &str, low: f64, high: f64, divisor: f64) -> Self {
        let (from, to) = ((low / divisor).log10(), (high / divisor).log10());
        let room = 0.04 * (to - from);
        let (from, to) = (from - room, to + room);
        let decades = (from.floor() as i32..=to.ceil() as i32).map(|e| 10f64.powi(e));
        let steps: &[f64] = if to - from < 3.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let marks = decades.flat_map(|d| steps.iter().map(move |s| d * s));
        let inside = marks.filter(|v| (from..=to).contains(&v.log10()));
        let ticks = inside.map(|v| (v * divisor, plain(v))).collect();
        let (low, high) = (10f64.powf(from) * divisor, 10f64.powf(to) * divisor);
        Self { label: label.to_owned(), low, high, log: true, ticks }
    }

    /// Where a value lies: 0 at the low end, 1 at the high end.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let f = |v: f64| if self.log { v.max(f64::MIN_POSITIVE).ln() } else { v };
        (f(value) - f(self.low)) / (f(self.high) - f(self.low))
    }

    /// Positions and words of the ticks.
    pub(crate) fn ticks(&self) -> impl Iterator<Item = (f64, &str)> {
        self.ticks.iter().map(|(v, text)| (self.at(*v), text.as_str()))
    }

    /// What the axis shows.
    pub(crate) fn label(&self) -> String {
        if self.log { format!("{}, log scale", self.label) } else { self.label.clone() }
    }
}

/// Multiples of `step` from `low` to `high`.
fn ticks((low, high): (f64, f64), step: f64, show: impl Fn(f64) -> String) -> Vec<(f64, String)> {
    let count = ((high - low) / step).round().clamp(0.0, 20.0) as usize;
    let tick = |i: usize| low + i as f64 * step;
    (0..=count).map(tick).map(|v| if v.abs() < step * 1e-6 { 0.0 } else { v }).map(|v| (v, show(v))).collect()
}

/// Lowest and highest value, apart from each other.
fn bounds(values: &[f64]) -> (f64, f64) {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    match (low, high) {
        _ if low > high => (0.0, 1.0),
        _ if high - low > 1e-9 * high.abs().max(low.abs()) => (low, high),
        _ if low == 0.0 => (0.0, 1.0),
        _ => (low - 0.1 * low.abs(), high + 0.1 * high.abs()),
    }
}

/// The 1, 2 or 5 times a power of ten next above `raw`.
fn nice_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|s| s * power >= raw * 0.999);
    power * step.unwrap_or(10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(axis: &Axis) -> Vec<&str> {
        axis.ticks().map(|t| t.1).collect()
    }

    #[test]
    fn ticks_are_round_and_hold_the_values() {
        let axis = Axis::linear("", &[0.12, 0.97], plain);
        assert_eq!(words(&axis), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert!((axis.at(0.5) - 0.5).abs() < 1e-9);
        assert_eq!(
            words(&Axis::cost("", "B", &[10.0 * 1024.0, 50.0 * 1024.0])),
            ["10", "20", "30", "40", "50"]
        );
    }

    #[test]
    fn wide_costs_are_logarithmic_and_odd_ones_are_harmless() {
        let axis = Axis::cost("parameters", "", &[100.0, 1e6]);
        assert_eq!(
            (axis.label(), words(&axis)),
            ("parameters (M), log scale".to_owned(), vec!["0.0001", "0.001", "0.01", "0.1", "1"])
        );
        for values in [&[][..], &[0.0], &[5.0, 5.0], &[f64::NAN], &[1e-300], &[-3.0, 1e12], &[1e300, -1e300]]
        {
            let axis = Axis::cost("", "", values);
            assert!(
                axis.ticks().count() <= 21 && values.iter().all(|v| v.is_nan() || axis.at(*v).is_finite()),
                "{values:?}"
            );
        }
    }
}
