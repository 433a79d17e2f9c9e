//! Rows of numbers and a target as one line each: `1 0 2 = -4.25`.

use serde::{Deserialize, Deserializer, Serializer, de::Error};
use std::fmt::Display;
use std::str::FromStr;

pub(super) fn serialize<T: Display, S: Serializer>(rows: &[(Vec<T>, f64)], to: S) -> Result<S::Ok, S::Error> {
    let line = |(numbers, target): &(Vec<T>, f64)| {
        let numbers: Vec<String> = numbers.iter().map(T::to_string).collect();
        format!("{} = {target}", numbers.join(" "))
    };
    to.collect_seq(rows.iter().map(line))
}

pub(super) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<(Vec<T>, f64)>, D::Error> {
    let lines = Vec::<String>::deserialize(from)?;
    let row = |line: &String| {
        let (numbers, target) = line.split_once('=')?;
        let numbers = numbers.split_whitespace().map(|word| word.parse().ok()).collect::<Option<Vec<T>>>()?;
        Some((numbers, target.trim().parse::<f64>().ok().filter(|t| t.is_finite())?))
    };
    let wrong =
        |line: &String| D::Error::custom(format!("expected a row such as `1 0 2 = -4.25`, got `{line}`"));
    lines.iter().map(|line| row(line).ok_or_else(|| wrong(line))).collect()
}
