//! Log-probs and entropies of the tokens of a batch under a model.

use burn::tensor::{DType, Tensor};
use kernels::{EntropyGradient, HeadStats, LogitScale, head_stats, softmax_stats};

use crate::batch::{Allowed, Lookup};
use crate::{Batch, CausalLm, Row};

/// How tokens are scored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreSettings {
    /// Logits are divided by this, as the sampler does.
    pub temperature: f64,
    /// Whether the entropies carry a gradient.
    pub entropy: EntropyGradient,
    /// Also computes [`TokenStats::legal_logmass`].
    pub legality: bool,
}

impl Default for ScoreSettings {
    fn default() -> Self {
        Self { temperature: 1.0, entropy: EntropyGradient::Detached, legality: false }
    }
}

/// What a model says about the tokens of a batch; all `[B,C]`, 0 in empty cells.
#[derive(Clone, Debug)]
pub struct TokenStats {
    /// Log-probs under the distribution that the sampler drew from: over allowed tokens where there was a restriction.
    pub logprobs: Tensor<2>,
    /// Entropy of that distribution.
    pub entropy: Tensor<2>,
    /// Log of the probability that an unrestricted draw would have been allowed; 0 where all tokens were.
    pub legal_logmass: Option<Tensor<2>>,
}

/// Scores the tokens of `batch` under `model`.
///
/// Only positions that predict a scored token reach the language model's head, each once.
pub fn token_stats<M: CausalLm>(model: &M, batch: &Batch, settings: &ScoreSettings) -> TokenStats {
    stats_of_hidden(model, model.hidden(&batch.tokens), batch, settings)
}

/// [`token_stats`] from the hidden states `[U,T,D]`.
pub(crate) fn stats_of_hidden<M: CausalLm>(
    model: &M,
    hidden: Tensor<3>,
    batch: &Batch,
    settings: &ScoreSettings,
) -> TokenStats {
    let [n_sequences, length, width] = hidden.dims();
    let hidden = hidden.reshape([n_sequences * length, width]);
    let flat: Vec<FlatStats> = [&batch.free, &batch.constrained]
        .into_iter()
        .flatten()
        .map(|lookup| look_up(model, hidden.clone().select(0, lookup.positions.clone()), lookup, settings))
        .collect();
    let to_cells = |parts: Vec<Tensor<1>>| {
        let padding = parts[0].zeros_like().detach().narrow(0, 0, 1);
        let padded = Tensor::cat(parts.into_iter().chain([padding]).collect(), 0);
        padded.select(0, batch.cells.clone()).reshape(batch.shape())
    };
    TokenStats {
        logprobs: to_cells(flat.iter().map(|part| part.logprobs.clone()).collect()),
        entropy: to_cells(flat.iter().map(|part| part.entropy.clone()).collect()),
        legal_logmass: settings
            .legality
            .then(|| to_cells(flat.iter().map(|part| part.legal_logmass.clone()).collect())),
    }
}

/// Log-probs of every token that counts, per row, without a gradient.
///
/// `model` should be without autodiff (`valid()`): a graph that nobody walks back is kept until the next walk.
pub fn row_logprobs<M: CausalLm>(model: &M, batch: &Batch, rows: &[Row], temperature: f64) -> Vec<Vec<f32>> {
    let settings = ScoreSettings { temperature, ..ScoreSettings::default() };
    let [_, n_columns] = batch.shape();
    let cells: Vec<f32> = token_stats(model, batch, &settings)
        .logprobs
        .into_data_dtype(DType::F32)
        .try_to_vec()
        .expect("converted to f32 just now");
    rows.iter()
        .zip(cells.chunks(n_columns))
        .map(|(row, cells)| {
            let mut logprobs = vec![0.0; row.completion().len()];
            for (idx, value) in row.loss_positions().zip(cells) {
                logprobs[idx] = *value;
            }
            logprobs
        })
        .collect()
}

/// Values per token, `[N]`.
struct FlatStats {
    logprobs: Tensor<1>,
    entropy: Tensor<1>,
    legal_logmass: Tensor<1>,
}

fn look_up<M: CausalLm>(
    model: &M,
    hidden: Tensor<2>,
    lookup: &Lookup,
    settings: &ScoreSettings,
) -> FlatStats {
    let (weight, scale) = model.lm_head();
    let scale = LogitScale { temperature: settings.temperature as f32, ..scale };
    // With a restriction the entropy of the whole distribution is nobody's.
    let whole = if lookup.allowed.is_some() { EntropyGradient::Detached } else { settings.entropy };
    let HeadStats { log_sum_exp, entropy, chosen } =
        head_stats(hidden, weight, lookup.tokens.clone(), scale, whole);
    let per_token = |values: Tensor<1>| values.select(0, lookup.predictors.clone());
    let Some(Allowed { bias, targets }) = &lookup.allowed else {
        let legal_logmass = chosen.zeros_like().detach();
        return FlatStats {
            logprobs: chosen - per_token(log_sum_exp),
            entropy: per_token(entropy),
            legal_logmass,
        };
    };
    let [n_predictors, _] = bias.dims();
    let restricted = chosen.clone().reshape(bias.shape()) + bias.clone();
    let (legal_sum, entropy) = softmax_stats(restricted);
    let (legal_sum, entropy) = (legal_sum.reshape([n_predictors]), entropy.reshape([n_predictors]));
    let entropy = match settings.entropy {
        EntropyGradient::Tracked => entropy,
        EntropyGradient::Detached => entropy.detach(),
    };
    let logprobs = chosen.select(0, targets.clone()) - per_token(legal_sum.clone());
    let legal_logmass = match settings.legality {
        true => per_token(legal_sum - log_sum_exp),
        false => logprobs.zeros_like().detach(),
    };
    FlatStats { logprobs, entropy: per_token(entropy), legal_logmass }
}

#[cfg(test)]
mod tests;
