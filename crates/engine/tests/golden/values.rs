//! Numbers that follow from their index, and files of expected tensors; `tools/golden.py` has the other side of both.

use std::collections::BTreeMap;

/// Samples of a batch.
pub const BATCH: usize = 3;

/// Element `i` of the tensor `salt`: in ±1, and 0 nowhere.
pub fn number(i: usize, salt: usize) -> f64 {
    ((i * 367 + salt * 53 + 11) % 1009) as f64 / 504.5 - 1.0
}

/// Element `i` of the tensor `salt`: in -1..1, without visible order (the mixing steps of xxHash, Collet 2012).
#[allow(dead_code)] // only a training curve needs it
pub fn scattered(i: usize, salt: usize) -> f64 {
    let [i, salt] = [i, salt].map(|v| v as u32); // sums and products are modulo 2^32
    let mut mixed =
        i.wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(40_503)).wrapping_add(374_761_393);
    mixed = (mixed ^ mixed >> 15).wrapping_mul(2_246_822_519);
    mixed = (mixed ^ mixed >> 13).wrapping_mul(3_266_489_917);
    f64::from(mixed ^ mixed >> 16) / 2f64.powi(31) - 1.0
}

/// The tensor `salt`.
pub fn numbers(len: usize, salt: usize) -> Vec<f64> {
    (0..len).map(|i| number(i, salt)).collect()
}

/// A parameter by its key; variances, standard deviations and biases are positive (so that ReLUs are alive).
pub fn parameter(key: &str, len: usize) -> Vec<f64> {
    let values = numbers(len, key.bytes().map(usize::from).sum());
    let positive = ["variance", "std", "bias"].iter().any(|end| key.ends_with(end));
    values.into_iter().map(|v| if positive { 1.5 + 0.5 * v } else { v }).collect()
}

/// Targets of a loss over `len` outputs; those of cross-entropy are positive.
pub fn targets(len: usize, positive: bool) -> Vec<f64> {
    numbers(len, 99).into_iter().map(|v| if positive { 1.5 + v } else { v }).collect()
}

/// Expected tensors by case and name.
pub struct Golden(BTreeMap<(String, String), Vec<f64>>);

impl Golden {
    /// Reads lines of a case, a name and elements.
    pub fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let mut words = line.split(' ');
            let mut word = || words.next().expect("a case and a name").to_owned();
            let key = (word(), word());
            (key, words.map(|v| v.parse().expect("a number")).collect())
        };
        Self(text.lines().map(line).collect())
    }

    /// The names of a case.
    pub fn names(&self, case: &str) -> Vec<&str> {
        self.0.keys().filter(|(c, _)| c == case).map(|(_, name)| name.as_str()).collect()
    }

    /// Asserts that `got` is the tensor `name` of `case` up to `tolerance`, relative to each element, or to the share `floor` of the
    /// largest: what is small beside its neighbours is the difference of rounded numbers.
    pub fn check(&self, case: &str, name: &str, got: &[f64], tolerance: f64, floor: f64) {
        let expected = &self.0[&(case.to_owned(), name.to_owned())];
        assert_eq!(got.len(), expected.len(), "{case}: length of {name}");
        let largest = expected.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        for (i, (g, e)) in got.iter().zip(expected).enumerate() {
            let scale = e.abs().max(floor * largest);
            assert!((g - e).abs() <= tolerance * scale, "{case}: {name}[{i}] is {g}, expected {e}");
        }
    }

    /// Asserts that `checked`, pairs of case and name, are all that there is.
    #[allow(dead_code)] // not every suite has a list of cases
    pub fn check_complete(&self, checked: &[(String, String)]) {
        let missed: Vec<_> = self.0.keys().filter(|key| !checked.contains(key)).collect();
        assert!(missed.is_empty(), "expected values that nothing was compared with: {missed:?}");
    }
}
