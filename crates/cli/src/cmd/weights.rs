//! A model from its folder, in the type that it is to compute with.

use std::path::Path;

use burn::tensor::DType;
use model::{DeviceInfo, LanguageModel};

use crate::args::WeightType;

/// The model, with the adapter folded in if there is one. On a CPU only matrices are bf16.
pub(super) fn load(
    dir: &Path,
    adapter: Option<&Path>,
    dtype: WeightType,
    device: &DeviceInfo,
) -> model::Result<LanguageModel> {
    let on_cpu = device.name == "cpu";
    let loaded = match dtype {
        WeightType::Bf16 if !on_cpu => DType::BF16,
        _ => DType::F32,
    };
    let mut model = LanguageModel::load(dir, loaded, &device.device)?;
    if let Some(adapter) = adapter {
        model = model.with_adapter(adapter)?.merged();
    }
    Ok(if dtype == WeightType::Bf16 && on_cpu { model.with_bf16_matrices() } else { model })
}
