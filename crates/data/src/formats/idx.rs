//! IDX, the format of MNIST (LeCun, <http://yann.lecun.com/exdb/mnist/>): big-endian, magic `0 0 TYPE AXES`, one
//! 32-bit length for each axis, then the values. Labels are in a file of their own with one axis.

use super::{Format, Raw, Request};
use crate::error::DataError;
use crate::features::{Features, TaskKind};
use crate::labels::Label;
use crate::sink::{Part, Sink, check_shape};
use crate::source::{Source, list, plain_name, read_row, unpacked};
use crate::store::Element;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The format.
pub(crate) struct Idx;

impl Format for Idx {
    fn name(&self) -> &'static str {
        "idx"
    }

    fn doc(&self) -> &'static str {
        "IDX files as of MNIST, gzip or not: a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte and \
         t10k-*, or one of the image files"
    }

    fn detects(&self, source: &Source) -> bool {
        let magic = matches!(source.head(), [0, 0, 8..=14, 1..=4, ..]);
        magic || is_values(source.path()) || source.entries().iter().any(|path| is_values(path))
    }

    fn read(&self, source: &Source, request: &Request<'_>) -> Result<Raw, DataError> {
        let files = files(source, request.like.is_some())?;
        let mut sink: Option<Sink> = None;
        for (part, path) in &files {
            let mut values = IdxFile::open(path)?;
            let features = values.features()?;
            let sink = match &mut sink {
                Some(sink) => sink,
                empty => empty.insert(Sink::new(
                    source.path(),
                    features.clone(),
                    values.element(),
                    Some(TaskKind::Classification),
                    request.memory_limit,
                )?),
            };
            check_same(&files, path, sink, &values)?;
            let labels = labels_of(path, &values)?;
            values.copy(sink, *part, labels.as_deref())?;
        }
        sink.ok_or_else(|| DataError::empty(source.path(), "IDX image files"))?
            .finish()
            .map(|decoded| Raw::Samples(Box::new(decoded)))
    }
}

/// `train-images-idx3-ubyte` and the like.
fn is_values(path: &Path) -> bool {
    let name = plain_name(path);
    let suffix = name.split_once("idx").is_some_and(|(_, rest)| rest.starts_with(['2', '3', '4']));
    suffix && !name.contains("labels")
}

fn part(path: &Path) -> Part {
    let name = plain_name(path);
    if name.contains("t10k") || name.contains("test") { Part::Test } else { Part::Train }
}

/// The files to read: of a folder all, or only the test part for a network that exists; of one training file also
/// its test sibling.
fn files(source: &Source, like: bool) -> Result<Vec<(Part, PathBuf)>, DataError> {
    let of = |entries: &[PathBuf]| -> Vec<(Part, PathBuf)> {
        entries.iter().filter(|path| is_values(path)).map(|path| (part(path), path.clone())).collect()
    };
    let alone = vec![(Part::Train, source.path().to_path_buf())];
    let mut files = match (source.is_folder(), part(source.path()), source.path().parent()) {
        (true, ..) => of(source.entries()),
        (false, Part::Train, Some(folder)) if !like && is_values(source.path()) => {
            let mut files = alone;
            let sibling = plain_name(source.path()).replace("train", "t10k");
            files.extend(
                of(&list_or_empty(folder))
                    .into_iter()
                    .filter(|(p, path)| *p == Part::Test && plain_name(path) == sibling),
            );
            files
        }
        _ => alone,
    };
    if source.is_folder() && like && files.iter().any(|(part, _)| *part == Part::Test) {
        files.retain(|(part, _)| *part == Part::Test);
    }
    files.sort_by_key(|(part, _)| *part == Part::Test);
    Ok(files)
}

fn list_or_empty(folder: &Path) -> Vec<PathBuf> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    list(folder).unwrap_or_default()
}

fn check_same(
    files: &[(Part, PathBuf)],
    path: &Path,
    sink: &Sink,
    values: &IdxFile,
) -> Result<(), DataError> {
    if sink.width() == values.width() && sink.element() == values.element() {
        return Ok(());
    }
    Err(DataError::SizeMismatch {
        first: files[0].1.clone(),
        first_size: format!("{} values", sink.width()),
        second: path.into(),
        second_size: format!("{:?}", &values.shape[1..]),
    })
}

/// The labels that belong to a file of values, if there is a file for them.
fn labels_of(path: &Path, values: &IdxFile) -> Result<Option<Vec<f64>>, DataError> {
    let wanted = label_name(&plain_name(path));
    let folder = path.parent().map(list_or_empty).unwrap_or_default();
    let Some(file) = folder.iter().find(|file| plain_name(file) == wanted && wanted != plain_name(path))
    else {
        return Ok(None);
    };
    let mut labels = IdxFile::open(file)?;
    if labels.shape.len() != 1 || labels.shape[0] != values.shape[0] {
        let expected = format!("one label for each of {} samples", values.shape[0]);
        return Err(DataError::corrupt(file, "header", expected, format!("shape {:?}", labels.shape)));
    }
    labels.numbers().map(Some)
}

fn label_name(name: &str) -> String {
    let (stem, suffix) = name.split_once("idx").unwrap_or((name, ""));
    let rest = suffix.get(1..).unwrap_or("");
    format!("{}idx1{rest}", stem.replace("images", "labels"))
}

