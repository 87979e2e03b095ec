//! The cases of supervised fine-tuning.

use model::LanguageModel;
use schema::VerifyReport;
use train::sft::CrossEntropy;
use train::{Row, ScoreSettings};

use super::cases::{Labels, SftCase};
use super::files::Tensors;
use super::tolerance::Check;
use super::{Golden, Mode, dpo, gradients};
use crate::Error;

/// Cases that follow from the stored sums of log-probs: targets are completion tokens.
pub(super) fn verify_stored(golden: &Golden, report: &mut VerifyReport) -> Result<(), Error> {
    for case in golden.cases.sft.iter().filter(|case| case.labels == Labels::CompletionOnly) {
        let sums = golden.batch.get(&format!("dpo.{}.logps", case.mode.name()))?;
        let n_tokens: usize = dpo::rows(golden)?.iter().map(Row::n_loss_tokens).sum();
        let total: f64 = sums.values.iter().map(|sum| f64::from(*sum)).sum();
        let loss = -total / case.num_items_in_batch.unwrap_or(n_tokens) as f64;
        Check::new(report, &case.id).loss("loss", loss, case.loss, 0.0);
    }
    Ok(())
}

/// Every case of `mode` through the model, with gradients.
pub(super) fn verify(
    golden: &Golden,
    mode: Mode,
    model: &LanguageModel,
    kept: &Tensors,
    report: &mut VerifyReport,
) -> Result<(), Error> {
    for case in golden.cases.sft.iter().filter(|case| case.mode == mode) {
        let parts = vec![rows(golden, case)?];
        let objective = match case.num_items_in_batch {
            Some(n_items) => CrossEntropy::per_items(&parts, n_items),
            None => CrossEntropy::mean(&parts),
        };
        let (step, found) = gradients::compute(model, parts, &objective, &ScoreSettings::default());
        let mut check = Check::new(report, &case.id);
        check.loss("loss", step.loss, case.loss, 0.0);
        gradients::compare(&mut check, &case.id, &found, case.grad_norm, &case.grad_norms, kept);
    }
    Ok(())
}

fn rows(golden: &Golden, case: &SftCase) -> Result<Vec<Row>, Error> {
    let rows = dpo::rows(golden)?;
    Ok(match case.labels {
        Labels::CompletionOnly => rows,
        Labels::AllTokens => rows.iter().map(all_tokens).collect(),
    })
}

/// The same tokens with all but the first as targets.
fn all_tokens(row: &Row) -> Row {
    let (first, rest) = row.prompt().split_at(1);
    Row::new(first.to_vec(), [rest, row.completion()].concat())
}
