//! Device files that come with Nasmyth. `tools/ready_devices.py` makes them of published measurements, which do not come along.

/// Each name with its file.
macro_rules! ready {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../devices/", $name, ".toml")))),*]
    };
}

/// Names and texts of the device files, in alphabetical order. No such device can be reached: only its models speak for it.
///
/// ```
/// for (name, text) in nasmyth::READY_DEVICES {
///     let device = nasmyth::device::DeviceFile::parse(text)?;
///     assert!(device.name == *name && device.address.is_none());
/// }
/// # Ok::<(), nasmyth::device::DeviceFileError>(())
/// ```
pub static READY_DEVICES: &[(&str, &str)] = ready![];

/// The text of the device file that comes with Nasmyth under this name.
pub(super) fn ready_device(name: &str) -> Option<&'static str> {
    READY_DEVICES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
