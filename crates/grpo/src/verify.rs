//! `croupier verify losses` and `gradients`: every case of a folder of golden numbers against this implementation.
//!
//! The folder's schema is that of the reference data's README: TRL's losses on a small model, as safetensors and JSON.
//! Each case is computed from stored log-probs, where it can be, and again through the model with gradients.
//! Expected values are the float64 ones where there are any.

mod adamw;
mod cases;
mod dpo;
mod families;
mod files;
mod gradients;
mod grpo;
mod scores;
mod sft;
mod tolerance;

use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device};
use model::LanguageModel;
use schema::VerifyReport;
use serde::Deserialize;

use crate::Error;
use cases::Cases;
use files::Tensors;

/// What a case trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// All parameters.
    Full,
    /// The adapter's matrices.
    Lora,
}

impl Mode {
    const ALL: [Self; 2] = [Self::Full, Self::Lora];

    fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Lora => "lora",
        }
    }
}

/// Everything in a reference folder but the models.
struct Golden {
    dir: PathBuf,
    cases: Cases,
    batch: Tensors,
}

impl Golden {
    fn read(dir: &Path) -> Result<Self, Error> {
        let cases = Cases::read(&dir.join("cases.json"))?;
        Ok(Self { dir: dir.to_owned(), cases, batch: Tensors::read(&dir.join("batch.safetensors"))? })
    }

    /// The model of `mode`, asking for gradients.
    fn model(&self, mode: Mode, device: &Device) -> Result<LanguageModel, Error> {
        let model = LanguageModel::load(&self.dir.join("model"), DType::F32, &device.clone().autodiff())?;
        Ok(match mode {
            Mode::Full => model,
            Mode::Lora => model.with_adapter(&self.dir.join("adapter"))?,
        })
    }
}

/// Compares every case of `dir` with this implementation, run on `device`.
///
/// # Errors
/// If a file is missing or not of the schema; differences are in the report.
pub fn verify_losses(dir: &Path, device: &Device) -> Result<VerifyReport, Error> {
    let golden = Golden::read(dir)?;
    let kept = Tensors::read(&dir.join("grads.safetensors"))?;
    let mut report = VerifyReport::new(tolerance::LOSS);
    stored(&golden, &mut report, device)?;
    for mode in Mode::ALL {
        let model = golden.model(mode, device)?;
        let mut part = VerifyReport::new(tolerance::LOSS);
        scores::verify(&golden, mode, &model, &mut part)?;
        grpo::verify(&golden, mode, &model, &kept, &mut part)?;
        dpo::verify(&golden, mode, &model, &kept, &mut part)?;
        sft::verify(&golden, mode, &model, &kept, &mut part)?;
        report.absorb(&format!("{} through the model", mode.name()), part);
    }
    let mut part = VerifyReport::new(tolerance::LOSS);
    adamw::verify(&golden, device, &mut part)?;
    report.absorb("adamw", part);
    Ok(report)
}

/// Compares the gradients of `dir` with this implementation's, run on `device`: those of all cases of a folder with
/// `cases.json`, or all of one that `scripts/golden/gradients.py` has written.
///
/// # Errors
/// As [`verify_losses`].
pub fn verify_gradients(dir: &Path, device: &Device) -> Result<VerifyReport, Error> {
    if !dir.join("cases.json").is_file() {
        return families::verify(dir, device);
    }
    let golden = Golden::read(dir)?;
    let kept = Tensors::read(&dir.join("grads.safetensors"))?;
    let mut report = VerifyReport::new(tolerance::NORM);
    for mode in Mode::ALL {
        let model = golden.model(mode, device)?;
        grpo::verify(&golden, mode, &model, &kept, &mut report)?;
        dpo::verify(&golden, mode, &model, &kept, &mut report)?;
        sft::verify(&golden, mode, &model, &kept, &mut report)?;
    }
    Ok(report)
}

/// Compares what follows from stored log-probs alone: works without `model/`, `adapter/` and gradients.
///
/// # Errors
/// As [`verify_losses`].
pub fn verify_objectives(dir: &Path, device: &Device) -> Result<VerifyReport, Error> {
    let mut report = VerifyReport::new(tolerance::LOSS);
    stored(&Golden::read(dir)?, &mut report, device)?;
    Ok(report)
}

fn stored(golden: &Golden, report: &mut VerifyReport, device: &Device) -> Result<(), Error> {
    let mut part = VerifyReport::new(tolerance::LOSS);
    scores::verify_advantages(golden, &mut part)?;
    grpo::verify_stored(golden, &mut part, device)?;
    dpo::verify_stored(golden, &mut part, device)?;
    sft::verify_stored(golden, &mut part)?;
    report.absorb("from stored log-probs", part);
    Ok(())
}

#[cfg(test)]
mod tests;
