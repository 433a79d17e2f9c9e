//! Estimates that outlive a run.

use crate::{Estimate, EstimateError, Estimator, Job};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use xxhash_rust::xxh3::{xxh3_128, xxh3_128_with_seed};

/// An estimator that remembers its answers in a file, which other runs read too, at the same time if need be.
///
/// An answer is found again for the same network, fidelity and seed in the same `context`: everything else that it depends on. Failures are
/// not kept. The file has one JSON object a line; lines that cannot be read are passed over, so a file that was cut off loses
/// its last answer only.
pub struct Cached<'e> {
    inner: &'e dyn Estimator,
    context: u64,
    known: HashMap<u128, Estimate>,
    file: Mutex<File>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    /// 32 hexadecimal digits.
    key: String,
    estimate: Estimate,
}

impl<'e> Cached<'e> {
    /// Reads the file, or begins it. `context` says what answers depend on beside the job: data, recipe, efforts.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn open(path: &Path, context: &str, inner: &'e dyn Estimator) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        file.seek(SeekFrom::End(0))?;
        if bytes.last().is_some_and(|last| *last != b'\n') {
            file.write_all(b"\n")?;
        }
        let lines = bytes.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice::<Line>(line).ok());
        let known = lines.filter_map(|line| Some((u128::from_str_radix(&line.key, 16).ok()?, line.estimate)));
        let context = xxh3_128(context.as_bytes()) as u64;
        Ok(Self { inner, context, known: known.collect(), file: Mutex::new(file) })
    }

    fn key(&self, job: &Job<'_>) -> u128 {
        let mut bytes = job.hash.to_le_bytes().to_vec();
        bytes.extend(job.fidelity.rung.to_le_bytes());
        bytes.extend(job.fidelity.epochs.to_bits().to_le_bytes());
        bytes.extend(job.seed.to_le_bytes());
        xxh3_128_with_seed(&bytes, self.context)
    }

    /// Appends an answer; one that cannot be written is not remembered, which costs time only.
    fn keep(&self, key: u128, estimate: &Estimate) {
        let line = Line { key: format!("{key:032x}"), estimate: estimate.clone() };
        if let Ok(mut text) = serde_json::to_vec(&line) {
            text.push(b'\n');
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = file.write_all(&text); // whole, as the file is open for appending
        }
    }
}

impl Estimator for Cached<'_> {
    fn estimate(&self, job: &Job<'_>) -> Result<Estimate, EstimateError> {
        let key = self.key(job);
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let estimate = self.inner.estimate(job)?;
        self.keep(key, &estimate);
        Ok(estimate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fidelity, StopFlag};
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Counts how often it is asked.
    #[derive(Default)]
    struct Counting(AtomicU32);

    impl Estimator for Counting {
        fn estimate(&self, job: &Job<'_>) -> Result<Estimate, EstimateError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            if job.hash == 13 {
                return Err(EstimateError::failed("unlucky"));
            }
            let value = job.hash as f64 + job.fidelity.epochs / 3.0;
            Ok(Estimate { value, metrics: [("loss".to_owned(), 0.1)].into(), seconds: 0.5 })
        }
    }

    /// Asks for networks 1 to 3 and 13 at two fidelities, and how often the estimator had to answer.
    fn asked(path: &Path, context: &str, seed: u64) -> (Vec<Option<Estimate>>, u32) {
        let arch = nasmyth_graph::parse("x = input(shape=[2])\ny = linear(x, out=3)\noutput y\n").unwrap();
        let (counting, stop) = (Counting::default(), StopFlag::new());
        let cached = Cached::open(path, context, &counting).unwrap();
        let mut answers = Vec::new();
        for (hash, rung) in [1, 2, 3, 13].into_iter().flat_map(|hash| [(hash, 0), (hash, 1)]) {
            let fidelity = Fidelity { rung, epochs: f64::from(rung) + 0.1 };
            let job = Job {
                trial: 0,
                arch: &arch,
                genotype: "-",
                hash,
                fidelity,
                previous: None,
                seed,
                stop: &stop,
            };
            answers.push(cached.estimate(&job).ok());
        }
        (answers, counting.0.load(Ordering::Relaxed))
    }

    #[test]
    fn answers_outlive_the_run_and_belong_to_their_context() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache/estimates.jsonl");
        let (first, asked_first) = asked(&path, "data", 7);
        assert_eq!((asked_first, first.iter().flatten().count()), (8, 6));
        let (again, asked_again) = asked(&path, "data", 7);
        assert_eq!(again, first);
        assert_eq!(asked_again, 2, "the failures");
        assert_eq!((asked(&path, "other data", 7).1, asked(&path, "data", 8).1), (8, 8));
    }

    #[test]
    fn a_file_that_was_cut_off_loses_its_last_answer_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("estimates.jsonl");
        let (first, _) = asked(&path, "data", 7);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 20]).unwrap();
        assert_eq!(asked(&path, "data", 7), (first.clone(), 3));
        assert_eq!(asked(&path, "data", 7), (first, 2));
    }
}
