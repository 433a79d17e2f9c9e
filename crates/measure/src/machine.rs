//! Where and when: what a figure is worth nothing without.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The processor as the system names it, otherwise its architecture.
pub fn cpu_name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    named(&text).unwrap_or(std::env::consts::ARCH).to_owned()
}

/// x86 has `model name` for each core; boards with ARM have `Model` or `Hardware` at the end.
fn named(cpuinfo: &str) -> Option<&str> {
    let value = |key: &str| {
        let pairs = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        pairs.map(|(k, v)| (k.trim(), v.trim())).find(|(k, v)| *k == key && !v.is_empty()).map(|(_, v)| v)
    };
    ["model name", "Model", "Hardware"].into_iter().find_map(value)
}

/// The time now as `2026-01-31T23:59:59Z`.
pub fn utc() -> String {
    iso(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// Days are counted from 1 March of year 0, so that leap days come last (proleptic Gregorian calendar).
fn iso(since_1970: Duration) -> String {
    let (days, rest) = (since_1970.as_secs() / 86400 + 719_468, since_1970.as_secs() % 86400);
    let (era, day) = (days / 146_097, days % 146_097); // 400 years
    let year = (day - day / 1460 + day / 36524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153; // from March
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let (hours, minutes, seconds) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z", era * 400 + year + carry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_cross_leap_days_and_centuries() {
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
        ] {
            assert_eq!(iso(Duration::from_secs(seconds)), date);
        }
    }

    #[test]
    fn names_of_processors() {
        assert_eq!(named("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n"), Some("Some CPU @ 2 GHz"));
        assert_eq!(named("processor : 0\nBogoMIPS : 108\n\nModel : Some Board 4\n"), Some("Some Board 4"));
        assert_eq!(named("processor : 0\n"), None);
        assert!(!cpu_name().is_empty());
    }
}
