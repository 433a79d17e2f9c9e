//! The log in an SQLite file: one row for each event, as JSON.
//!
//! Write-ahead logging with `synchronous = NORMAL`: an append survives the death of the process; a power cut may lose the
//! last appends, never more, and what is lost is run again on resume.

use crate::{Event, Record, SCHEMA, Store, StoreError};
use rusqlite::{Connection, ErrorCode, OpenFlags, Row};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Marks the file as ours ("nsmy").
const APPLICATION: i32 = 0x6e73_6d79;

/// An open log file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    connection: Connection,
}

impl SqliteStore {
    /// Opens the log for writing; makes the file if there is none.
    ///
    /// # Errors
    /// A file that is not a log, is damaged, is of a newer version, or cannot be written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE, |store| {
            let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;";
            store.connection.execute_batch(settings).map_err(|e| store.failed(&e))?;
            store.migrate()
        })
    }

    /// Opens an existing log to read it, also while another process writes it.
    ///
    /// # Errors
    /// As [`open`](Self::open), and a file that does not exist.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        // Read-write, because reading a log in write-ahead mode needs its shared memory file.
        Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, |store| match store.version()? {
            0 => Err(store.corrupt("it has no log".to_owned())),
            _ => Ok(()),
        })
    }

    fn connect(
        path: &Path,
        flags: OpenFlags,
        prepare: impl FnOnce(&Self) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        let connection = Connection::open_with_flags(path, flags).map_err(|error| failure(path, &error))?;
        let store = Self { path: path.to_owned(), connection };
        store.connection.busy_timeout(Duration::from_secs(10)).map_err(|e| store.failed(&e))?;
        let found = store.version()?;
        if found > SCHEMA {
            return Err(StoreError::Newer { path: store.path, found });
        }
        store.check()?;
        prepare(&store)?;
        Ok(store)
    }

    fn version(&self) -> Result<u32, StoreError> {
        self.pragma("user_version").map(|version| u32::try_from(version).unwrap_or(u32::MAX))
    }

    fn pragma(&self, name: &str) -> Result<i64, StoreError> {
        self.connection.pragma_query_value(None, name, |row| row.get(0)).map_err(|e| self.failed(&e))
    }

    /// Whether the file is sound and ours.
    fn check(&self) -> Result<(), StoreError> {
        let verdict: String = self
            .connection
            .pragma_query_value(None, "quick_check", |row| row.get(0))
            .map_err(|e| self.failed(&e))?;
        if verdict != "ok" {
            return Err(self.corrupt(verdict));
        }
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 =
            self.connection.query_row(tables, [], |row| row.get(0)).map_err(|e| self.failed(&e))?;
        if tables > 0 && self.pragma("application_id")? != i64::from(APPLICATION) {
            return Err(self.corrupt("it is a database of another program".to_owned()));
        }
        Ok(())
    }

    /// Brings the file to the version that is written now. A new version adds a step here.
    fn migrate(&self) -> Result<(), StoreError> {
        if self.version()? == 0 {
            let create = format!(
                "BEGIN;
                 CREATE TABLE events (sequence INTEGER PRIMARY KEY, ms INTEGER NOT NULL, event TEXT NOT NULL);
                 PRAGMA application_id = {APPLICATION};
                 PRAGMA user_version = {SCHEMA};
                 COMMIT;"
            );
            self.connection.execute_batch(&create).map_err(|e| self.failed(&e))?;
        }
        Ok(())
    }

    fn failed(&self, error: &rusqlite::Error) -> StoreError {
        failure(&self.path, error)
    }

    fn corrupt(&self, detail: String) -> StoreError {
        StoreError::Corrupt { path: self.path.clone(), detail }
    }

    fn record(&self, (sequence, ms, event): (i64, i64, String)) -> Result<Record, StoreError> {
        let event: Event = serde_json::from_str(&event)
            .map_err(|error| self.corrupt(format!("event {sequence} cannot be read: {error}")))?;
        let positive = |n: i64| u64::try_from(n).unwrap_or(0);
        Ok(Record { sequence: positive(sequence), ms: positive(ms), event })
    }
}

