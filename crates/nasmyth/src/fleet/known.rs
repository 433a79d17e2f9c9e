//! Devices by the names that limits call them.

use super::ready::{READY_DEVICES, ready_device};
use crate::{Hosts, home_folder};
use anyhow::{Context, Result, anyhow, bail, ensure};
use nasmyth_device::{DeviceFile, Header};
use nasmyth_measure::{Local, Options, RUNTIMES, Runtime, Target, cpu_name, utc};
use std::fs;
use std::path::{Path, PathBuf};

/// The machine that this program runs on.
const THIS: &str = "this";

/// The runtime that latency is measured in unless somebody says otherwise: what ships is an ONNX file.
const RUNTIME: &str = "rten";

/// Address of the machine that this program runs on, and how the address of a host begins that the user has added.
const LOCAL: &str = "local";
const HOST: &str = "host:";

/// Folder of the user's device files: `devices` in the [`home_folder`].
///
/// # Errors
/// No home folder.
pub fn device_folder() -> Result<PathBuf> {
    Ok(home_folder()?.join("devices"))
}

/// Whether a device file may have this name.
///
/// # Errors
/// It cannot be the name of a file.
pub fn check_device_name(name: &str) -> Result<()> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ensure!(
        !name.is_empty() && name.chars().all(fine) && !name.ends_with(".toml") && !name.starts_with('.'),
        "expected a name of letters, digits, `-`, `_` and `.`, got `{name}`"
    );
    Ok(())
}

/// The names of the devices in a folder.
pub fn device_names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |entry: fs::DirEntry| Some(entry.file_name().to_str()?.strip_suffix(".toml")?.to_owned());
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort();
    names
}

/// Reads a device file.
///
/// # Errors
/// One that cannot be read, or is none.
pub fn read_device(path: &Path) -> Result<DeviceFile> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    DeviceFile::parse(&text).with_context(|| path.display().to_string())
}

/// The text of a device file: of the user's, by name or path, or of one that comes with Nasmyth.
///
/// # Errors
/// No such file, with the nearest name.
pub fn device_text(name: &str) -> Result<String> {
    let folder = device_folder()?;
    let file =
        if name.ends_with(".toml") { PathBuf::from(name) } else { folder.join(format!("{name}.toml")) };
    match ready_device(name).filter(|_| !file.is_file()) {
        Some(text) => Ok(text.to_owned()),
        None if file.is_file() => Ok(read_device(&file)?.to_text()?),
        None => Err(unknown(name, &folder, Vec::new())),
    }
}

