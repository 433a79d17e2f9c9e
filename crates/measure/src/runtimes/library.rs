//! Where the library of ONNX Runtime is.

use crate::MeasureError;
use std::env;
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names its library.
const VARIABLE: &str = "ORT_DYLIB_PATH";

/// Says where Python keeps the package, without loading it.
const ASK_PYTHON: &str =
    "import importlib.util as u; print(u.find_spec('onnxruntime').submodule_search_locations[0])";

const FOLDERS: &[&str] = &[
    "/usr/local/lib",
    "/usr/lib",
    "/usr/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/arm-linux-gnueabihf",
    "/opt/homebrew/lib",
];

/// The library that is named, by the caller or else by the environment, or the first one found: the package of Python, then the usual
/// folders.
pub(super) fn find(given: Option<&Path>) -> Result<PathBuf, MeasureError> {
    let named = given.map(Path::to_owned).or_else(|| env::var_os(VARIABLE).map(PathBuf::from));
    if let Some(path) = named.filter(|path| !path.as_os_str().is_empty()) {
        let found = if path.is_dir() { in_folder(&path) } else { path.is_file().then(|| path.clone()) };
        let missing = || MeasureError::Library(format!("there is no library at {}", path.display()));
        return found.ok_or_else(missing);
    }
    let searched = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let searched: Vec<PathBuf> = env::split_paths(&searched).collect();
    let package = of_python().map(|package| package.join("capi"));
    let mut folders = package.into_iter().chain(searched).chain(FOLDERS.iter().map(PathBuf::from));
    let nowhere = || {
        MeasureError::Library(format!(
            "its library is neither among the packages of python3 nor in {}",
            FOLDERS.join(", ")
        ))
    };
    folders.find_map(|folder| in_folder(&folder)).ok_or_else(nowhere)
}

fn of_python() -> Option<PathBuf> {
    let mut command = Command::new("python3");
    let output = command.args(["-c", ASK_PYTHON]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(folder.trim()))
}

/// `libonnxruntime.so`, with or without a version behind it, and what other systems call it.
fn in_folder(folder: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    files.filter(|file| file.file_name().and_then(|n| n.to_str()).is_some_and(is_library)).max()
}

fn is_library(name: &str) -> bool {
    let linux = name.strip_prefix("libonnxruntime.so");
    let versioned = linux.is_some_and(|v| v.chars().all(|c| c == '.' || c.is_ascii_digit()));
    let mac = name.strip_prefix("libonnxruntime.").is_some_and(|rest| rest.ends_with("dylib"));
    versioned || mac || name == "onnxruntime.dll"
}

/// What the library calls its version, such as `1.20.1`.
///
/// # Errors
/// It does not load, or is another library.
pub(super) fn version(path: &Path) -> Result<String, MeasureError> {
    let failed = |what: String| MeasureError::Library(format!("{}: {what}", path.display()));
    // SAFETY: loading runs the library's initialisers; that is what its user asks for.
    let library = unsafe { libloading::Library::new(path) }.map_err(|e| failed(e.to_string()))?;
    type Base = unsafe extern "C" fn() -> *const ort::sys::OrtApiBase;
    // SAFETY: every version of ONNX Runtime exports this function with this type.
    let base = unsafe { library.get::<Base>(b"OrtGetApiBase\0") };
    let base = base.map_err(|_| failed("it is not ONNX Runtime".to_owned()))?;
    // SAFETY: the function takes nothing, and gives null or a table that lives as long as the library.
    let base = unsafe { base().as_ref() }.ok_or_else(|| failed("it gives no interface".to_owned()))?;
    // SAFETY: the string is constant and ends with a zero.
    let version = unsafe { CStr::from_ptr((base.GetVersionString)()) };
    Ok(version.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_by_name() {
        for name in ["libonnxruntime.so", "libonnxruntime.so.1.20.1", "libonnxruntime.1.20.1.dylib"] {
            assert!(is_library(name), "{name}");
        }
        for name in ["libonnxruntime_providers_shared.so", "libonnxruntime.so.txt", "onnxruntime.lib"] {
            assert!(!is_library(name), "{name}");
        }
    }

    #[test]
    fn a_folder_stands_for_the_library_in_it_and_what_is_missing_or_no_library_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let says = |error: MeasureError, text: &str| {
            let error = error.to_string();
            assert!(error.contains(text) && error.contains("pip install onnxruntime"), "{error}");
        };
        says(find(Some(place.path())).unwrap_err(), "there is no library at");
        let file = place.path().join("libonnxruntime.so.1.20.1");
        std::fs::write(&file, "no library").unwrap();
        assert_eq!(find(Some(place.path())).unwrap(), file);
        assert_eq!(find(Some(&file)).unwrap(), file);
        says(version(&file).unwrap_err(), "libonnxruntime.so.1.20.1");
        says(find(Some(&place.path().join("other"))).unwrap_err(), "other");
    }
}