/// Types of values; the code is the third byte of the file.
#[derive(Clone, Copy)]
enum Type {
    U8,
    I8,
    I16,
    I32,
    F32,
    F64,
}

impl Type {
    fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    fn value(self, bytes: &[u8]) -> f64 {
        match (self, bytes) {
            (Self::U8, &[a]) => f64::from(a),
            (Self::I8, &[a]) => f64::from(a as i8),
            (Self::I16, &[a, b]) => f64::from(i16::from_be_bytes([a, b])),
            (Self::I32, &[a, b, c, d]) => f64::from(i32::from_be_bytes([a, b, c, d])),
            (Self::F32, &[a, b, c, d]) => f64::from(f32::from_be_bytes([a, b, c, d])),
            (Self::F64, &[a, b, c, d, e, f, g, h]) => f64::from_be_bytes([a, b, c, d, e, f, g, h]),
            _ => f64::NAN,
        }
    }
}

/// An open file, its header read.
struct IdxFile {
    path: PathBuf,
    reader: Box<dyn Read>,
    kind: Type,
    shape: Vec<usize>,
}

impl IdxFile {
    fn open(path: &Path) -> Result<Self, DataError> {
        let mut reader = unpacked(path)?;
        let magic = header_bytes(&mut *reader, path)?;
        let kind = match magic {
            [0, 0, 0x08, _] => Type::U8,
            [0, 0, 0x09, _] => Type::I8,
            [0, 0, 0x0b, _] => Type::I16,
            [0, 0, 0x0c, _] => Type::I32,
            [0, 0, 0x0d, _] => Type::F32,
            [0, 0, 0x0e, _] => Type::F64,
            other => return Err(bad_magic(path, other)),
        };
        if !(1..=4).contains(&magic[3]) {
            return Err(bad_magic(path, magic));
        }
        let axes =
            (0..magic[3]).map(|_| header_bytes(&mut *reader, path).map(|b| u32::from_be_bytes(b) as usize));
        let shape = axes.collect::<Result<Vec<_>, _>>()?;
        check_shape(path, &shape[1..])?;
        Ok(Self { path: path.into(), reader, kind, shape })
    }

    fn features(&self) -> Result<Features, DataError> {
        match self.shape[1..] {
            [steps] => Ok(Features::Series { steps, channels: 1 }),
            [height, width] => Ok(Features::Image { height, width, channels: 1 }),
            [height, width, channels] => Ok(Features::Image { height, width, channels }),
            _ => Err(DataError::unsupported(
                &self.path,
                "a file of labels",
                "name the image file or the folder",
            )),
        }
    }

    fn element(&self) -> Element {
        if let Type::U8 = self.kind { Element::U8 } else { Element::F32 }
    }

    fn width(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// Reads the next sample; the file must hold as many as its header says.
    fn next(&mut self, row: &mut Vec<u8>, index: usize) -> Result<(), DataError> {
        let length = self.width() * self.kind.size();
        match read_row(&mut *self.reader, row, length) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.too_short(index)),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(self.too_short(index)),
            Err(error) => Err(DataError::io(&self.path, error)),
        }
    }

    fn too_short(&self, index: usize) -> DataError {
        DataError::truncated(
            &self.path,
            format!("sample {}", index + 1),
            format!("{} samples", self.shape[0]),
            format!("{index} whole ones"),
        )
    }

    fn copy(&mut self, sink: &mut Sink, part: Part, labels: Option<&[f64]>) -> Result<(), DataError> {
        let (mut row, mut floats) = (Vec::new(), Vec::new());
        for index in 0..self.shape[0] {
            self.next(&mut row, index)?;
            let label = labels.map_or(Label::None, |labels| Label::Number(labels[index]));
            match self.element() {
                Element::U8 => sink.push_bytes(part, label, &row)?,
                Element::F32 => {
                    floats.clear();
                    floats.extend(
                        row.chunks_exact(self.kind.size()).map(|bytes| self.kind.value(bytes) as f32),
                    );
                    sink.push_floats(part, label, &floats)?;
                }
            }
        }
        self.check_end()
    }

    fn numbers(&mut self) -> Result<Vec<f64>, DataError> {
        let (mut row, mut numbers) = (Vec::new(), Vec::new());
        for index in 0..self.shape[0] {
            self.next(&mut row, index)?;
            numbers.push(self.kind.value(&row));
        }
        self.check_end()?;
        Ok(numbers)
    }

    fn check_end(&mut self) -> Result<(), DataError> {
        match self.reader.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => {
                let expected = format!("the end after {} samples", self.shape[0]);
                Err(DataError::corrupt(&self.path, "data", expected, "more bytes"))
            }
            Err(error) => Err(DataError::io(&self.path, error)),
        }
    }
}

fn header_bytes(reader: &mut dyn Read, path: &Path) -> Result<[u8; 4], DataError> {
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            DataError::truncated(path, "the header", "4 bytes more", "the end")
        }
        _ => DataError::io(path, error),
    })?;
    Ok(bytes)
}

fn bad_magic(path: &Path, magic: [u8; 4]) -> DataError {
    let expected = "an IDX file: 00 00, a type from 08 to 0e, 1 to 4 axes";
    DataError::corrupt(path, "magic number", expected, format!("{magic:02x?}"))
}
