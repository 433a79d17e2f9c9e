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
pub static READY_DEVICES: &[(&str, &str)] = ready![
    "edge-gpu",
    "edge-tpu",
    "eyeriss",
    "fpga",
    "gtx-1080-ti",
    "pixel-3",
    "raspberry-pi-4",
    "rtx-2080-ti",
    "xeon-gold-6226",
    "xeon-gold-6240",
];

/// The text of the device file that comes with Nasmyth under this name.
pub(super) fn ready_device(name: &str) -> Option<&'static str> {
    READY_DEVICES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_device::{DeviceCost, DeviceFile};
    use nasmyth_zoo::{Input, member};

    /// What all files may take together.
    const MOST: usize = 1 << 20;

    fn devices() -> impl Iterator<Item = DeviceFile> {
        READY_DEVICES.iter().map(|(_, text)| DeviceFile::parse(text).unwrap())
    }

    #[test]
    fn files_are_sorted_small_and_say_how_good_they_are() {
        assert!(
            READY_DEVICES.is_sorted()
                && READY_DEVICES.iter().map(|(_, text)| text.len()).sum::<usize>() < MOST
        );
        for ((name, _), device) in READY_DEVICES.iter().zip(devices()) {
            assert!(device.name == *name && device.address.is_none(), "{name}");
            let fits: Vec<_> = DeviceCost::ALL.iter().filter_map(|cost| device.fit(*cost)).collect();
            assert!(!fits.is_empty(), "{name}");
            for fit in fits {
                assert!(
                    fit.held_out.networks > 500 && fit.held_out.within_10 > 0.5,
                    "{name}: {:?}",
                    fit.held_out
                );
                assert!(fit.range.is_some() && fit.covered > Some(0.9), "{name}: {:?}", fit.covered);
            }
        }
        for name in ["edge-gpu", "edge-tpu", "eyeriss", "fpga", "pixel-3", "raspberry-pi-4"] {
            assert!(ready_device(name).is_some(), "{name}");
        }
    }

    #[test]
    fn every_network_has_a_cost_on_every_device_and_foreign_ones_are_beyond() {
        let graph = |name: &str, resolution| {
            let input = Input { resolution, ..Input::default() };
            member(name).unwrap().graph(&input).unwrap().verify().unwrap()
        };
        let (small, large) = (graph("nasbench201", Some(8)), graph("nasbench201", None));
        let foreign = graph("vit_tiny_patch16_224", None);
        for device in devices() {
            for fit in DeviceCost::ALL.iter().filter_map(|cost| device.fit(*cost)) {
                let [small, large] = [&small, &large].map(|graph| fit.predict(graph).unwrap().seconds);
                assert!(0.0 < small && 0.0 < large && large.is_finite(), "{}: {small} {large}", device.name);
                assert!(fit.beyond(&foreign).is_some() && fit.predict(&foreign).is_ok(), "{}", device.name);
            }
        }
    }
}
