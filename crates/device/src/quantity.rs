//! Numbers with a size: `100k`, `1.5M`, `256KiB`, `2.5ms`, `3mJ`.

use crate::Unit;

/// Suffixes of sizes and their factors; longer ones first, so that `Ki` is not read as `K`.
const SIZES: [(&str, u64); 7] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("k", 1_000),
    ("K", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
];

/// Units of time and of energy, and what they are in billionths; the largest first.
const SECONDS: [(&str, u64); 4] = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];
const JOULES: [(&str, u64); 4] = [("J", 1_000_000_000), ("mJ", 1_000_000), ("uJ", 1_000), ("nJ", 1)];

/// Reads a whole number: sizes with an optional decimal (`k M G`) or binary (`Ki Mi Gi`) suffix and, for bytes, an optional `B`; times
/// and energies with their unit (`s ms us ns`, `J mJ uJ nJ`). A decimal fraction is allowed before a suffix and rounded down.
///
/// # Errors
/// What was expected.
pub fn parse_quantity(text: &str, unit: Unit) -> Result<u64, String> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (digits, suffix) = (text[..end].replace('_', ""), text[end..].trim());
    let example = match unit {
        Unit::Count | Unit::Bytes => "100k, 1.5M or 256KiB",
        Unit::Nanoseconds => "2ms or 350us",
        Unit::Nanojoules => "5mJ or 0.2J",
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    if whole.is_empty() || fraction.contains('.') {
        return Err(format!("a number such as {example}"));
    }
    let factor = match unit {
        Unit::Count | Unit::Bytes => size_factor(suffix, unit)?,
        Unit::Nanoseconds => unit_factor(suffix, &SECONDS)?,
        Unit::Nanojoules => unit_factor(suffix, &JOULES)?,
    };
    if !fraction.is_empty() && factor == 1 {
        return Err(format!("a whole number, or a fraction with a suffix such as {example}"));
    }
    scaled(whole, fraction, factor)
        .ok_or_else(|| format!("a number below {}, with at most 18 decimals", u64::MAX))
}

/// Without a unit, nobody knows what a time is.
fn unit_factor(suffix: &str, units: &[(&str, u64)]) -> Result<u64, String> {
    let suffix = suffix.replace(['µ', 'μ'], "u");
    let known = units.iter().find(|(name, _)| *name == suffix);
    known.map(|(_, factor)| *factor).ok_or_else(|| {
        let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
        format!("a number with one of the units {}", names.join(", "))
    })
}

fn scaled(whole: &str, fraction: &str, factor: u64) -> Option<u64> {
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    if fraction.is_empty() {
        return Some(whole);
    }
    let scale = 10u128.checked_pow(u32::try_from(fraction.len()).ok()?).filter(|s| *s <= 10u128.pow(18))?;
    let part = fraction.parse::<u128>().ok()? * u128::from(factor) / scale;
    whole.checked_add(u64::try_from(part).ok()?)
}

fn size_factor(suffix: &str, unit: Unit) -> Result<u64, String> {
    let size = match (suffix.strip_suffix(['B', 'b']), unit) {
        (Some(_), Unit::Count) => {
            return Err("a plain number: this cost is a count, not bytes, so leave out the `B`".to_owned());
        }
        (Some(size), _) => size,
        (None, _) => suffix,
    };
    if size.is_empty() {
        return Ok(1);
    }
    let known = SIZES.iter().find(|(name, _)| *name == size);
    known.map(|(_, factor)| *factor).ok_or_else(|| "one of the suffixes k, M, G, Ki, Mi, Gi".to_owned())
}

/// Writes the number with the largest suffix that loses nothing; [`parse_quantity`] reads it back.
pub fn format_quantity(value: u64, unit: Unit) -> String {
    let (factors, end): (&[_], _) = match unit {
        Unit::Count => (&["G", "M", "k"], ""),
        Unit::Bytes => (&["Gi", "Mi", "Ki", "G", "M", "k"], "B"),
        Unit::Nanoseconds => return with_unit(value, &SECONDS),
        Unit::Nanojoules => return with_unit(value, &JOULES),
    };
    let fits = |name: &&&str| value > 0 && SIZES.iter().any(|(n, f)| n == *name && value.is_multiple_of(*f));
    match factors.iter().find(fits) {
        Some(name) => {
            let factor = SIZES.iter().find(|(n, _)| n == name).map_or(1, |(_, f)| *f);
            format!("{}{name}{end}", value / factor)
        }
        None => format!("{value}{end}"),
    }
}

/// `1.25ms`: in the largest unit that leaves a digit before the point.
fn with_unit(value: u64, units: &[(&str, u64)]) -> String {
    let Some((name, factor)) = units.iter().find(|(_, factor)| value >= *factor).or(units.last()) else {
        return value.to_string();
    };
    let decimals = format!("{:0width$}", value % factor, width = factor.ilog10() as usize);
    let decimals = if *factor == 1 { "" } else { decimals.trim_end_matches('0') };
    let point = if decimals.is_empty() { "" } else { "." };
    format!("{}{point}{decimals}{name}", value / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_decimal_and_binary_sizes() {
        for (text, value) in [
            ("7", 7),
            ("100k", 100_000),
            ("1.5M", 1_500_000),
            ("256KiB", 262_144),
            ("0.5Ki", 512),
            ("1 GB", 1_000_000_000),
        ] {
            assert_eq!(parse_quantity(text, Unit::Bytes), Ok(value), "{text}");
        }
        for text in ["", "k", "1.2", "1..2k", "3q", "99999999999G", "-1", "1.0000000000000000000001k"] {
            assert!(parse_quantity(text, Unit::Bytes).is_err(), "{text}");
        }
        assert!(parse_quantity("3kB", Unit::Count).is_err());
    }

    #[test]
    fn times_and_energies_have_units() {
        for (text, value) in
            [("2ms", 2_000_000), ("350 us", 350_000), ("1.25µs", 1_250), ("0.5s", 500_000_000), ("7ns", 7)]
        {
            assert_eq!(parse_quantity(text, Unit::Nanoseconds), Ok(value), "{text}");
        }
        assert_eq!(parse_quantity("1.5mJ", Unit::Nanojoules), Ok(1_500_000));
        for text in ["2", "2mJ", "ms", "1.5ns", "2m", ""] {
            assert!(parse_quantity(text, Unit::Nanoseconds).is_err(), "{text}");
        }
        for (value, text) in
            [(2_000_000, "2ms"), (1_250, "1.25us"), (1_000_001, "1.000001ms"), (999, "999ns"), (0, "0ns")]
        {
            assert_eq!(format_quantity(value, Unit::Nanoseconds), text);
        }
    }
}
