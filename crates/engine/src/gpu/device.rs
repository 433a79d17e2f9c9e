//! Opening a device.

use crate::{Backend, BackendError};
use burn::tensor::{Device, Tensor};
use std::panic::catch_unwind;

/// The first device of a backend, if it can add.
pub(crate) fn open(backend: Backend) -> Result<Device, BackendError> {
    let missing = |reason: &str| BackendError::NoDevice { backend, reason: reason.to_owned() };
    let Some(find) = finder(backend) else { return Err(BackendError::NotBuilt(backend)) };
    // Burn and the libraries that it loads panic where something does not fit.
    match catch_unwind(|| find().map(|device| (computes(&device), device))) {
        Ok(Some((true, device))) => Ok(device),
        Ok(None) => Err(missing("it has no such GPU, or no driver for it")),
        Ok(Some((false, _))) | Err(_) => {
            Err(missing("its GPU does not compute: its driver may be missing or too old"))
        }
    }
}

/// How to find a device, if this build can.
fn finder(backend: Backend) -> Option<fn() -> Option<Device>> {
    match backend {
        #[cfg(feature = "cuda")]
        Backend::Cuda => Some(|| {
            let devices = Device::enumerate(burn::tensor::DeviceType::Cuda);
            devices.first().cloned()
        }),
        // Without the software renderers that call themselves graphics devices: they have no card.
        #[cfg(feature = "wgpu")]
        Backend::Wgpu => Some(|| {
            let devices = Device::enumerate(burn::tensor::DeviceType::Wgpu);
            devices.iter().find(|d| d.identity().is_some_and(|i| i.physical.is_some())).cloned()
        }),
        #[cfg(feature = "burn-cpu")]
        Backend::BurnCpu => Some(|| Some(Device::flex())),
        _ => None,
    }
}

fn computes(device: &Device) -> bool {
    let ones = Tensor::<1>::ones([8], device);
    ones.sum().try_into_scalar::<f32>().is_ok_and(|sum| sum == 8.0)
}
