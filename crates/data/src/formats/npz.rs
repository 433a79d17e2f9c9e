//! NPZ, NumPy's archive of arrays: a zip file with one NPY array in each entry.

use super::{Format, Raw, Request};
use crate::error::DataError;
use crate::features::Features;
use crate::labels::Label;
use crate::npy::{Array, Kind};
use crate::sink::{Part, Sink, check_shape};
use crate::source::Source;
use crate::store::Element;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// Whole numbers of an integer type count as classes up to this many.
const MAX_INTEGER_CLASSES: usize = 1000;
/// Sides below this are no image.
const MIN_SIDE: usize = 8;

/// The format.
pub(crate) struct Npz;

impl Format for Npz {
    fn name(&self) -> &'static str {
        "npz"
    }

    fn doc(&self) -> &'static str {
        "NumPy archives with arrays x_train, y_train, x_test, y_test, or x and y (also images and labels): images \
         [n, height, width] or with channels last or first, series [n, steps, channels], rows [n, columns]"
    }

    fn detects(&self, source: &Source) -> bool {
        source.is_file() && (source.file_name().ends_with(".npz") || source.head().starts_with(b"PK\x03\x04"))
    }

    fn read(&self, source: &Source, request: &Request<'_>) -> Result<Raw, DataError> {
        let mut archive = Archive::open(source.path())?;
        let mut pairs = archive.pairs()?;
        if request.like.is_some() && pairs.iter().any(|pair| pair.part == Part::Test) {
            pairs.retain(|pair| pair.part == Part::Test);
        }
        let mut sink = None;
        for pair in &pairs {
            archive.copy(pair, &mut sink, request)?;
        }
        sink.ok_or_else(|| archive.no_arrays())?.finish().map(|decoded| Raw::Samples(Box::new(decoded)))
    }
}

/// The names of an array of features and its array of labels.
struct Pair {
    part: Part,
    features: String,
    labels: Option<String>,
}

enum Role {
    Features,
    Labels,
}

/// Splits `x_train.npy` into `train` and its role.
fn role(name: &str) -> Option<(&'static str, Role)> {
    let name = name.to_lowercase();
    let words = || name.trim_end_matches(".npy").split(['_', '-', '/']);
    let part = ["train", "test", "validation", "valid", "val"]
        .into_iter()
        .find(|part| words().any(|word| word == *part));
    let role = words().find_map(|word| match word {
        "x" | "data" | "images" | "image" | "features" | "inputs" => Some(Role::Features),
        "y" | "labels" | "label" | "target" | "targets" => Some(Role::Labels),
        _ => None,
    });
    role.map(|role| (part.unwrap_or(""), role))
}

struct Archive {
    path: PathBuf,
    zip: ZipArchive<BufReader<File>>,
}

type Entry<'a> = Array<Box<dyn Read + 'a>>;

impl Archive {
    fn open(path: &Path) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|source| DataError::Io { path: path.into(), source })?;
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|error| broken(path, error))?;
        Ok(Self { path: path.into(), zip })
    }

    fn names(&self) -> Vec<String> {
        self.zip.file_names().filter_map(|name| name.ok().map(|name| name.into_owned())).collect()
    }

    fn no_arrays(&self) -> DataError {
        let got = crate::labels::shortened(&self.names());
        DataError::corrupt(&self.path, "names of arrays", "x_train and y_train, or x and y", got)
    }

    /// Arrays of features with their labels, the test part last.
    fn pairs(&self) -> Result<Vec<Pair>, DataError> {
        let names = self.names();
        let labels = |part| {
            names
                .iter()
                .find(|name| matches!(role(name), Some((other, Role::Labels)) if other == part))
                .cloned()
        };
        let mut pairs: Vec<(&str, Pair)> = Vec::new();
        for name in &names {
            if let Some((part, Role::Features)) = role(name) {
                let kind = if part == "test" { Part::Test } else { Part::Train };
                pairs.push((part, Pair { part: kind, features: name.clone(), labels: labels(part) }));
            }
        }
        pairs.sort_by_key(|(part, pair)| (pair.part == Part::Test, *part));
        match pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(twice) => {
                let got = format!("{} and {}", twice[0].1.features, twice[1].1.features);
                Err(DataError::corrupt(
                    &self.path,
                    "names of arrays",
                    "one array of features in each part",
                    got,
                ))
            }
            None => Ok(pairs.into_iter().map(|(_, pair)| pair).collect()),
        }
    }

    fn array(&mut self, name: &str) -> Result<Entry<'_>, DataError> {
        let path = self.path.join(name);
        let entry = self.zip.by_name(name).map_err(|error| broken(&path, error))?;
        let length = entry.size();
        Array::open(path, Box::new(BufReader::new(entry)) as Box<dyn Read>, length)
    }

    fn copy(&mut self, pair: &Pair, sink: &mut Option<Sink>, request: &Request<'_>) -> Result<(), DataError> {
        let path = self.path.clone();
        let labels =
            pair.labels.as_ref().map(|name| Targets::read(self.array(name)?, path.join(name))).transpose()?;
        let array = self.array(&pair.features)?;
        let layout = Layout::of(&path.join(&pair.features), &array)?;
        let sink = match sink {
            Some(sink) => sink,
            None => {
                let element = if array.is_bytes() { Element::U8 } else { Element::F32 };
                sink.insert(Sink::new(&path, layout.features.clone(), element, None, request.memory_limit)?)
            }
        };
        if sink.width() != array.width() || (sink.element() == Element::U8) != array.is_bytes() {
            let expected = format!("{} values of the type of the other part in each sample", sink.width());
            let got = format!("shape {:?}", array.shape);
            return Err(DataError::corrupt(path.join(&pair.features), "array", expected, got));
        }
        if let Some(labels) = &labels {
            labels.check(array.shape[0], &path)?;
            sink.labels.few = labels.few();
        }
        layout.copy(array, pair.part, labels.as_ref(), sink)
    }
}