/// Removes the file of a device and what was measured for it. Returns whether there was such a device.
///
/// # Errors
/// No home folder, or files that cannot be removed.
pub fn forget_models(name: &str) -> Result<bool> {
    let folder = device_folder()?;
    if !device_names(&folder).iter().any(|known| known == name) {
        return Ok(false);
    }
    for file in [format!("{name}.jsonl"), format!("{name}-check.jsonl"), format!("{name}.toml")] {
        let path = folder.join(file);
        if path.is_file() {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(true)
}

/// A device, and how to reach it.
pub struct KnownDevice {
    /// Who it is, and what is known of it.
    pub file: DeviceFile,
    /// Where networks can be measured on it: not for a device that only its models speak for.
    pub target: Option<Box<dyn Target>>,
    /// On this machine, what to measure the file in that ships.
    pub local: Option<(&'static Runtime, Options)>,
}

/// The device that a limit calls `name`: a file in the folder of devices, the path of a file, a host that was added, `this` for this
/// machine (in rten), `this/RUNTIME`, or a device that comes with Nasmyth. What is the user's goes first.
///
/// # Errors
/// No such device, with the nearest name; a runtime that is not there; a device file that cannot be read.
pub fn find_device(name: &str) -> Result<KnownDevice> {
    let folder = device_folder()?;
    let file = folder.join(format!("{name}.toml"));
    if name.ends_with(".toml") {
        return reach(read_device(Path::new(name))?);
    }
    if !name.contains(['/', '\\']) && file.is_file() {
        return reach(read_device(&file)?);
    }
    let hosts = Hosts::of_user()?;
    if hosts.contains(name) {
        return on_host(None, name, 1);
    }
    match name.split_once('/') {
        None if name == THIS => this(RUNTIME),
        Some((THIS, runtime)) => this(runtime),
        _ => match ready_device(name) {
            Some(text) => reach(DeviceFile::parse(text)?),
            None => Err(unknown(name, &folder, hosts.names()?)),
        },
    }
}

fn unknown(name: &str, folder: &Path, mut names: Vec<String>) -> anyhow::Error {
    names.extend(device_names(folder));
    names.extend(READY_DEVICES.iter().map(|(name, _)| (*name).to_owned()));
    names.push(THIS.to_owned());
    names.extend(RUNTIMES.iter().map(|r| format!("{THIS}/{}", r.name)));
    let near = names.iter().min_by_key(|known| strsim::damerau_levenshtein(known, name));
    let near = near.filter(|known| strsim::damerau_levenshtein(known, name) <= 3);
    let hint = near.map_or(String::new(), |near| format!(", did you mean `{near}`?"));
    anyhow!(
        "there is no device `{name}`{hint} (`nasmyth device list` shows all; `nasmyth device add` adds a machine, and `nasmyth device calibrate \
         --name {name}` makes one of this machine)"
    )
}

/// This machine, of which nothing is known yet.
fn this(runtime: &str) -> Result<KnownDevice> {
    let runtime = Runtime::find(runtime)?;
    let header = Header {
        name: THIS.to_owned(),
        address: Some(LOCAL.to_owned()),
        processor: cpu_name(),
        runtime: runtime.name.to_owned(),
        version_of_runtime: String::new(),
        threads: 1,
        date: today(),
    };
    reach(DeviceFile::new(header))
}

/// The day, as device files write it.
pub(crate) fn today() -> String {
    utc().chars().take("YYYY-MM-DD".len()).collect()
}

fn reach(mut file: DeviceFile) -> Result<KnownDevice> {
    match file.address.clone().as_deref() {
        None => Ok(KnownDevice { file, target: None, local: None }),
        Some(LOCAL) => {
            let runtime = Runtime::find(&file.runtime)?;
            let options = Options { threads: file.threads as usize, ..Options::default() };
            let local = Local::new(runtime, options.clone())?;
            check_processor(&file, &local.setting().cpu, "this machine")?;
            file.version_of_runtime = local.setting().version.clone();
            Ok(KnownDevice { file, target: Some(Box::new(local)), local: Some((runtime, options)) })
        }
        Some(address) => match address.strip_prefix(HOST) {
            Some(host) => {
                let threads = file.threads;
                on_host(Some(file), host, threads)
            }
            None => bail!("device `{}`: expected address `local` or `host:NAME`, got `{address}`", file.name),
        },
    }
}

/// Whether the models of a file are of the processor that is to be measured.
fn check_processor(file: &DeviceFile, found: &str, machine: &str) -> Result<()> {
    let DeviceFile { name, processor, .. } = file;
    ensure!(
        processor == found,
        "device `{name}` was calibrated on `{processor}`, and {machine} is `{found}`: calibrate again, or remove `address` from its file to use \
         its models without measuring"
    );
    Ok(())
}

/// A machine that was added, with what its file says of it.
fn on_host(file: Option<DeviceFile>, name: &str, threads: u32) -> Result<KnownDevice> {
    let remote = Hosts::of_user()?.get(name)?.remote(name, threads as usize)?;
    let setting = remote.setting();
    let header = || Header {
        name: name.to_owned(),
        address: Some(format!("{HOST}{name}")),
        processor: setting.cpu.clone(),
        runtime: setting.runtime.clone(),
        version_of_runtime: setting.version.clone(),
        threads,
        date: today(),
    };
    let file = file.unwrap_or_else(|| DeviceFile::new(header()));
    check_processor(&file, &setting.cpu, &format!("the machine `{name}`"))?;
    Ok(KnownDevice { file, target: Some(Box::new(remote)), local: None })
}
