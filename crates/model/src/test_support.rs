//! What the tests of this crate share: small models and the reference data.

use std::path::PathBuf;

use burn::tensor::Device;

use crate::config::{Arch, DecoderConfig, Size};
use crate::decoder::LanguageModel;

/// A folder of the reference data, or `None` with a line in the output where there is none.
pub(crate) fn reference_dir(folder: &str) -> Option<PathBuf> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared =
        std::env::var_os("CROUPIER_SHARED").map_or_else(|| workspace.join("../shared"), PathBuf::from);
    let dir = shared.join(folder);
    if dir.exists() {
        return Some(dir);
    }
    eprintln!("skipped: no reference data");
    None
}

/// A pico model with weights large enough that its predictions differ from prompt to prompt.
pub(crate) fn pico(arch: Arch, seed: u64, device: &Device) -> LanguageModel {
    let mut config = DecoderConfig::preset(arch, Size::Pico);
    config.initializer_range = 0.15;
    LanguageModel::fresh(&config, seed, device)
}
