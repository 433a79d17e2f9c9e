//! The values of one gene.

use crate::{Gene, Rng, Value};
use rand::RngExt;

/// Points of a float range without a grid that enumeration and neighbourhoods visit.
pub(crate) const REAL_POINTS: u32 = 11;

/// Largest number of values of a number whose neighbours are all other values; with more, neighbours are a power of two away.
const DENSE: u32 = 64;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Domain {
    /// Unordered values.
    Options(Vec<Value>),
    /// `low + i step` for `i < len`.
    Int { low: i64, step: i64, len: u32 },
    /// `steps + 1` points, both ends included.
    Grid { low: f64, high: f64, steps: u32 },
    /// Any number between.
    Real { low: f64, high: f64 },
    /// Number of repetitions.
    Count { low: u32, high: u32 },
    /// Names of the options of a sum.
    Branch(Vec<String>),
}

impl Domain {
    /// Number of values; `None` for a continuum.
    pub fn len(&self) -> Option<u32> {
        Some(match self {
            Self::Options(values) => values.len() as u32,
            Self::Int { len, .. } => *len,
            Self::Grid { steps, .. } => steps + 1,
            Self::Real { .. } => return None,
            Self::Count { low, high } => high - low + 1,
            Self::Branch(names) => names.len() as u32,
        })
    }

    /// Whether there is anything to choose.
    pub fn is_free(&self) -> bool {
        self.len() != Some(1)
    }

    /// Number of values that enumeration visits.
    pub fn points(&self) -> u32 {
        self.len().unwrap_or(REAL_POINTS)
    }

    /// Value of enumeration number `i`.
    pub fn point(&self, i: u32) -> Gene {
        match self {
            Self::Real { low, high } => Gene::Real(on_grid(*low, *high, REAL_POINTS - 1, i)),
            _ => Gene::Index(i),
        }
    }

    pub fn contains(&self, gene: Gene) -> bool {
        match (self, gene) {
            (Self::Real { low, high }, Gene::Real(v)) => (*low..=*high).contains(&v),
            (Self::Real { .. }, _) | (_, Gene::Real(_)) => false,
            (_, Gene::Index(i)) => i < self.points(),
        }
    }

    /// What a gene of this domain stands for.
    pub fn value(&self, gene: Gene) -> Option<Value> {
        if !self.contains(gene) {
            return None;
        }
        let i = match gene {
            Gene::Real(v) => return Some(Value::Float(v)),
            Gene::Index(i) => i,
        };
        Some(match self {
            Self::Options(values) => values[i as usize].clone(),
            Self::Int { low, step, .. } => Value::Int(low + i64::from(i) * step),
            Self::Grid { low, high, steps } => Value::Float(on_grid(*low, *high, *steps, i)),
            Self::Real { .. } => return None,
            Self::Count { low, .. } => Value::Int(i64::from(low + i)),
            Self::Branch(names) => Value::Word(names[i as usize].clone()),
        })
    }

    /// The gene that stands for a value.
    pub fn gene(&self, value: &Value) -> Option<Gene> {
        match (self, value) {
            (Self::Real { .. }, Value::Float(v)) => Some(Gene::real(*v)),
            (Self::Real { .. }, Value::Int(v)) => Some(Gene::real(*v as f64)),
            (Self::Int { low, step, .. }, Value::Int(v)) => int_index(*low, *step, *v).map(Gene::Index),
            (Self::Count { low, .. }, Value::Int(v)) => int_index(i64::from(*low), 1, *v).map(Gene::Index),
            (Self::Grid { low, high, steps }, Value::Int(v)) => grid_index(*low, *high, *steps, *v as f64),
            (Self::Grid { low, high, steps }, Value::Float(v)) => grid_index(*low, *high, *steps, *v),
            (Self::Options(values), v) => values.iter().position(|o| o == v).map(|i| Gene::Index(i as u32)),
            (Self::Branch(names), Value::Word(w)) => {
                names.iter().position(|n| n == w).map(|i| Gene::Index(i as u32))
            }
            _ => None,
        }
        .filter(|&g| self.contains(g))
    }

