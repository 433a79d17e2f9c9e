//! A bank on disk.

use crate::address::Address;
use crate::bank::{Bank, Tensor};
use crate::one_shot::Learned;
use crate::partition::Split;
use nasmyth_graph::Role;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

/// First bytes; the last digit is the version.
const MAGIC: &[u8; 8] = b"NSMBANK1";

/// A checkpoint that cannot be written or used.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not a whole checkpoint, or one of another training.
    #[error(
        "{0}: damaged, or of another training or version: delete it, and the super-network is trained again"
    )]
    Damaged(String),
}

/// Everything that the training of a super-network goes on from.
#[derive(Clone, Debug)]
pub struct BankCheckpoint<P = Progress> {
    /// The weights.
    pub bank: Bank,
    /// How far it is.
    pub progress: P,
}

/// How far a training is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done: batches that some sub-network was trained on.
    pub step: u64,
    /// Steps before the weights were split.
    pub split_at: Option<u64>,
    /// Splits made.
    pub splits: Vec<Split>,
    /// Options that are not sampled any more, each `path=value`, once the space has shrunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<Vec<String>>,
    /// What the controller has learned, where one samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<Learned>,
    /// Seconds spent.
    pub seconds: f64,
}

/// What stands before the numbers.
#[derive(Serialize, Deserialize)]
struct Header<P> {
    /// What the training is a function of.
    context: String,
    progress: P,
    tensors: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    address: Address,
    role: u8,
    steps: u64,
    /// Lengths of values, first and second moments.
    lens: [usize; 3],
}

const ROLES: [Role; 3] = [Role::Weight, Role::Bias, Role::Buffer];

impl<P: Clone + Serialize + DeserializeOwned> BankCheckpoint<P> {
    /// Writes to a file, whole or not at all. `context` says what the training is a function of: space, data, settings.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: &Path, context: &str) -> Result<(), CheckpointError> {
        let io = |source| CheckpointError::Io { path: path.display().to_string(), source };
        let part = path.with_extension("part");
        let written =
            std::fs::write(&part, self.to_bytes(context)).and_then(|()| std::fs::rename(&part, path));
        if written.is_err() {
            let _ = std::fs::remove_file(&part); // half a checkpoint on a full disk helps nobody
        }
        written.map_err(io)
    }

    /// Reads what was saved with the same `context`; `bank` is an empty bank of that training.
    ///
    /// # Errors
    /// A file that cannot be read, is damaged, or belongs to another training.
    pub fn load(path: &Path, context: &str, bank: Bank) -> Result<Self, CheckpointError> {
        let name = path.display().to_string();
        let bytes =
            std::fs::read(path).map_err(|source| CheckpointError::Io { path: name.clone(), source })?;
        Self::from_bytes(&bytes, context, bank).ok_or(CheckpointError::Damaged(name))
    }

    fn to_bytes(&self, context: &str) -> Vec<u8> {
        let entry = |t: &Tensor| Entry {
            address: t.address.clone(),
            role: ROLES.iter().position(|r| *r == t.role).unwrap_or_default() as u8,
            steps: t.steps,
            lens: [t.values.len(), t.first.len(), t.second.len()],
        };
        let tensors = self.bank.tensors();
        let header = Header {
            context: context.to_owned(),
            progress: self.progress.clone(),
            tensors: tensors.iter().map(entry).collect(),
        };
        let header = serde_json::to_vec(&header).unwrap_or_default(); // plain data: cannot fail
        let mut bytes = MAGIC.to_vec();
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(header);
        for values in tensors.iter().flat_map(|t| [&t.values, &t.first, &t.second]) {
            values.iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        }
        let sum = xxh3_64(&bytes);
        bytes.extend(sum.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8], context: &str, bank: Bank) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<8>()?;
        if xxh3_64(body) != u64::from_le_bytes(*sum) {
            return None;
        }
        let (len, rest) = body.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
        let (header, mut rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
        let header: Header<P> =
            serde_json::from_slice(header).ok().filter(|h: &Header<P>| h.context == context)?;
        let mut tensors = Vec::with_capacity(header.tensors.len());
        for Entry { address, role, steps, lens } in header.tensors {
            let role = *ROLES.get(usize::from(role))?;
            let [values, first, second] = lens.map(|len| floats(&mut rest, len));
            tensors.push(Tensor { address, role, values: values?, first: first?, second: second?, steps });
        }
        rest.is_empty().then_some(Self { bank: bank.with_tensors(tensors), progress: header.progress })
    }
}

fn floats(bytes: &mut &[u8], len: usize) -> Option<Vec<f32>> {
    let (head, rest) = bytes.split_at_checked(len.checked_mul(4)?)?;
    *bytes = rest;
    Some(head.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
}