impl Store for SqliteStore {
    fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        let event = serde_json::to_string(&record.event)
            .map_err(|error| StoreError::Access { path: self.path.clone(), detail: error.to_string() })?;
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let insert = "INSERT INTO events (sequence, ms, event) VALUES (?1, ?2, ?3)";
        let mut insert = self.connection.prepare_cached(insert).map_err(|e| self.failed(&e))?;
        insert.execute((number(record.sequence), number(record.ms), event)).map_err(|e| self.failed(&e))?;
        Ok(())
    }

    fn read_since(&self, sequence: u64) -> Result<Vec<Record>, StoreError> {
        let select = "SELECT sequence, ms, event FROM events WHERE sequence >= ?1 ORDER BY sequence";
        let mut select = self.connection.prepare_cached(select).map_err(|e| self.failed(&e))?;
        let first = i64::try_from(sequence).unwrap_or(i64::MAX);
        let columns = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let rows = select.query_map([first], columns).map_err(|e| self.failed(&e))?;
        rows.map(|row| self.record(row.map_err(|e| self.failed(&e))?)).collect()
    }
}

fn failure(path: &Path, error: &rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let detail = error.to_string();
    match error {
        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => {
            StoreError::Corrupt { path, detail }
        }
        _ => match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full { path },
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation) => {
                StoreError::Corrupt { path, detail }
            }
            _ => StoreError::Access { path, detail },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StopReason;

    fn stopped(sequence: u64) -> Record {
        Record { sequence, ms: 7 * sequence, event: Event::Stopped { reason: StopReason::Trials } }
    }

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn keeps_what_was_appended() {
        let folder = folder();
        let path = folder.path().join("log");
        let mut store = SqliteStore::open(&path).unwrap();
        (0..5).for_each(|i| store.append(&stopped(i)).unwrap());
        let reader = SqliteStore::open_read_only(&path).unwrap();
        assert_eq!(reader.read_since(3).unwrap(), [stopped(3), stopped(4)]);
        drop(store);
        assert_eq!(SqliteStore::open(&path).unwrap().read_since(0).unwrap().len(), 5);
    }

    #[test]
    fn a_newer_version_is_refused() {
        let folder = folder();
        let path = folder.path().join("log");
        let store = SqliteStore::open(&path).unwrap();
        store.connection.execute_batch("PRAGMA user_version = 99").unwrap();
        drop(store);
        let error = SqliteStore::open(&path).unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    }

    #[test]
    fn damage_and_foreign_files_are_refused() {
        let folder = folder();
        let text = folder.path().join("text");
        std::fs::write(&text, "not a database, but long enough to have a header".repeat(50)).unwrap();
        assert!(matches!(SqliteStore::open(&text), Err(StoreError::Corrupt { .. })));
        let other = folder.path().join("other");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        assert!(matches!(SqliteStore::open(&other), Err(StoreError::Corrupt { .. })));
        assert!(matches!(
            SqliteStore::open_read_only(&folder.path().join("none")),
            Err(StoreError::Access { .. })
        ));
    }

    #[test]
    fn an_event_that_cannot_be_read_is_damage() {
        let folder = folder();
        let mut store = SqliteStore::open(&folder.path().join("log")).unwrap();
        store.append(&stopped(0)).unwrap();
        store.connection.execute_batch("UPDATE events SET event = '{\"event\":\"unheard-of\"}'").unwrap();
        assert!(matches!(store.read_since(0), Err(StoreError::Corrupt { .. })));
        assert!(matches!(store.append(&stopped(0)), Err(StoreError::Corrupt { .. })), "one number twice");
    }

    #[test]
    fn a_full_disk_loses_nothing() {
        let folder = folder();
        let path = folder.path().join("log");
        let mut store = SqliteStore::open(&path).unwrap();
        store.connection.pragma_update(None, "max_page_count", 8).unwrap();
        let mut kept = 0;
        let error = loop {
            match store.append(&stopped(kept)) {
                Ok(()) => kept += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
        drop(store);
        let mut store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.read_since(0).unwrap().len() as u64, kept);
        store.append(&stopped(kept)).unwrap();
    }
}