    /// The gene that stands for a value in text.
    pub fn read(&self, text: &str) -> Option<Gene> {
        match self {
            Self::Options(values) => {
                values.iter().position(|v| v.to_string() == text).map(|i| Gene::Index(i as u32))
            }
            Self::Branch(_) => self.gene(&Value::Word(text.to_owned())),
            Self::Grid { .. } | Self::Real { .. } => self.gene(&Value::Float(text.parse().ok()?)),
            Self::Int { .. } | Self::Count { .. } => self.gene(&Value::Int(text.parse().ok()?)),
        }
    }

    /// Uniform.
    pub fn sample(&self, rng: &mut Rng) -> Gene {
        match self {
            Self::Real { low, high } => Gene::real(rng.random_range(*low..=*high)),
            _ => Gene::Index(rng.random_range(0..self.points())),
        }
    }

    /// Uniform over what differs from `old`.
    pub fn sample_other(&self, old: Gene, rng: &mut Rng) -> Gene {
        match old {
            Gene::Index(old) if self.points() > 1 => {
                let i = rng.random_range(0..self.points() - 1);
                Gene::Index(if i < old { i } else { i + 1 })
            }
            _ => {
                let new = self.sample(rng);
                let ends = [self.point(0), self.point(self.points() - 1)];
                if new == old { ends[usize::from(ends[0] == old)] } else { new }
            }
        }
    }

    /// All other values; of a number with many, those a power of two steps away.
    pub fn neighbours(&self, old: Gene) -> Vec<Gene> {
        let ordered = matches!(self, Self::Int { .. } | Self::Grid { .. } | Self::Count { .. });
        let len = self.points();
        match (self, old) {
            (Self::Real { low, high }, Gene::Real(v)) => {
                let step = (high - low) / f64::from(REAL_POINTS - 1);
                [-2.0, -1.0, 1.0, 2.0].map(|k| Gene::real(v + k * step)).into()
            }
            (Self::Grid { .. }, Gene::Index(i)) => powers(i, len),
            (_, Gene::Index(i)) if ordered && len > DENSE => powers(i, len),
            (_, Gene::Index(i)) => (0..len).filter(|&j| j != i).map(Gene::Index).collect(),
            _ => Vec::new(),
        }
        .into_iter()
        .filter(|&g| self.contains(g))
        .collect()
    }

    /// What may stand there, for messages.
    pub fn expected(&self) -> String {
        let list = |names: Vec<String>| format!("one of {}", names.join(", "));
        match self {
            Self::Options(values) => list(values.iter().map(Value::to_string).collect()),
            Self::Branch(names) => list(names.clone()),
            Self::Int { low, step, len } => {
                let last = low + i64::from(len - 1) * step;
                format!("a whole number {low}..={last} in steps of {step}")
            }
            Self::Grid { low, high, steps } => format!("a number {low:?}..={high:?} in {steps} steps"),
            Self::Real { low, high } => format!("a number {low:?}..={high:?}"),
            Self::Count { low, high } => format!("a number of repetitions {low}..={high}"),
        }
    }
}

/// Point `i` of `steps + 1`, without the dust of binary fractions (0.3, not 0.30000000000000004).
fn on_grid(low: f64, high: f64, steps: u32, i: u32) -> f64 {
    if i == 0 || steps == 0 {
        return low + 0.0;
    }
    if i >= steps {
        return high + 0.0;
    }
    let exact = low + (high - low) * (f64::from(i) / f64::from(steps));
    format!("{exact:.12e}").parse().unwrap_or(exact).clamp(low, high) + 0.0
}

fn int_index(low: i64, step: i64, value: i64) -> Option<u32> {
    let distance = value.checked_sub(low)?;
    (distance % step == 0).then(|| u32::try_from(distance / step).ok()).flatten()
}

fn grid_index(low: f64, high: f64, steps: u32, value: f64) -> Option<Gene> {
    let i = ((value - low) / (high - low) * f64::from(steps)).round();
    let i = if (0.0..=f64::from(steps)).contains(&i) { i as u32 } else { return None };
    let close = (on_grid(low, high, steps, i) - value).abs() <= 1e-9 * (high - low);
    close.then_some(Gene::Index(i))
}

fn powers(i: u32, len: u32) -> Vec<Gene> {
    let steps = || (0..32).map(|k| 1u32 << k).take_while(|&s| s < len);
    let below = steps().filter_map(|s| i.checked_sub(s));
    let above = steps().filter_map(|s| i.checked_add(s)).filter(|&j| j < len);
    below.chain(above).map(Gene::Index).collect()
}
