//! The machines that the user has added, by name.

use crate::{Host, RunFolder};
use anyhow::{Context, Result, anyhow, bail};
use nasmyth_measure::Local;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Longest name.
const LONGEST: usize = 64;

/// What belongs to the user and to no run: `$NASMYTH_HOME`, else `nasmyth` where the system keeps configurations
/// (`$XDG_CONFIG_HOME`, else `~/.config`).
///
/// # Errors
/// None of these is known.
pub fn home_folder() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = || set("XDG_CONFIG_HOME").or_else(|| Some(std::env::home_dir()?.join(".config")));
    let home = set("NASMYTH_HOME").or_else(|| Some(config()?.join("nasmyth")));
    home.context("no home folder is known: set NASMYTH_HOME to a folder for the user's settings")
}

/// A folder with one TOML file for each [`Host`].
pub struct Hosts(PathBuf);

impl Hosts {
    /// Those of the user: `hosts` in the [`home_folder`].
    ///
    /// # Errors
    /// No home folder.
    pub fn of_user() -> Result<Self> {
        Ok(Self(home_folder()?.join("hosts")))
    }

    /// Those in a folder, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.toml"))
    }

    /// Names, in alphabetical order.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn names(&self) -> Result<Vec<String>> {
        let failed = || format!("cannot read {}", self.0.display());
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(failed)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let file = entry.with_context(failed)?.file_name();
            names.extend(file.to_str().and_then(|file| file.strip_suffix(".toml")).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// The machine of this name.
    ///
    /// # Errors
    /// There is none (with the nearest name), or its file is broken.
    pub fn get(&self, name: &str) -> Result<Host> {
        if !self.contains(name) {
            return Err(self.unknown(name)?);
        }
        let path = self.path(name);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Host::parse(&text).with_context(|| path.display().to_string())
    }

    /// Whether there is a machine of this name.
    pub fn contains(&self, name: &str) -> bool {
        check(name).is_ok() && self.path(name).is_file()
    }

    fn unknown(&self, name: &str) -> Result<anyhow::Error> {
        let names = self.names()?;
        let near = names.iter().map(|known| (strsim::damerau_levenshtein(known, name), known)).min();
        let hint = near
            .filter(|(edits, _)| *edits <= 3)
            .map_or(String::new(), |(_, n)| format!(", did you mean `{n}`?"));
        Ok(anyhow!(
            "there is no device `{name}`{hint} (`nasmyth device list` shows those in {}, `nasmyth device add` makes one)",
            self.0.display()
        ))
    }

    /// Whether `name` can be given to a new machine.
    ///
    /// # Errors
    /// It is taken, or not a name.
    pub fn check_new(&self, name: &str) -> Result<()> {
        check(name)?;
        if self.path(name).exists() {
            bail!(
                "there is a device `{name}` already: choose another name, copy a new runner to it with `nasmyth device update {name}`, \
                 or forget it with `nasmyth device remove {name}`"
            );
        }
        Ok(())
    }

    /// Writes the file of a machine.
    ///
    /// # Errors
    /// Not a name, or the file cannot be written.
    pub fn put(&self, name: &str, host: &Host) -> Result<()> {
        check(name)?;
        RunFolder::write(&self.path(name), host.to_text()?.as_bytes())
    }

    /// Forgets a machine. Nothing is changed on it.
    ///
    /// # Errors
    /// There is none (with the nearest name), or its file cannot be removed.
    pub fn remove(&self, name: &str) -> Result<()> {
        if !self.contains(name) {
            return Err(self.unknown(name)?);
        }
        let path = self.path(name);
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))
    }
}

fn check(name: &str) -> Result<()> {
    let known = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !begins || !name.chars().all(known) || name.len() > LONGEST {
        bail!(
            "`{name}`: expected a name of letters, digits, `-` and `_`, at most {LONGEST}, that begins with a letter or digit"
        );
    }
    if name == Local::NAME {
        bail!("`{name}` is this machine: choose another name");
    }
    Ok(())
}
