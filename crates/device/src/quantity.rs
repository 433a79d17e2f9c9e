//! Numbers with a size: `100k`, `1.5M`, `256KiB`.

use crate::Unit;

/// Suffixes and their factors; longer ones first, so that `Ki` is not read as `K`.
const FACTORS: [(&str, u64); 7] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("k", 1_000),
    ("K", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
];

/// Reads a whole number with an optional decimal (`k M G`) or binary (`Ki Mi Gi`) suffix and, for bytes, an optional
/// `B`. A decimal fraction is allowed before a suffix and rounded down.
///
/// # Errors
/// What was expected.
pub fn parse_quantity(text: &str, unit: Unit) -> Result<u64, String> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (digits, suffix) = (text[..end].replace('_', ""), text[end..].trim());
    let factor = factor_of(suffix, unit)?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    if whole.is_empty() || fraction.contains('.') {
        return Err("a number such as 100k, 1.5M or 256KiB".to_owned());
    }
    if !fraction.is_empty() && factor == 1 {
        return Err("a whole number, or a fraction with a suffix such as 1.5M".to_owned());
    }
    scaled(whole, fraction, factor)
        .ok_or_else(|| format!("a number below {}, with at most 18 decimals", u64::MAX))
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

fn factor_of(suffix: &str, unit: Unit) -> Result<u64, String> {
    let size = match (suffix.strip_suffix(['B', 'b']), unit) {
        (Some(_), Unit::Count) => {
            return Err("a plain number: this cost is a count, not bytes, so leave out the `B`".to_owned());
        }
        (Some(size), Unit::Bytes) => size,
        (None, _) => suffix,
    };
    if size.is_empty() {
        return Ok(1);
    }
    let known = FACTORS.iter().find(|(name, _)| *name == size);
    known.map(|(_, factor)| *factor).ok_or_else(|| "one of the suffixes k, M, G, Ki, Mi, Gi".to_owned())
}

/// Writes the number with the largest suffix that loses nothing; [`parse_quantity`] reads it back.
pub fn format_quantity(value: u64, unit: Unit) -> String {
    let (factors, end): (&[_], _) = match unit {
        Unit::Count => (&["G", "M", "k"], ""),
        Unit::Bytes => (&["Gi", "Mi", "Ki", "G", "M", "k"], "B"),
    };
    let fits =
        |name: &&&str| value > 0 && FACTORS.iter().any(|(n, f)| n == *name && value.is_multiple_of(*f));
    match factors.iter().find(fits) {
        Some(name) => {
            let factor = FACTORS.iter().find(|(n, _)| n == name).map_or(1, |(_, f)| *f);
            format!("{}{name}{end}", value / factor)
        }
        None => format!("{value}{end}"),
    }
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
}
