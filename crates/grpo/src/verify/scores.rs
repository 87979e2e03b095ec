//! Rows of the batch, log-probs and entropies through the model, advantages.

use burn::module::Module;
use burn::tensor::{DType, Tensor};
use model::LanguageModel;
use schema::VerifyReport;
use train::{Batch, Row, ScoreSettings, row_logprobs, token_stats};

use super::files::HostTensor;
use super::tolerance::Check;
use super::{Golden, Mode};
use crate::Error;
use crate::advantage::{batch_std_advantages, group_advantages, group_std_advantages};

/// The batch's rows, unpadded; all completion tokens count.
pub(super) fn rows(golden: &Golden) -> Result<Vec<Row>, Error> {
    let real = |ids: &str, mask: &str| -> Result<Vec<Vec<u32>>, Error> {
        let (ids, mask) = (golden.batch.get(ids)?, golden.batch.get(mask)?);
        Ok(ids.rows().zip(mask.rows()).map(|(ids, mask)| masked(ids, mask)).collect())
    };
    let prompts = real("batch.prompt_ids", "batch.prompt_mask")?;
    let completions = real("batch.completion_ids", "batch.completion_mask")?;
    Ok(prompts
        .into_iter()
        .zip(completions)
        .map(|(prompt, completion)| Row::new(prompt, completion))
        .collect())
}

/// The ids whose mask is 1.
pub(super) fn masked(ids: &[f32], mask: &[f32]) -> Vec<u32> {
    ids.iter().zip(mask).filter(|(_, mask)| **mask != 0.0).map(|(id, _)| *id as u32).collect()
}

/// Log-probs of all tokens that count, without a graph.
pub(super) fn logprobs(model: &LanguageModel, rows: &[Row], temperature: f64) -> Vec<Vec<f32>> {
    let model = model.valid();
    row_logprobs(&model, &Batch::new(rows, model.beginnings(), &model.device()), rows, temperature)
}

/// Log-probs, entropies and, for an adapter, the reference without it.
pub(super) fn verify(
    golden: &Golden,
    mode: Mode,
    model: &LanguageModel,
    report: &mut VerifyReport,
) -> Result<(), Error> {
    let rows = rows(golden)?;
    let settings = ScoreSettings { temperature: golden.cases.settings.temp, ..ScoreSettings::default() };
    let name = mode.name();
    let stats_of = |model: &LanguageModel| {
        let model = model.valid();
        token_stats(&model, &Batch::new(&rows, model.beginnings(), &model.device()), &settings)
    };
    let stats = stats_of(model);
    let mut check = Check::new(report, format!("{name}.per_token"));
    let mut compare = |field: &str, got: Tensor<2>| -> Result<(), Error> {
        let want = golden.batch.get(&format!("{name}.{field}"))?;
        check.tokens(field, &padded(got, want), &want.values);
        Ok(())
    };
    compare("per_token_logps", stats.logprobs)?;
    compare("entropy", stats.entropy)?;
    if mode == Mode::Lora {
        compare("ref_per_token_logps", stats_of(&model.clone().without_lora()).logprobs)?;
    }
    Ok(())
}

/// The cells of `got`, widened with zeros to the reference's columns.
fn padded(got: Tensor<2>, want: &HostTensor) -> Vec<f32> {
    let [_, n_columns] = got.dims();
    let values: Vec<f32> = got.into_data_dtype(DType::F32).try_to_vec().expect("converted to f32 just now");
    let width = want.shape.last().copied().unwrap_or(n_columns);
    values
        .chunks(n_columns)
        .flat_map(|row| row.iter().copied().chain(std::iter::repeat(0.0)).take(width))
        .collect()
}

/// Our advantages from the stored rewards.
pub(super) fn verify_advantages(golden: &Golden, report: &mut VerifyReport) -> Result<(), Error> {
    let rewards = &golden.batch.get("batch.rewards")?.values;
    let groups: Vec<Vec<f32>> =
        rewards.chunks(golden.cases.settings.group_size).map(<[f32]>::to_vec).collect();
    let per_group =
        |advantages: fn(&[f32]) -> Vec<f32>| groups.iter().flat_map(|group| advantages(group)).collect();
    let scales: [(&str, Vec<f32>); 3] = [
        ("group", per_group(group_std_advantages)),
        ("batch", batch_std_advantages(&groups).concat()),
        ("none", per_group(group_advantages)),
    ];
    for (scale, got) in scales {
        let want = golden.batch.get(&format!("advantages.{scale}"))?;
        Check::new(report, format!("advantages.{scale}")).tokens("advantages", &got, &want.values);
    }
    Ok(())
}
