//! A machine that the user has added.

use anyhow::{Context, Result, bail};
use nasmyth_measure::utc;
use nasmyth_runner::{
    Address, Architecture, Installed, Remote, RunnerFile, RunnerThere, Ssh, architecture, install,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The version that this program writes and reads.
const VERSION: u32 = 1;

/// Where the runner is kept on devices, below the login folder.
const FOLDER: &str = ".nasmyth";

/// How a machine is reached, and what it is. It holds no secret: `identity` is the name of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    version: u32,
    /// Where it is.
    pub address: Address,
    /// File with the key, if not one that `ssh` finds itself.
    pub identity: Option<PathBuf>,
    /// Folder of the runner on it.
    pub folder: String,
    /// Its kind, see [`nasmyth_runner::ARCHITECTURES`].
    pub architecture: String,
    /// Its processor.
    pub cpu: String,
    /// Its cores.
    pub cores: usize,
    /// Version of the runner that was copied.
    pub runner: String,
    /// [`nasmyth_runner::hash`] of it.
    pub hash: String,
    /// When it was copied, UTC.
    pub date: String,
}

impl Host {
    /// Looks at the machine, copies a runner if the right one is not there, and tries it. `runner` is the runner's file; without it,
    /// it is looked for in `$NASMYTH_RUNNERS` and beside this program. Also returns whether it was copied.
    ///
    /// # Errors
    /// The machine cannot be reached or does not fit, or there is no runner for it.
    pub fn set_up(
        address: Address,
        identity: Option<&Path>,
        folder: Option<&str>,
        runner: Option<&Path>,
    ) -> Result<(Self, bool)> {
        let identity = identity.map(existing).transpose()?;
        // The shell that expands `~` is the one on this side.
        let folder = folder.map_or(FOLDER, |folder| folder.strip_prefix("~/").unwrap_or(folder));
        let ssh = ssh(address, identity)?;
        let architecture = architecture(&ssh)?;
        let runner = match runner {
            Some(path) => RunnerFile::open(path, architecture)?,
            None => RunnerFile::find(&runner_folders(), architecture)?,
        };
        let Installed { greeting, copied, .. } = install(&ssh, folder, &runner)?;
        let host = Self {
            version: VERSION,
            address: ssh.address,
            identity: ssh.identity,
            folder: folder.to_owned(),
            architecture: architecture.name.to_owned(),
            cpu: greeting.cpu,
            cores: greeting.cores,
            runner: greeting.version,
            hash: greeting.hash,
            date: utc(),
        };
        Ok((host, copied))
    }

    /// The same machine, looked at anew, with the runner of this version.
    ///
    /// # Errors
    /// Those of [`set_up`](Self::set_up).
    pub fn update(&self, runner: Option<&Path>) -> Result<(Self, bool)> {
        Self::set_up(self.address.clone(), self.identity.as_deref(), Some(&self.folder), runner)
    }

    /// The machine as a device `name` that measures with `threads` threads.
    ///
    /// # Errors
    /// A broken command for `ssh`.
    pub fn remote(&self, name: &str, threads: usize) -> Result<Remote> {
        let ssh = ssh(self.address.clone(), self.identity.clone())?;
        let runner = RunnerThere { ssh, folder: self.folder.clone(), hash: self.hash.clone() };
        Ok(Remote::new(name, &self.cpu, runner, threads))
    }

    /// Reads its TOML form.
    ///
    /// # Errors
    /// Another text, or one of another version.
    pub fn parse(text: &str) -> Result<Self> {
        let host: Self = toml::from_str(text).context("not the file of a host")?;
        if host.version != VERSION {
            bail!("expected version {VERSION}, got {}: add the device again", host.version);
        }
        if Architecture::named(&host.architecture).is_none() {
            bail!("`architecture`: there is none called `{}`: add the device again", host.architecture);
        }
        nasmyth_runner::check_folder(&host.folder)?;
        Ok(host)
    }

    /// Its TOML form.
    ///
    /// # Errors
    /// A name of a file that is no text.
    pub fn to_text(&self) -> Result<String> {
        toml::to_string(self).context("cannot write the host as TOML")
    }
}

/// The whole name of a file that is there.
fn existing(file: &Path) -> Result<PathBuf> {
    file.canonicalize().with_context(|| format!("cannot read {}", file.display()))
}

/// `$NASMYTH_SSH` with its arguments, else `ssh`.
fn ssh(address: Address, identity: Option<PathBuf>) -> Result<Ssh> {
    let mut ssh = Ssh::new(address, identity);
    if let Ok(command) = std::env::var("NASMYTH_SSH") {
        let words = shlex::split(&command).filter(|words| !words.is_empty());
        ssh.command = words.with_context(|| format!("NASMYTH_SSH: expected a command, got `{command}`"))?;
    }
    Ok(ssh)
}

/// `$NASMYTH_RUNNERS` and the folder of this program.
fn runner_folders() -> Vec<PathBuf> {
    let set = std::env::var_os("NASMYTH_RUNNERS").map(PathBuf::from);
    let here = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_owned()));
    set.into_iter().chain(here).collect()
}
