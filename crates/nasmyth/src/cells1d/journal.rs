//! The trainings that are done, in an append-only file: a killed run goes on where it was.
//!
//! The first line tells the number of epochs. Then a line for each training, in the order in which they ended: seed, operators of the
//! cell as digits, right answers on the test part, on the validation part after each epoch.

use super::training::Curve;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Seed, and operators of the cell as digits.
pub(super) type Training = (u32, String);

/// The file, open for more.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    done: BTreeMap<Training, Curve>,
}

impl Journal {
    /// Reads what is done; a last line that was cut off is forgotten.
    ///
    /// # Errors
    /// A file of another kind or number of epochs, or one that cannot be read and written.
    pub fn open(path: &Path, epochs: u32) -> Result<Self> {
        let shown = || path.display().to_string();
        let options = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = options.with_context(shown)?;
        let text = std::fs::read_to_string(path).with_context(shown)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text[..whole].lines().zip(1..);
        let head = format!("cells1d, {epochs} epochs");
        let mut done = BTreeMap::new();
        match lines.next().map_or(&*text, |first| first.0) {
            first if first == head => {
                for (line, number) in lines {
                    let row = parse(line, epochs).with_context(|| {
                        format!("{}, line {number}: expected a training, got `{line}`", path.display())
                    })?;
                    done.insert(row.0, row.1);
                }
            }
            // An empty file, or one whose first line was cut off.
            first if whole == 0 && head.starts_with(first) => {}
            first => bail!(
                "{}: expected `{head}`, got `{first}`: remove the file, or give another --out",
                path.display()
            ),
        }
        file.set_len(whole as u64).and_then(|()| file.seek(SeekFrom::End(0))).with_context(shown)?;
        let mut journal = Self { path: path.to_owned(), file, done };
        if whole == 0 {
            journal.line(&head)?;
        }
        Ok(journal)
    }

    /// What a training showed, if it is done.
    pub fn get(&self, training: &Training) -> Option<&Curve> {
        self.done.get(training)
    }

    /// Adds a training.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, training: Training, curve: Curve) -> Result<()> {
        let (seed, cell) = &training;
        let valid: Vec<String> = curve.valid.iter().map(u32::to_string).collect();
        self.line(&format!("{seed},{cell},{},{}", curve.test, valid.join(" ")))?;
        self.done.insert(training, curve);
        Ok(())
    }

    fn line(&mut self, text: &str) -> Result<()> {
        self.file.write_all(format!("{text}\n").as_bytes()).with_context(|| self.path.display().to_string())
    }
}

fn parse(line: &str, epochs: u32) -> Option<(Training, Curve)> {
    let fields: Vec<&str> = line.split(',').collect();
    let [seed, cell, test, valid] = fields[..] else { return None };
    let valid = valid.split(' ').map(|word| word.parse().ok()).collect::<Option<Vec<u32>>>()?;
    let curve = Curve { test: test.parse().ok()?, valid };
    if curve.valid.len() != epochs as usize {
        return None;
    }
    Some(((seed.parse().ok()?, cell.to_owned()), curve))
}
