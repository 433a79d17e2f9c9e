//! Labels as they come from a source, and the task that they imply.

use crate::error::DataError;
use crate::features::{Task, TaskKind};
use std::collections::HashMap;
use std::path::Path;

/// Most distinct label texts that are remembered; more than that is no classification.
const MAX_CLASSES: usize = 1 << 16;
const NONE: u32 = u32::MAX;

/// One label of the source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Label<'a> {
    /// There is none.
    None,
    /// A number, be it a class or a quantity.
    Number(f64),
    /// A text, which may read as a number.
    Text(&'a str),
}

/// The labels of all samples: distinct texts with a code for each sample, and numbers while all are numbers.
pub struct Labels {
    target: String,
    /// The format's own knowledge of the task; `None` lets the values decide.
    pub(crate) kind: Option<TaskKind>,
    /// Up to this many distinct whole numbers count as classes when the values decide.
    pub(crate) few: usize,
    codes: Vec<u32>,
    names: Vec<String>,
    index: HashMap<String, u32>,
    numbers: Vec<f64>,
    text: Option<(u64, String)>,
    overflow: bool,
}

impl Labels {
    /// No labels yet; `target` names what they are, `kind` is what the format knows of the task.
    pub fn new(target: &str, kind: Option<TaskKind>) -> Self {
        Self {
            target: target.into(),
            kind,
            few: 20,
            codes: Vec::new(),
            names: Vec::new(),
            index: HashMap::new(),
            numbers: Vec::new(),
            text: None,
            overflow: false,
        }
    }

    /// Number of labels so far, absent ones included.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Adds the label of the next sample. A number that is not finite is for the caller to refuse.
    pub fn push(&mut self, label: Label<'_>) {
        match label {
            Label::None => self.add(NONE, f64::NAN),
            Label::Number(value) => {
                let code = self.intern(&plain(value));
                self.add(code, value);
            }
            Label::Text(text) => {
                let (code, number) = (self.intern(text), text.parse().ok().filter(|v: &f64| v.is_finite()));
                if number.is_none() && self.text.is_none() {
                    self.text = Some((self.codes.len() as u64 + 1, text.into()));
                }
                self.add(code, number.unwrap_or(f64::NAN));
            }
        }
    }

    fn add(&mut self, code: u32, number: f64) {
        self.codes.push(code);
        self.numbers.push(number);
    }

    fn intern(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.index.get(text) {
            return code;
        }
        if self.names.len() >= MAX_CLASSES {
            self.overflow = true;
            return NONE - 1;
        }
        let code = self.names.len() as u32;
        self.names.push(text.into());
        self.index.insert(text.into(), code);
        code
    }

    fn is_numeric(&self) -> bool {
        self.text.is_none()
    }

    /// The kind of task that the values imply: text and few whole numbers are classes.
    fn implied(&self) -> TaskKind {
        let whole = || self.numbers.iter().all(|v| v.is_nan() || v.fract() == 0.0);
        let classes = || self.canonical().1.len();
        if !self.is_numeric() || (!self.overflow && whole() && classes() <= self.few) {
            TaskKind::Classification
        } else {
            TaskKind::Regression
        }
    }

    /// For each interned name its class, and the sorted class names. Numbers that are equal are one class.
    fn canonical(&self) -> (Vec<usize>, Vec<String>) {
        let numeric = self.is_numeric();
        let name = |raw: &String| match raw.parse::<f64>() {
            Ok(value) if numeric => plain(value),
            _ => raw.clone(),
        };
        let names: Vec<String> = self.names.iter().map(name).collect();
        let mut classes = names.clone();
        if numeric {
            classes.sort_by(|a, b| number(a).total_cmp(&number(b)));
        } else {
            classes.sort_unstable();
        }
        classes.dedup();
        let position: HashMap<&str, usize> =
            classes.iter().enumerate().map(|(i, c)| (c.as_str(), i)).collect();
        (names.iter().map(|n| position[n.as_str()]).collect(), classes)
    }

    /// The task and one value for each sample: class index or quantity. `wanted` overrides what is detected.
    pub(crate) fn resolve(
        self,
        wanted: Option<TaskKind>,
        path: &Path,
    ) -> Result<(Task, Vec<f32>), DataError> {
        if let Some(row) = self.codes.iter().position(|&code| code == NONE) {
            return Err(DataError::NoLabel { path: path.into(), row: row as u64 + 1 });
        }
        match wanted.or(self.kind).unwrap_or_else(|| self.implied()) {
            TaskKind::Classification => self.classification(path),
            TaskKind::Regression => self.regression(path),
        }
    }

