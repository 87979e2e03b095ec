//! The statistics that the tournament hands over with a task (`BASELINE_STATS_PATH`): a help, never a precondition.
//!
//! They come from outside and grow keys: every field is optional, one of an unexpected type counts as absent, and the
//! `NaN` and `Infinity` that Python writes are read as absent. Units are tokens, nats and tokens per second.
//!
//! Source: contract §9 (`core/models/model_prep_models.py` of G.O.D, 2026-07).

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// What is known about data, weights, loss and speed before training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BaselineStats {
    /// `instruct` (chat too), `dpo`, `grpo` or `env`.
    #[serde(deserialize_with = "lenient")]
    pub task_type: Option<String>,
    /// About the rows.
    #[serde(deserialize_with = "lenient")]
    pub dataset: Option<DatasetStats>,
    /// About the weights.
    #[serde(deserialize_with = "lenient")]
    pub weights: Option<WeightStats>,
    /// About the model's start on these data.
    #[serde(deserialize_with = "lenient")]
    pub training: Option<TrainingStats>,
    /// Speed on the tournament's own machine.
    #[serde(deserialize_with = "lenient")]
    pub throughput: Option<ThroughputStats>,
    /// Scores by environment.
    #[serde(deserialize_with = "lenient")]
    pub env_stats: Option<BTreeMap<String, EnvStats>>,
}

impl BaselineStats {
    /// Reads the file's text.
    ///
    /// # Errors
    /// If it is no JSON at all.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let value: Value = serde_json::from_str(&without_nan(text))?;
        Ok(Self::deserialize(value).unwrap_or_default())
    }
}

/// About the rows of a data set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names are the contract's and say it")]
pub struct DatasetStats {
    #[serde(deserialize_with = "lenient")]
    pub total_tokens: Option<f64>,
    /// 0 in files of old versions.
    #[serde(deserialize_with = "lenient")]
    pub num_records: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub seq_length_distribution: Option<Distribution>,
    #[serde(deserialize_with = "lenient")]
    pub near_duplicate_rate: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub bits_per_byte: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub vocab_size: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub unique_tokens_in_data: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub vocab_coverage_ratio: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub prompt_tokens: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub completion_tokens: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub completion_length_distribution: Option<Distribution>,
    #[serde(deserialize_with = "lenient")]
    pub prompt_length_distribution: Option<Distribution>,
    #[serde(deserialize_with = "lenient")]
    pub chosen_tokens: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub rejected_tokens: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub chosen_length_distribution: Option<Distribution>,
    #[serde(deserialize_with = "lenient")]
    pub rejected_length_distribution: Option<Distribution>,
    #[serde(deserialize_with = "lenient")]
    pub chosen_rejected_length_ratio: Option<f64>,
}

/// Lengths in tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names are the contract's and say it")]
pub struct Distribution {
    #[serde(deserialize_with = "lenient")]
    pub mean: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub p50: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub p95: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub p99: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub max: Option<f64>,
}

/// About the weights, by group of layers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WeightStats {
    /// Name of the group → its figures.
    #[serde(deserialize_with = "lenient")]
    pub by_group: Option<BTreeMap<String, WeightGroup>>,
}

/// Size of the weights of a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names are the contract's and say it")]
pub struct WeightGroup {
    #[serde(deserialize_with = "lenient")]
    pub weight_rms: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub weight_norm: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub max_abs: Option<f64>,
}

/// The model's start on these data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names are the contract's and say it")]
pub struct TrainingStats {
    #[serde(deserialize_with = "lenient")]
    pub init_loss: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub init_loss_std: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub masked_completion_loss: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub output_entropy: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub output_entropy_std: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub activation_rms: Option<BTreeMap<String, Value>>,
    #[serde(deserialize_with = "lenient")]
    pub ref_log_prob_chosen: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub ref_log_prob_rejected: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub implicit_reward_gap: Option<f64>,
    /// Function name → mean reward.
    #[serde(deserialize_with = "lenient")]
    pub baseline_reward_scores: Option<BTreeMap<String, Value>>,
}

/// Speed on the tournament's own machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names are the contract's and say it")]
pub struct ThroughputStats {
    #[serde(deserialize_with = "lenient")]
    pub tokens_per_sec: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub seq_len: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub micro_batch_size: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub n_gpus: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub gpu_name: Option<String>,
}

/// Scores of the base model in an environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names are the contract's and say it")]
pub struct EnvStats {
    #[serde(deserialize_with = "lenient")]
    pub num_episodes: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub mean_score: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub std_score: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub min_score: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub max_score: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    pub median_score: Option<f64>,
}

/// A value of the type asked for, or nothing.
fn lenient<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(T::deserialize(value).ok())
}

/// Python's `NaN`, `Infinity` and `-Infinity` outside strings as `null`.
fn without_nan(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_string = false;
    while let Some(char) = rest.chars().next() {
        let number =
            ["NaN", "Infinity", "-Infinity"].iter().find(|name| !in_string && rest.starts_with(**name));
        let taken = match (number, char) {
            (Some(name), _) => {
                clean.push_str("null");
                name.len()
            }
            // A backslash takes the next character with it, so that an escaped quote ends nothing.
            (None, '\\') => {
                let n = rest.chars().take(2).map(char::len_utf8).sum();
                clean.push_str(&rest[..n]);
                n
            }
            (None, char) => {
                in_string ^= char == '"';
                clean.push(char);
                char.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    clean
}
