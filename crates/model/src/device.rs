//! Choosing a device, and making sure that it computes.
//!
//! burn's `Device::default()` is never used: with the CUDA backend compiled in and no driver present it names a GPU
//! that panics in a service thread. Devices are enumerated, and a small sum is checked before one is handed out.

use std::fmt;
use std::str::FromStr;

use burn::tensor::{Device, Tensor};

use crate::{Error, Result};

/// What the user asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first GPU that computes, else the CPU.
    #[default]
    Auto,
    /// burn's flex backend.
    Cpu,
    /// This GPU.
    Cuda(usize),
}

/// A device that passed its probe.
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    /// `cpu` or `cuda:N`.
    pub name: String,
    /// The part's name, where the driver says it.
    pub model: Option<String>,
    /// For tensors; without autodiff.
    pub device: Device,
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let unusable =
            || Error::Device { device: text.to_owned(), reason: "not auto, cpu, cuda or cuda:N".to_owned() };
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => {
                let index = text.strip_prefix("cuda:").ok_or_else(unusable)?;
                index.parse().map(Self::Cuda).map_err(|_| unusable())
            }
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl DeviceChoice {
    /// The device to use, after a probe.
    ///
    /// # Errors
    /// If a GPU was asked for by name and is not there or fails the probe. `auto` falls back to the CPU.
    pub fn open(self) -> Result<DeviceInfo> {
        match self {
            Self::Cpu => cpu(),
            Self::Cuda(index) => {
                let gpus = cuda::devices();
                let n_gpus = gpus.len();
                let device = gpus.into_iter().nth(index).ok_or_else(|| Error::Device {
                    device: self.to_string(),
                    reason: match cuda::COMPILED {
                        true => format!("{n_gpus} CUDA devices found"),
                        false => "built without the `cuda` feature".to_owned(),
                    },
                })?;
                probed(self.to_string(), device)
            }
            Self::Auto => {
                let gpus = cuda::devices().into_iter().enumerate();
                let mut working =
                    gpus.filter_map(|(index, gpu)| probed(Self::Cuda(index).to_string(), gpu).ok());
                working.next().map_or_else(cpu, Ok)
            }
        }
    }
}

/// Every device of this machine with the result of its probe.
pub fn devices() -> Vec<(String, Result<DeviceInfo>)> {
    let gpus = cuda::devices().into_iter().enumerate().map(|(index, gpu)| {
        let name = DeviceChoice::Cuda(index).to_string();
        (name.clone(), probed(name, gpu))
    });
    std::iter::once(("cpu".to_owned(), cpu())).chain(gpus).collect()
}

fn cpu() -> Result<DeviceInfo> {
    probed("cpu".to_owned(), Device::flex())
}

/// Multiplies two small matrices and checks the result.
fn probed(name: String, device: Device) -> Result<DeviceInfo> {
    const N: usize = 16;
    let ones = || Tensor::<2>::ones([N, N], &device);
    let failed = |reason: String| Error::Device { device: name.clone(), reason };
    let sum = ones()
        .matmul(ones())
        .sum()
        .try_into_data_as::<f32>()
        .map_err(|error| failed(format!("{error:?}")))?;
    let sum = sum.try_to_vec::<f32>().ok().and_then(|values| values.first().copied());
    if sum != Some((N * N * N) as f32) {
        return Err(failed(format!("a matrix product summed to {sum:?} instead of {}", N * N * N)));
    }
    let model = cuda::part_name(&device);
    Ok(DeviceInfo { name, model, device })
}

#[cfg(feature = "cuda")]
mod cuda {
    //! GPUs through burn-cuda.

    use burn::tensor::{Device, DeviceType};
    use burn_cuda::CudaDevice;

    pub(super) const COMPILED: bool = true;

    /// Enumerating is what tells an absent driver from a device; it neither opens one nor panics.
    pub(super) fn devices() -> Vec<Device> {
        let n_devices = Device::enumerate(DeviceType::Cuda).into_vec().len();
        (0..n_devices).map(|index| Device::new(CudaDevice { index })).collect()
    }

    pub(super) fn part_name(device: &Device) -> Option<String> {
        device.identity().map(|identity| identity.name)
    }
}

#[cfg(not(feature = "cuda"))]
mod cuda {
    //! No GPUs in this build.

    use burn::tensor::Device;

    pub(super) const COMPILED: bool = false;

    pub(super) fn devices() -> Vec<Device> {
        Vec::new()
    }

    pub(super) fn part_name(_device: &Device) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests;
