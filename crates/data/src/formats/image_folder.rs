//! Folders of images, one folder for each class, as they are or in a tar archive (gzip or not).
//!
//! Of `.../train|val|test/CLASS/file` the last folder is the class; a folder of a part anywhere above it tells the
//! part. Validation images count as test part where there is no test folder, else as training images.

use super::{Format, Raw, Request};
use crate::error::DataError;
use crate::features::{Features, TaskKind};
use crate::labels::Label;
use crate::pixels::Pixels;
use crate::sink::{Decoded, Part, Sink};
use crate::source::{Source, list, unpacked};
use crate::store::Element;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// Folders below the source that are looked into.
const DEPTH: usize = 6;
/// Bytes of the largest image file.
const MAX_FILE: u64 = 1 << 28;

/// The format.
pub(crate) struct ImageFolder;

impl Format for ImageFolder {
    fn name(&self) -> &'static str {
        "images"
    }

    fn doc(&self) -> &'static str {
        "PNG or JPEG images of one size, one folder for each class: CLASS/FILE or train|test/CLASS/FILE, also inside \
         a .tar or .tar.gz"
    }

    fn detects(&self, source: &Source) -> bool {
        is_tar(source) || source.entries().iter().any(|path| holds_image(path, 3)) || is_single(source)
    }

    fn read(&self, source: &Source, request: &Request<'_>) -> Result<Raw, DataError> {
        let channels = match request.like.map(|schema| &schema.features) {
            Some(Features::Image { channels, .. }) => Some(*channels),
            _ => None,
        };
        let first = Reading::new(source, request, channels).run()?;
        match first {
            Some(decoded) => Ok(Raw::Samples(Box::new(decoded))),
            None => Reading::new(source, request, Some(3))
                .run()?
                .map(|decoded| Raw::Samples(Box::new(decoded)))
                .ok_or_else(|| DataError::empty(source.path(), "images")),
        }
    }
}

fn is_tar(source: &Source) -> bool {
    source.head().get(257..262) == Some(b"ustar")
}

fn is_single(source: &Source) -> bool {
    source.is_file() && is_image(source.path())
}

fn is_image(path: &Path) -> bool {
    let suffix = path.extension().map(|suffix| suffix.to_string_lossy().to_lowercase());
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !hidden && matches!(suffix.as_deref(), Some("png" | "jpg" | "jpeg"))
}

/// Whether an image is found in the first entries of the folders down from `path`.
fn holds_image(path: &Path, depth: usize) -> bool {
    if depth == 0 || !path.is_dir() {
        return is_image(path);
    }
    list(path).is_ok_and(|entries| entries.iter().take(8).any(|entry| holds_image(entry, depth - 1)))
}

/// Which folder an image is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Train,
    Valid,
    Test,
}

fn place(folder: &str) -> Option<Place> {
    match folder.to_lowercase().as_str() {
        "train" | "training" => Some(Place::Train),
        "val" | "valid" | "validation" => Some(Place::Valid),
        "test" | "testing" => Some(Place::Test),
        _ => None,
    }
}

/// Part and class from the folders of a path inside the source.
fn locate(inside: &Path) -> (Place, Option<String>) {
    let text = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    };
    let mut folders: Vec<String> =
        inside.parent().map(|p| p.components().filter_map(text).collect()).unwrap_or_default();
    let class = folders.pop_if(|last| place(last).is_none());
    (folders.iter().rev().find_map(|folder| place(folder)).unwrap_or(Place::Train), class)
}

/// One pass over the images.
struct Reading<'a> {
    source: &'a Source,
    request: &'a Request<'a>,
    channels: Option<usize>,
    first: Option<(PathBuf, Pixels)>,
    sink: Option<Sink>,
    places: Vec<Place>,
}

impl<'a> Reading<'a> {
    fn new(source: &'a Source, request: &'a Request<'a>, channels: Option<usize>) -> Self {
        Self { source, request, channels, first: None, sink: None, places: Vec::new() }
    }

    /// `None` if a colour image follows grey ones, and all must be read again in colour.
    fn run(mut self) -> Result<Option<Decoded>, DataError> {
        let go_on = match (self.source.is_folder(), is_single(self.source)) {
            (true, _) => self.folder(self.source.path(), DEPTH)?,
            (false, true) => self.add(self.source.path(), Path::new(""), &read(self.source.path())?)?,
            (false, false) => self.archive()?,
        };
        if go_on { self.finish().map(Some) } else { Ok(None) }
    }

