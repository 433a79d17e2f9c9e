//! The folder of a run.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Where everything of a run lies.
///
/// ```
/// use nasmyth::RunFolder;
///
/// let folder = RunFolder::new("runs/mnist1d".as_ref());
/// assert!(folder.best("model.onnx").ends_with("best/model.onnx"));
/// ```
#[derive(Clone, Debug)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// The folder at `path`, which need not exist.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// `runs/NAME`, or `runs/NAME-2` and so on if that exists already.
    pub fn unused(name: &str) -> PathBuf {
        let clean = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let name: String = name.chars().map(clean).collect();
        let numbered = (2..).map(|i| format!("{name}-{i}"));
        let candidates = std::iter::once(name.clone()).chain(numbered).map(|n| Path::new("runs").join(n));
        candidates.into_iter().find(|p| !p.exists()).unwrap_or_else(|| Path::new("runs").join(&name))
    }

    /// Path of the folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The resolved configuration.
    pub fn config(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// How the data was decoded.
    pub fn schema(&self) -> PathBuf {
        self.0.join("schema.json")
    }

    /// How the data was divided.
    pub fn split(&self) -> PathBuf {
        self.0.join("split.json")
    }

    /// The report.
    pub fn report(&self) -> PathBuf {
        self.0.join("report.html")
    }

    /// Checkpoints of trials.
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoints")
    }

    /// Where a final training stands.
    pub(crate) fn final_checkpoint(&self, name: &str) -> PathBuf {
        self.0.join(format!("final-{name}.checkpoint"))
    }

    /// Steps of a final training that was interrupted, by how the name of its checkpoint begins.
    pub(crate) fn final_steps(&self, begun: &str) -> Option<u64> {
        let of = |name: String| {
            name.strip_prefix("final-")?.strip_suffix(".checkpoint")?.strip_prefix(begun)?.parse().ok()
        };
        self.names().into_iter().find_map(of)
    }

    /// Removes what only a resumed run needs.
    pub(crate) fn forget_checkpoints(&self) {
        let _ = fs::remove_dir_all(self.checkpoints());
        let names = self.names().into_iter().filter(|n| n.starts_with("final-") && n.contains(".checkpoint"));
        names.for_each(|name| drop(fs::remove_file(self.0.join(name))));
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    /// A file of the found network; of a front, of the network with the best value.
    pub fn best(&self, file: &str) -> PathBuf {
        self.network("best", file)
    }

    /// A file of the network in this folder of the run: `best`, or `front/01` and so on.
    pub fn network(&self, place: &str, file: &str) -> PathBuf {
        self.0.join(place).join(file)
    }

    /// Models of the devices that limits and objectives name, and what they were fitted to.
    pub fn devices(&self) -> PathBuf {
        self.0.join("devices")
    }

    /// What a differentiable search came to.
    pub(crate) fn relaxed(&self) -> PathBuf {
        self.0.join("relaxed.json")
    }

    /// Patterns that good networks have in common.
    pub(crate) fn motifs(&self) -> PathBuf {
        self.0.join("motifs.json")
    }

    /// The list of the networks of a front.
    pub fn front(&self) -> PathBuf {
        self.0.join("front").join("front.json")
    }

    /// Copies all files of one network's folder to another.
    pub(crate) fn copy(&self, from: &str, to: &str) -> Result<()> {
        let from = self.0.join(from);
        let entries = fs::read_dir(&from).with_context(|| format!("cannot read {}", from.display()))?;
        for entry in entries.flatten() {
            let bytes = fs::read(entry.path());
            let bytes = bytes.with_context(|| format!("cannot read {}", entry.path().display()))?;
            Self::write(&self.0.join(to).join(entry.file_name()), &bytes)?;
        }
        Ok(())
    }

    /// Reads a text file of the user's.
    pub fn read_input(path: &Path) -> Result<String> {
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Reads a file of a run as text.
    pub fn read(path: &Path) -> Result<String> {
        fs::read_to_string(path)
            .with_context(|| format!("cannot read {}: is this the folder of a finished run?", path.display()))
    }

    /// Writes a file whole or not at all: under another name first, then renamed. Folders are made as needed. What is no
    /// regular file, such as a pipe, is written to directly, and of a link the file that it leads to is replaced.
    pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
        let failed = || {
            format!(
                "cannot write {}: check free space and permissions; what was there before is unchanged",
                path.display()
            )
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(failed)?;
        }
        if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            return fs::write(path, bytes).with_context(failed);
        }
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, path));
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written.with_context(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        RunFolder::write(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");

        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(RunFolder::write(&socket, b"no").is_err());
        assert!(!fs::metadata(&socket).unwrap().is_file());
    }
}
