//! The binary version of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): records of one label (CIFAR-100: coarse and fine)
//! and 3 x 32 x 32 bytes, channel by channel.

use super::{Format, Raw, Request};
use crate::error::DataError;
use crate::features::{Features, TaskKind};
use crate::labels::Label;
use crate::sink::{Part, Sink};
use crate::source::{Source, plain_name, read_row, unpacked};
use crate::store::Element;
use std::fs;
use std::path::{Path, PathBuf};

const SIDE: usize = 32;
const PIXELS: usize = SIDE * SIDE;

/// The format.
pub(crate) struct Cifar;

impl Format for Cifar {
    fn name(&self) -> &'static str {
        "cifar"
    }

    fn doc(&self) -> &'static str {
        "CIFAR-10 or CIFAR-100, binary version: a folder with data_batch_*.bin and test_batch.bin, or train.bin and \
         test.bin, or one of the files"
    }

    fn detects(&self, source: &Source) -> bool {
        let known = |path: &Path| Batch::of(path).is_some();
        (source.is_file() && known(source.path())) || source.entries().iter().any(|path| known(path))
    }

    fn read(&self, source: &Source, request: &Request<'_>) -> Result<Raw, DataError> {
        let batches = batches(source, request.like.is_some())?;
        let features = Features::Image { height: SIDE, width: SIDE, channels: 3 };
        let kind = Some(TaskKind::Classification);
        let mut sink = Sink::new(source.path(), features, Element::U8, kind, request.memory_limit)?;
        for batch in &batches {
            batch.copy(&mut sink)?;
        }
        sink.finish().map(|decoded| Raw::Samples(Box::new(decoded)))
    }
}

fn batches(source: &Source, like: bool) -> Result<Vec<Batch>, DataError> {
    if source.is_file() {
        return Ok(Batch::of(source.path())
            .map(|batch| Batch { part: Part::Train, ..batch })
            .into_iter()
            .collect());
    }
    let mut batches: Vec<Batch> = source.entries().iter().filter_map(|path| Batch::of(path)).collect();
    if like && batches.iter().any(|batch| batch.part == Part::Test) {
        batches.retain(|batch| batch.part == Part::Test);
    }
    match batches.iter().find(|batch| batch.labels != batches[0].labels) {
        None => Ok(batches),
        Some(other) => {
            let got = other.path.display().to_string();
            Err(DataError::corrupt(source.path(), "folder", "files of either CIFAR-10 or CIFAR-100", got))
        }
    }
}

/// One file.
struct Batch {
    path: PathBuf,
    part: Part,
    /// Label bytes before the pixels; the last one is used.
    labels: usize,
    classes: usize,
    names: &'static str,
}

impl Batch {
    fn of(path: &Path) -> Option<Self> {
        let name = plain_name(path);
        let cifar10 = name.starts_with("data_batch") && name.ends_with(".bin");
        let (part, labels) = match name.as_str() {
            "test_batch.bin" => (Part::Test, 1),
            "train.bin" => (Part::Train, 2),
            "test.bin" => (Part::Test, 2),
            _ if cifar10 => (Part::Train, 1),
            _ => return None,
        };
        let (classes, names) =
            if labels == 1 { (10, "batches.meta.txt") } else { (100, "fine_label_names.txt") };
        Some(Self { path: path.into(), part, labels, classes, names })
    }

    /// Names of the classes, if the file with them is there and complete.
    fn names(&self) -> Option<Vec<String>> {
        let text = fs::read_to_string(self.path.with_file_name(self.names)).ok()?;
        let names: Vec<String> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_string).collect();
        (names.len() == self.classes).then_some(names)
    }

    fn copy(&self, sink: &mut Sink) -> Result<(), DataError> {
        let names = self.names();
        let mut reader = unpacked(&self.path)?;
        let (mut record, mut pixels, mut count) = (Vec::new(), vec![0; 3 * PIXELS], 0);
        while read_row(&mut *reader, &mut record, self.labels + 3 * PIXELS)
            .map_err(|error| self.broken(error, count))?
        {
            count += 1;
            let (labels, planes) = record.split_at(self.labels);
            interleave(planes, &mut pixels);
            let label = self.check(labels[self.labels - 1], count)?;
            let label =
                names.as_ref().map_or(Label::Number(label as f64), |names| Label::Text(&names[label]));
            sink.push_bytes(self.part, label, &pixels)?;
        }
        if count == 0 { Err(DataError::empty(&self.path, "records")) } else { Ok(()) }
    }

    fn broken(&self, error: std::io::Error, count: usize) -> DataError {
        if error.kind() != std::io::ErrorKind::UnexpectedEof {
            return DataError::io(&self.path, error);
        }
        let expected = format!("records of {} bytes", self.labels + 3 * PIXELS);
        DataError::truncated(&self.path, format!("record {}", count + 1), expected, "a part of one")
    }

    fn check(&self, label: u8, record: usize) -> Result<usize, DataError> {
        if usize::from(label) < self.classes {
            return Ok(usize::from(label));
        }
        let expected = format!("a label below {}", self.classes);
        Err(DataError::corrupt(&self.path, format!("record {record}"), expected, label.to_string()))
    }
}

/// From channel after channel to pixel after pixel.
fn interleave(planes: &[u8], pixels: &mut [u8]) {
    for (i, pixel) in pixels.chunks_exact_mut(3).enumerate() {
        pixel.iter_mut().enumerate().for_each(|(channel, value)| *value = planes[channel * PIXELS + i]);
    }
}
