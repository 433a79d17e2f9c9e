//! Datasets in two files, `NAME_TRAIN` and `NAME_TEST`, as the time series archives have them.

use crate::error::DataError;
use crate::labels::shortened;
use crate::sink::Part;
use crate::source::{Source, plain_name};
use std::path::{Path, PathBuf};

/// Whether `path` is called `NAME_TRAIN` or `NAME_TEST` with one of the suffixes.
pub(super) fn is_part(path: &Path, suffixes: &[&str]) -> bool {
    let name = plain_name(path);
    let stem = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix));
    stem.is_some_and(|stem| stem.ends_with("_train") || stem.ends_with("_test"))
}

fn part(path: &Path) -> Part {
    let name = plain_name(path);
    if name.rsplit('.').nth(1).is_some_and(|stem| stem.ends_with("_test")) { Part::Test } else { Part::Train }
}

/// The files to read. Of a folder both parts, or only the test part for a network that exists (`like`); of a
/// training file also its test sibling, unless `like`.
pub(super) fn parts(
    source: &Source,
    suffixes: &[&str],
    like: bool,
) -> Result<Vec<(Part, PathBuf)>, DataError> {
    let mut files: Vec<(Part, PathBuf)> = match source.is_folder() {
        true => {
            source.entries().iter().filter(|p| is_part(p, suffixes)).map(|p| (part(p), p.clone())).collect()
        }
        false => vec![(Part::Train, source.path().into())],
    };
    if source.is_file() && !like && is_part(source.path(), suffixes) {
        files.extend(test_sibling(source.path()).map(|path| (Part::Test, path)));
    }
    if like && files.iter().any(|(part, _)| *part == Part::Test) {
        files.retain(|(part, _)| *part == Part::Test);
    }
    files.sort_by_key(|(part, _)| *part == Part::Test);
    let parts = |wanted| files.iter().filter(|(part, _)| *part == wanted).count();
    if parts(Part::Train) > 1 || parts(Part::Test) > 1 {
        let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let names: Vec<String> = files.iter().filter_map(|(_, path)| name(path)).collect();
        let got = shortened(&names);
        return Err(DataError::corrupt(source.path(), "folder", "one dataset; name its _TRAIN file", got));
    }
    Ok(files)
}

fn test_sibling(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let sibling = path.with_file_name(name.replacen("_TRAIN", "_TEST", 1));
    (sibling != path && sibling.is_file()).then_some(sibling)
}

/// Refuses a series longer than those of training.
pub(super) fn check_length(path: &Path, line: u64, got: usize, steps: usize) -> Result<(), DataError> {
    if got <= steps {
        return Ok(());
    }
    let expected = format!("at most {steps} steps, as in training");
    Err(DataError::corrupt(path, format!("line {line}"), expected, got.to_string()))
}