    fn classification(self, path: &Path) -> Result<(Task, Vec<f32>), DataError> {
        if self.overflow {
            let (what, limit) = ("the number of classes".into(), MAX_CLASSES as u64);
            return Err(DataError::TooLarge { path: path.into(), what, got: limit + 1, limit });
        }
        let (of_name, classes) = self.canonical();
        if classes.len() < 2 {
            return Err(DataError::OneClass { path: path.into(), class: classes.join("") });
        }
        let values = self.codes.iter().map(|&code| of_name[code as usize] as f32).collect();
        Ok((Task::Classification { classes }, values))
    }

    fn regression(self, path: &Path) -> Result<(Task, Vec<f32>), DataError> {
        if let Some((row, label)) = self.text {
            return Err(DataError::TextTarget { path: path.into(), row, label });
        }
        let values = self.numbers.iter().map(|&v| v as f32).collect();
        Ok((Task::Regression { target: self.target }, values))
    }

    /// One value for each sample by an earlier task, NaN where there is no label.
    pub(crate) fn resolve_like(&self, task: &Task, path: &Path) -> Result<Vec<f32>, DataError> {
        match task {
            Task::Classification { classes } => self.known_classes(classes, path),
            Task::Regression { .. } => match &self.text {
                Some((row, label)) => {
                    Err(DataError::TextTarget { path: path.into(), row: *row, label: label.clone() })
                }
                None => Ok(self.numbers.iter().map(|&v| v as f32).collect()),
            },
        }
    }

    fn known_classes(&self, classes: &[String], path: &Path) -> Result<Vec<f32>, DataError> {
        let position = |raw: &String| {
            let canonical = raw.parse::<f64>().map(plain);
            classes.iter().position(|c| c == raw || canonical.as_ref() == Ok(c))
        };
        let of_name: Vec<Option<usize>> = self.names.iter().map(position).collect();
        let value = |(i, &code): (usize, &u32)| match code {
            NONE => Ok(f32::NAN),
            code => match of_name.get(code as usize).copied().flatten() {
                Some(class) => Ok(class as f32),
                None => Err(self.unseen(i, code, classes, path)),
            },
        };
        self.codes.iter().enumerate().map(value).collect()
    }

    fn unseen(&self, i: usize, code: u32, classes: &[String], path: &Path) -> DataError {
        let label = self.names.get(code as usize).cloned().unwrap_or_default();
        DataError::UnseenLabel { path: path.into(), row: i as u64 + 1, label, classes: shortened(classes) }
    }
}

/// At most ten names, then how many more there are.
pub(crate) fn shortened(names: &[String]) -> String {
    let shown = names.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 10 { format!("{shown} and {} more", names.len() - 10) } else { shown }
}

fn plain(value: f64) -> String {
    format!("{}", value + 0.0)
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(texts: &[&str]) -> Labels {
        let mut labels = Labels::new("y", None);
        texts.iter().for_each(|text| labels.push(Label::Text(text)));
        labels
    }

    fn resolved(texts: &[&str]) -> (Task, Vec<f32>) {
        labels(texts).resolve(None, Path::new("f")).unwrap()
    }

    #[test]
    fn numbers_are_sorted_numerically_and_equal_numbers_are_one_class() {
        let (task, values) = resolved(&["10", "2", "2.0", "1e1"]);
        assert_eq!(task, Task::Classification { classes: vec!["2".into(), "10".into()] });
        assert_eq!(values, [1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn texts_are_sorted_as_text_and_mixtures_stay_as_they_are() {
        let (task, _) = resolved(&["b", "a", "2.0"]);
        assert_eq!(task, Task::Classification { classes: vec!["2.0".into(), "a".into(), "b".into()] });
    }

    #[test]
    fn fractions_and_many_whole_numbers_are_quantities() {
        assert_eq!(resolved(&["0.5", "1"]).0.kind(), TaskKind::Regression);
        let many: Vec<String> = (0..30).map(|i| i.to_string()).collect();
        assert_eq!(
            resolved(&many.iter().map(String::as_str).collect::<Vec<_>>()).0.kind(),
            TaskKind::Regression
        );
    }

    #[test]
    fn an_unseen_label_and_a_single_class_are_errors() {
        let task = resolved(&["a", "b"]).0;
        let error = labels(&["a", "c"]).resolve_like(&task, Path::new("f")).unwrap_err();
        assert!(error.to_string().contains("row 2: label 'c' was not seen in training; known: a, b"));
        assert!(matches!(labels(&["a", "a"]).resolve(None, Path::new("f")), Err(DataError::OneClass { .. })));
    }
}