fn broken(path: &Path, error: impl ToString) -> DataError {
    DataError::corrupt(path, "archive", "a whole NPZ file, fetch it again", error.to_string())
}

/// What the axes of an array mean.
struct Layout {
    features: Features,
    channels_first: bool,
}

impl Layout {
    fn of<R: Read>(path: &Path, array: &Array<R>) -> Result<Self, DataError> {
        if matches!(array.kind, Kind::Unicode | Kind::Bytes) {
            return Err(DataError::unsupported(path, "an array of texts as features", "store numbers"));
        }
        check_shape(path, &array.shape[1..])?;
        let last = |features| Ok(Self { features, channels_first: false });
        match array.shape[1..] {
            [] => last(Features::Table { numbers: 1, categories: Vec::new() }),
            [numbers] => last(Features::Table { numbers, categories: Vec::new() }),
            [height, width] if array.is_bytes() || (height == width && width >= MIN_SIDE) => {
                last(Features::Image { height, width, channels: 1 })
            }
            [steps, channels] => last(Features::Series { steps, channels }),
            [channels @ (1 | 3 | 4), height, width] if width > 4 => {
                Ok(Self { features: Features::Image { height, width, channels }, channels_first: true })
            }
            [height, width, channels] => last(Features::Image { height, width, channels }),
            _ => {
                let what = format!("an array of {} axes", array.shape.len());
                Err(DataError::unsupported(path, what, "store [n, height, width, channels]"))
            }
        }
    }

    fn copy(
        &self,
        mut array: Entry<'_>,
        part: Part,
        labels: Option<&Targets>,
        sink: &mut Sink,
    ) -> Result<(), DataError> {
        let (mut row, mut bytes, mut floats) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..array.shape[0] {
            array.next(&mut row)?;
            let label = labels.map_or(Label::None, |labels| labels.get(index));
            if array.is_bytes() {
                self.arrange(row.iter().copied(), &mut bytes);
                sink.push_bytes(part, label, &bytes)?;
            } else {
                self.arrange(array.numbers(&row).map(|value| value as f32), &mut floats);
                sink.push_floats(part, label, &floats)?;
            }
        }
        Ok(())
    }

    /// Puts the values of a sample into `out`, channels last.
    fn arrange<T: Copy + Default>(&self, values: impl Iterator<Item = T>, out: &mut Vec<T>) {
        out.clear();
        match (&self.features, self.channels_first) {
            (Features::Image { height, width, channels }, true) => {
                let plane = height * width;
                out.resize(plane * channels, T::default());
                values.enumerate().for_each(|(i, value)| out[i % plane * channels + i / plane] = value);
            }
            _ => out.extend(values),
        }
    }
}

/// Labels of one part.
struct Targets {
    path: PathBuf,
    is_integer: bool,
    numbers: Vec<f64>,
    texts: Vec<String>,
}

impl Targets {
    fn read(mut array: Entry<'_>, path: PathBuf) -> Result<Self, DataError> {
        if array.width() != 1 {
            let advice = "store one label for each sample, of one-hot rows y.argmax(1)";
            return Err(DataError::unsupported(path, format!("labels of shape {:?}", array.shape), advice));
        }
        let is_integer = matches!(array.kind, Kind::Unsigned | Kind::Signed);
        let is_text = matches!(array.kind, Kind::Unicode | Kind::Bytes);
        let mut targets = Self { path, is_integer, numbers: Vec::new(), texts: Vec::new() };
        let mut row = Vec::new();
        for _ in 0..array.shape[0] {
            array.next(&mut row)?;
            match is_text {
                true => targets.texts.push(array.text(&row)),
                false => targets.numbers.extend(array.numbers(&row)),
            }
        }
        Ok(targets)
    }

    fn few(&self) -> usize {
        if self.is_integer { MAX_INTEGER_CLASSES } else { 20 }
    }

    fn check(&self, samples: usize, archive: &Path) -> Result<(), DataError> {
        let got = self.numbers.len() + self.texts.len();
        if got == samples {
            return Ok(());
        }
        let expected = format!("one label for each of {samples} samples of {}", archive.display());
        Err(DataError::corrupt(&self.path, "labels", expected, got.to_string()))
    }

    fn get(&self, index: usize) -> Label<'_> {
        match self.texts.get(index) {
            Some(text) => Label::Text(text),
            None => self.numbers.get(index).map_or(Label::None, |&number| Label::Number(number)),
        }
    }
}
