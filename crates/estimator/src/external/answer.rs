//! The line that a program answers with.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What the line says.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    /// A finite value and metrics.
    Value(f64, BTreeMap<String, f64>),
    /// The program says that this network failed.
    Error(String),
    /// Not an answer, and why.
    Nonsense(String),
}

const EXPECTED: &str = r#"expected {"value": NUMBER} or {"error": "TEXT"}"#;

impl Answer {
    /// Reads the answer to this trial.
    pub(super) fn parse(line: &str, trial: u64) -> Self {
        let object: Map<String, Value> = match serde_json::from_str(line) {
            Ok(object) => object,
            Err(error) => {
                return Self::Nonsense(format!(
                    "the program answered no valid JSON ({error}); {EXPECTED}; got {}",
                    short(line)
                ));
            }
        };
        if let Some(other) = object.get("trial").filter(|other| other.as_u64() != Some(trial)) {
            return Self::Nonsense(format!(
                "the program answered for trial {other} when asked for trial {trial}"
            ));
        }
        match (object.get("error"), object.get("value").map(Value::as_f64)) {
            (Some(Value::String(reason)), _) => Self::Error(reason.clone()),
            (Some(reason), _) if !reason.is_null() => Self::Error(reason.to_string()),
            (_, Some(Some(value))) if value.is_finite() => Self::Value(value, metrics(&object)),
            _ => Self::Nonsense(format!("{EXPECTED}; got {}", short(line))),
        }
    }
}

/// Metrics that are numbers; others cannot be compared or drawn.
fn metrics(object: &Map<String, Value>) -> BTreeMap<String, f64> {
    let metrics = object.get("metrics").and_then(Value::as_object);
    let number = |(name, value): (&String, &Value)| value.as_f64().map(|value| (name.clone(), value));
    metrics.into_iter().flatten().filter_map(number).collect()
}

fn short(line: &str) -> String {
    let line = line.trim();
    match line.char_indices().nth(200) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_values_errors_and_nonsense() {
        let metrics = BTreeMap::from([("loss".to_owned(), 2.0)]);
        let line = r#"{"value": 1, "metrics": {"loss": 2, "note": "x"}, "trial": 4}"#;
        assert_eq!(Answer::parse(line, 4), Answer::Value(1.0, metrics));
        assert_eq!(Answer::parse(r#"{"error": "bad"}"#, 0), Answer::Error("bad".to_owned()));
        for line in
            [r#"{"value": NaN}"#, r#"{"value": "1"}"#, r#"{"accuracy": 1}"#, "{", r#"{"value":1,"trial":5}"#]
        {
            assert!(matches!(Answer::parse(line, 4), Answer::Nonsense(_)), "{line}");
        }
    }
}
