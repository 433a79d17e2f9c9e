//! The state of a training run, on disk.

use std::io;
use std::path::Path;
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

/// First bytes of a checkpoint; the last digit is the version.
const MAGIC: &[u8; 8] = b"NSMCKPT1";

/// A checkpoint that cannot be used.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Not a whole checkpoint.
    #[error("{0}: not a checkpoint of this version, or damaged: delete it, and its trial is trained again")]
    Damaged(String),
}

/// Everything that training goes on from.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// All parameters.
    pub params: Vec<f32>,
    /// Their moving average.
    pub average: Vec<f32>,
    /// First memory of the optimiser.
    pub first: Vec<f32>,
    /// Second memory of the optimiser.
    pub second: Vec<f32>,
    /// Steps that the optimiser counts.
    pub optimizer_steps: u64,
    /// Steps done.
    pub step: u64,
}

impl Checkpoint {
    /// Writes to a file, whole or not at all: under another name first, then renamed.
    pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        let io = |source| CheckpointError::Io { path: path.display().to_string(), source };
        let part = path.with_extension("part");
        let saved = std::fs::write(&part, self.to_bytes()).and_then(|()| std::fs::rename(&part, path));
        if saved.is_err() {
            let _ = std::fs::remove_file(&part); // half a checkpoint on a full disk helps nobody
        }
        saved.map_err(io)
    }

    /// Reads from a file.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let name = || path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| CheckpointError::Io { path: name(), source })?;
        Self::from_bytes(&bytes).ok_or_else(|| CheckpointError::Damaged(name()))
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.step.to_le_bytes());
        bytes.extend(self.optimizer_steps.to_le_bytes());
        for values in [&self.params, &self.average, &self.first, &self.second] {
            bytes.extend((values.len() as u64).to_le_bytes());
            values.iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        }
        let sum = xxh3_64(&bytes);
        bytes.extend(sum.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<8>()?;
        if xxh3_64(body) != u64::from_le_bytes(*sum) {
            return None;
        }
        let mut rest = body.strip_prefix(MAGIC)?;
        let step = number(&mut rest)?;
        let optimizer_steps = number(&mut rest)?;
        let (params, average) = (floats(&mut rest)?, floats(&mut rest)?);
        let (first, second) = (floats(&mut rest)?, floats(&mut rest)?);
        rest.is_empty().then_some(Self { params, average, first, second, optimizer_steps, step })
    }
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*head))
}

fn floats(bytes: &mut &[u8]) -> Option<Vec<f32>> {
    let len = usize::try_from(number(bytes)?).ok()?.checked_mul(4)?;
    let (head, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(head.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_disk_and_notices_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.checkpoint");
        let checkpoint = Checkpoint {
            params: vec![1.0, f32::MIN_POSITIVE],
            average: vec![2.0],
            first: vec![],
            second: vec![-0.0],
            optimizer_steps: 3,
            step: 4,
        };
        checkpoint.save(&path).unwrap();
        assert_eq!(Checkpoint::load(&path).unwrap(), checkpoint);
        let bytes = std::fs::read(&path).unwrap();
        for i in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[i] ^= 0x10;
            assert!(Checkpoint::from_bytes(&damaged).is_none(), "byte {i}");
            assert!(Checkpoint::from_bytes(&bytes[..i]).is_none(), "length {i}");
        }
    }
}
