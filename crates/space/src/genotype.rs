//! One element of a space.

use crate::SpaceError;
use crate::error::shortened;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// What was chosen at one place.
#[derive(Clone, Copy, Debug)]
pub enum Gene {
    /// Number of the option, or of the step of a range, from 0.
    Index(u32),
    /// A number from a range without a grid; finite.
    Real(f64),
}

impl Gene {
    /// A number; negative zero becomes zero so that equal numbers are equal genes.
    pub(crate) fn real(v: f64) -> Self {
        Self::Real(v + 0.0)
    }

    fn bits(self) -> (u8, u64) {
        match self {
            Self::Index(i) => (0, i.into()),
            Self::Real(v) => (1, v.to_bits()),
        }
    }
}

impl PartialEq for Gene {
    fn eq(&self, other: &Self) -> bool {
        self.bits() == other.bits()
    }
}
impl Eq for Gene {}
impl Hash for Gene {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits().hash(state);
    }
}
impl Ord for Gene {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Real(a), Self::Real(b)) => a.total_cmp(b),
            _ => self.bits().cmp(&other.bits()),
        }
    }
}
impl PartialOrd for Gene {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The choices of one network, in the order of the tree; places that the choices before exclude have no gene.
///
/// Its text is one word, such as `0_2_1` (or `-` without genes): it serves as an identifier, as a file name and in a log.
/// [`Space::describe`](crate::Space::describe) gives the readable form, [`Space::parse`](crate::Space::parse) reads both.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Genotype(Box<[Gene]>);

impl Genotype {
    /// From its genes.
    pub fn new(genes: impl IntoIterator<Item = Gene>) -> Self {
        Self(genes.into_iter().collect())
    }

    /// The genes.
    pub fn genes(&self) -> &[Gene] {
        &self.0
    }
}

impl fmt::Display for Genotype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("-");
        }
        for (i, gene) in self.0.iter().enumerate() {
            f.write_str(if i > 0 { "_" } else { "" })?;
            match gene {
                Gene::Index(v) => write!(f, "{v}")?,
                Gene::Real(v) => write!(f, "{v:?}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Genotype {
    type Err = SpaceError;

    /// Reads the compact form. Whether it belongs to a space, [`Space::validate`](crate::Space::validate) says.
    fn from_str(text: &str) -> Result<Self, SpaceError> {
        let text = text.trim();
        if text == "-" {
            return Ok(Self::new([]));
        }
        let gene = |(i, part): (usize, &str)| {
            read_gene(part).ok_or_else(|| SpaceError::GenotypeText {
                text: shortened(text),
                got: shortened(part),
                position: i + 1,
            })
        };
        text.split('_').enumerate().map(gene).collect::<Result<_, _>>().map(Self)
    }
}

fn read_gene(text: &str) -> Option<Gene> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    if plain {
        return text.parse().ok().map(Gene::Index);
    }
    text.parse().ok().filter(|v: &f64| v.is_finite()).map(Gene::real)
}

impl Serialize for Genotype {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Genotype {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
