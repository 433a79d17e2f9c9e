//! Durations as people write them.

use std::time::Duration;

/// Longer than this is a slip, and more than clocks can hold is not far.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86400);

/// Reads `90`, `90s`, `10m`, `1h30m`, `2d`, `50ms`.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(nasmyth::parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
/// assert!(nasmyth::parse_duration("soon").is_err());
/// ```
///
/// # Errors
/// What was expected.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("expected a time such as 90s, 10m or 1h30m, got `{text}`");
    let mut seconds = 0f64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => 1e-3,
            "" | "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return Err(wrong()),
        };
        seconds += number * unit;
        rest = &rest[letters..];
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|d| !d.is_zero() && *d <= LONGEST).ok_or_else(wrong)
}

/// The shortest text that [`parse_duration`] reads back (to the millisecond).
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(nasmyth::format_duration(Duration::from_secs(600)), "10m");
/// ```
pub fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (duration.subsec_millis(), seconds) {
        (0, s) if s % 3600 == 0 && s > 0 => format!("{}h", s / 3600),
        (0, s) if s % 60 == 0 && s > 0 => format!("{}m", s / 60),
        (0, s) => format!("{s}s"),
        (ms, s) => format!("{s}.{ms:03}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_refuses_the_rest() {
        for (text, seconds) in [
            ("90", 90.0),
            ("10m", 600.0),
            ("1h30m", 5400.0),
            ("1.5s", 1.5),
            ("1s50ms", 1.05),
            ("2 d", f64::NAN),
        ] {
            match parse_duration(text) {
                Ok(d) => {
                    assert_eq!(d.as_secs_f64(), seconds);
                    assert_eq!(parse_duration(&format_duration(d)), Ok(d));
                }
                Err(_) => assert!(seconds.is_nan(), "{text}"),
            }
        }
        for wrong in ["", "m", "10x", "-5m", "0s", "1e400s", "10m m", "٣m", "40000d", "1e9d"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
