//! A log in memory, for tests and short searches.

use crate::{Record, Store, StoreError};
use std::sync::{Arc, Mutex};

/// Clones share the log.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<Vec<Record>>>);

impl MemoryStore {
    /// A log that begins with these records.
    pub fn new(records: Vec<Record>) -> Self {
        Self(Arc::new(Mutex::new(records)))
    }

    /// All records.
    pub fn records(&self) -> Vec<Record> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

impl Store for MemoryStore {
    fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(record.clone());
        Ok(())
    }

    fn read_since(&self, sequence: u64) -> Result<Vec<Record>, StoreError> {
        Ok(self.records().into_iter().filter(|record| record.sequence >= sequence).collect())
    }
}
