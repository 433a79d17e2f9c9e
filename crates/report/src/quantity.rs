//! Numbers for people.

/// A unit of readable size: what to divide by and what to write behind.
pub(crate) struct Scale {
    pub(crate) divisor: f64,
    pub(crate) suffix: String,
}

/// The unit in which `value` reads best.
pub(crate) fn scale(value: f64, unit: &str) -> Scale {
    let (base, names): (f64, [&str; 5]) = match unit {
        "B" | "bytes" => (1024.0, ["B", "KiB", "MiB", "GiB", "TiB"]),
        "" => (1000.0, ["", "k", "M", "G", "T"]),
        "ns" => (1000.0, ["ns", "µs", "ms", "s", "ks"]),
        "nJ" => (1000.0, ["nJ", "µJ", "mJ", "J", "kJ"]),
        _ => return Scale { divisor: 1.0, suffix: unit.to_owned() },
    };
    let step = (0..4).take_while(|&i| value.abs() >= base.powi(i + 1)).count();
    Scale { divisor: base.powi(step as i32), suffix: names[step].to_owned() }
}

/// `98.2 k`, `1.25 MiB`, `3.4 ms`
pub(crate) fn quantity(value: f64, unit: &str) -> String {
    let scale = scale(value, unit);
    format!("{} {}", plain(value / scale.divisor), scale.suffix).trim_end().to_owned()
}

/// Three significant digits, without an exponent where that is readable.
pub(crate) fn plain(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if !value.is_finite() => "–".to_owned(),
        0.0 => "0".to_owned(),
        _ if !(1e-4..1e7).contains(&size) => format!("{value:.2e}"),
        _ => {
            let digits = (2 - size.log10().floor() as i32).clamp(0, 6) as usize;
            let text = format!("{value:.digits$}");
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text
            }
        }
    }
}

/// A metric's value: `87.3 %` or `0.0123`.
pub(crate) fn metric(value: f64, percent: bool) -> String {
    if percent && value.is_finite() { format!("{:.1} %", 100.0 * value) } else { plain(value) }
}

/// A metric's value on an axis, where round numbers stand: `85 %` or `0.02`.
pub(crate) fn metric_tick(value: f64, percent: bool) -> String {
    if percent { format!("{} %", plain(100.0 * value)) } else { plain(value) }
}

/// `+12.3 %`
pub(crate) fn signed_percent(value: f64) -> String {
    let sign = if value < 0.0 { "−" } else { "+" };
    if value.is_finite() { format!("{sign}{:.1} %", value.abs()) } else { format!("{sign}∞") }
}

/// `850 ms`, `12.3 s`, `4 min 10 s`, `2 h 5 min`
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match seconds {
        s if !s.is_finite() => "–".to_owned(),
        s if s < 1.0 => format!("{:.0} ms", 1e3 * s.max(0.0)),
        s if s < 60.0 => format!("{s:.1} s"),
        s if s < 3600.0 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [quantity(98_200.0, ""), quantity(1536.0, "B"), quantity(3.44, "ms")],
            ["98.2 k", "1.5 KiB", "3.44 ms"]
        );
        assert_eq!([quantity(2_340_000.0, "ns"), quantity(750.0, "nJ")], ["2.34 ms", "750 nJ"]);
        assert_eq!(
            [plain(1200.0), plain(0.05), plain(-0.000_01), plain(f64::NAN)],
            ["1200", "0.05", "-1.00e-5", "–"]
        );
        assert_eq!(
            [duration(0.85), duration(250.0), duration(7500.0)],
            ["850 ms", "4 min 10 s", "2 h 5 min"]
        );
        assert_eq!([metric(0.8734, true), signed_percent(-2.0)], ["87.3 %", "−2.0 %"]);
    }
}
