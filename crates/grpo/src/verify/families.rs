//! Gradients of whole models, from folders that `scripts/golden/gradients.py` writes: `model`, `adapter` and
//! `grads.safetensors` with a batch, two losses and a gradient for each parameter.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{DType, Device};
use model::{DecoderConfig, LanguageModel};
use schema::VerifyReport;
use train::sft::CrossEntropy;
use train::{NamedTensor, Row, ScoreSettings};

use super::files::Tensors;
use super::tolerance::{self, Check};
use super::{Mode, gradients};
use crate::Error;

/// Compares the gradients of all weights, and of an adapter's alone. Each parameter is a case.
pub(super) fn verify(dir: &Path, device: &Device) -> Result<VerifyReport, Error> {
    let reference = Tensors::read(&dir.join("grads.safetensors"))?;
    let parts = vec![rows(&reference)?];
    let mut report = VerifyReport::new(tolerance::NORM);
    for mode in Mode::ALL {
        let model = LanguageModel::load(&dir.join("model"), DType::F32, &device.clone().autodiff())?;
        let model = match mode {
            Mode::Full => model,
            Mode::Lora => model.with_adapter(&dir.join("adapter"))?,
        };
        let objective = CrossEntropy::mean(&parts);
        let (step, mut found) =
            gradients::compute(&model, parts.clone(), &objective, &ScoreSettings::default());
        let loss = reference.get(&format!("{}.loss", mode.name()))?.values[0];
        Check::new(&mut report, format!("{}.loss", mode.name())).loss(
            "loss",
            step.loss,
            f64::from(loss),
            0.0,
        );
        as_in_files(&mut found, model.config());
        compare(&mut report, mode, &found, &reference);
    }
    Ok(report)
}

/// Rows of one prompt token, the others as targets where the mask says so.
fn rows(reference: &Tensors) -> Result<Vec<Row>, Error> {
    let (ids, mask) = (reference.get("input_ids")?, reference.get("attention_mask")?);
    let loss_mask = reference.get("loss_mask")?;
    let row = |((ids, mask), loss_mask): ((&[f32], &[f32]), &[f32])| {
        let n = mask.iter().filter(|real| **real != 0.0).count();
        let ids: Vec<u32> = ids[..n].iter().map(|id| *id as u32).collect();
        let (first, rest) = ids.split_at(1);
        let loss_mask = loss_mask[1..n].iter().map(|counts| *counts as u8).collect();
        Row::new(first.to_vec(), rest.to_vec()).with_loss_mask(loss_mask)
    };
    Ok(ids.rows().zip(mask.rows()).zip(loss_mask.rows()).map(row).collect())
}

/// Exchanges rows and columns where files hold a matrix the other way round.
fn as_in_files(found: &mut gradients::Gradients, config: &DecoderConfig) {
    for gradient in found.values_mut() {
        if let (true, &[rows, cols]) =
            (config.is_transposed_in_files(&gradient.name), gradient.shape.as_slice())
        {
            let at = |idx: usize| gradient.values[(idx % rows) * cols + idx / rows];
            gradient.values = (0..rows * cols).map(at).collect();
            gradient.shape = vec![cols, rows];
        }
    }
}

fn compare(report: &mut VerifyReport, mode: Mode, found: &gradients::Gradients, reference: &Tensors) {
    let prefix = format!("{}.", mode.name());
    let expected: BTreeMap<&str, &[f32]> = reference
        .under(&prefix)
        .filter(|(name, _)| *name != "loss")
        .map(|(name, gradient)| (name, gradient.values.as_slice()))
        .collect();
    let names = found.keys().map(String::as_str).chain(expected.keys().copied());
    for name in names.collect::<std::collections::BTreeSet<_>>() {
        let got = found.get(name).map_or(&[][..], |gradient: &NamedTensor| &gradient.values);
        // A gradient that only one side has is as wrong as one of another length.
        let want = expected.get(name).copied().unwrap_or(&[f32::NAN]);
        Check::new(report, format!("{prefix}{name}")).gradient("grad", got, want);
    }
}