    fn folder(&mut self, folder: &Path, depth: usize) -> Result<bool, DataError> {
        for path in list(folder)? {
            let go_on = if path.is_dir() && depth > 0 {
                self.folder(&path, depth - 1)?
            } else if is_image(&path) {
                let inside = path.strip_prefix(self.source.path()).unwrap_or(&path).to_path_buf();
                self.add(&path, &inside, &read(&path)?)?
            } else {
                true
            };
            if !go_on {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn archive(&mut self) -> Result<bool, DataError> {
        let path = self.source.path();
        let wrap = |error| DataError::io(path, error);
        let mut archive = tar::Archive::new(unpacked(path)?);
        let mut file = Vec::new();
        for entry in archive.entries().map_err(wrap)? {
            let mut entry = entry.map_err(wrap)?;
            let inside = entry.path().map_err(wrap)?.into_owned();
            if !entry.header().entry_type().is_file() || !is_image(&inside) {
                continue;
            }
            file.clear();
            let size = entry.size();
            (&mut entry).take(size.min(MAX_FILE)).read_to_end(&mut file).map_err(wrap)?;
            if (file.len() as u64) < size {
                let got = format!("{} bytes", file.len());
                return Err(DataError::truncated(path.join(inside), "archive", format!("{size} bytes"), got));
            }
            if !self.add(&path.join(&inside), &inside, &file)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds an image; false if it asks for a second pass in colour.
    fn add(&mut self, path: &Path, inside: &Path, file: &[u8]) -> Result<bool, DataError> {
        let mut pixels = Pixels::decode(path, file)?;
        let channels = *self.channels.get_or_insert(pixels.channels);
        if pixels.channels > channels && self.request.like.is_none() {
            return Ok(false);
        }
        if pixels.channels < channels {
            pixels = pixels.in_colour();
        }
        self.check_size(path, &pixels)?;
        let (place, class) = locate(inside);
        let label = class.as_deref().map_or(Label::None, Label::Text);
        self.places.push(place);
        self.sink(&pixels)?.push_bytes(Part::Train, label, &pixels.bytes)?;
        Ok(true)
    }

    fn check_size(&mut self, path: &Path, pixels: &Pixels) -> Result<(), DataError> {
        let (first, size) = match &self.first {
            Some((first, size)) => (first, size),
            None => {
                self.first = Some((path.into(), Pixels { bytes: Vec::new(), ..*pixels }));
                return Ok(());
            }
        };
        if size.size() == pixels.size() {
            return Ok(());
        }
        Err(DataError::SizeMismatch {
            first: first.clone(),
            first_size: size.size(),
            second: path.into(),
            second_size: pixels.size(),
        })
    }

    fn sink(&mut self, pixels: &Pixels) -> Result<&mut Sink, DataError> {
        if self.sink.is_none() {
            let Pixels { height, width, channels, .. } = *pixels;
            let features = Features::Image { height, width, channels };
            let (kind, limit) = (Some(TaskKind::Classification), self.request.memory_limit);
            self.sink = Some(Sink::new(self.source.path(), features, Element::U8, kind, limit)?);
        }
        self.sink.as_mut().ok_or_else(|| DataError::empty(self.source.path(), "images"))
    }

    fn finish(self) -> Result<Decoded, DataError> {
        let sink = self.sink.ok_or_else(|| {
            DataError::empty(
                self.source.path(),
                "PNG or JPEG images in a folder for each class; unpack other archives",
            )
        })?;
        let mut decoded = sink.finish()?;
        let has_test = self.places.contains(&Place::Test);
        let is_test = |place: &Place| *place == Place::Test || (*place == Place::Valid && !has_test);
        decoded.test = self.places.iter().map(is_test).collect();
        if self.places.contains(&Place::Valid) {
            let use_of = if has_test { "joined with the training images" } else { "used as test part" };
            decoded.notes.push(format!("images of the validation folder are {use_of}"));
        }
        Ok(decoded)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let wrap = |source| DataError::Io { path: path.into(), source };
    let got = fs::metadata(path).map_err(wrap)?.len();
    if got > MAX_FILE {
        let what = "the file of an image, in bytes,".into();
        return Err(DataError::TooLarge { path: path.into(), what, got, limit: MAX_FILE });
    }
    fs::read(path).map_err(wrap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_folder_is_the_class_and_a_part_may_lie_above() {
        let class = |path| locate(Path::new(path)).1.unwrap_or_default();
        assert_eq!(class("cifar/train/cat/1.png"), "cat");
        assert_eq!(class("cat/1.png"), "cat");
        assert_eq!(class("test/1.png"), "");
        assert!(locate(Path::new("a/Test/cat/1.png")).0 == Place::Test);
        assert!(locate(Path::new("cat/1.png")).0 == Place::Train);
    }
}
