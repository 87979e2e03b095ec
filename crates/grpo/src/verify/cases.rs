//! `cases.json`: settings and expected figures.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::Error;
use crate::verify::Mode;

/// The file.
#[derive(Debug, Deserialize)]
pub(super) struct Cases {
    pub(super) settings: Settings,
    pub(super) max_completion_length: usize,
    pub(super) grpo: Vec<GrpoCase>,
    pub(super) dpo: Vec<DpoCase>,
    pub(super) sft: Vec<SftCase>,
    pub(super) adamw: Option<AdamwCase>,
}

/// What all cases share.
#[derive(Debug, Deserialize)]
pub(super) struct Settings {
    #[serde(rename = "G")]
    pub(super) group_size: usize,
    pub(super) temp: f64,
}

/// One GRPO case; a field that is absent has its default.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct GrpoCase {
    pub(super) id: String,
    pub(super) mode: Mode,
    pub(super) loss_type: String,
    #[serde(default = "token")]
    pub(super) level: String,
    pub(super) beta: f64,
    pub(super) epsilon: f64,
    pub(super) epsilon_high: Option<f64>,
    pub(super) delta: Option<f64>,
    #[serde(default)]
    pub(super) use_bias_correction_kl: bool,
    #[serde(default = "yes")]
    pub(super) tool_mask: bool,
    #[serde(default)]
    pub(super) on_policy: bool,
    #[serde(default = "group")]
    pub(super) scale: String,
    #[serde(default = "one")]
    pub(super) acc: f64,
    #[serde(default = "one")]
    pub(super) spg: f64,
    pub(super) num_items_in_batch: f64,
    #[serde(default = "one")]
    pub(super) top_entropy_quantile: f64,
    #[serde(default)]
    pub(super) entropy_coef: f64,
    pub(super) off_policy_mask_threshold: Option<f64>,
    pub(super) loss: f64,
    pub(super) loss_f64: Option<f64>,
    pub(super) grad_norm: f64,
    pub(super) grad_norm_f64: Option<f64>,
    #[serde(default)]
    pub(super) grad_norms: BTreeMap<String, f64>,
    #[serde(default)]
    pub(super) metrics: BTreeMap<String, f64>,
    #[serde(default)]
    pub(super) metrics_f64: BTreeMap<String, f64>,
}

/// One DPO case.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct DpoCase {
    pub(super) id: String,
    pub(super) mode: Mode,
    pub(super) loss_type: String,
    pub(super) beta: f64,
    pub(super) label_smoothing: f64,
    pub(super) source: String,
    pub(super) loss: f64,
    pub(super) grad_norm: f64,
    #[serde(default)]
    pub(super) grad_norms: BTreeMap<String, f64>,
    #[serde(default)]
    pub(super) metrics: BTreeMap<String, f64>,
}

/// One SFT case.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct SftCase {
    pub(super) id: String,
    pub(super) mode: Mode,
    pub(super) labels: Labels,
    pub(super) num_items_in_batch: Option<usize>,
    pub(super) loss: f64,
    pub(super) grad_norm: f64,
    #[serde(default)]
    pub(super) grad_norms: BTreeMap<String, f64>,
}

/// Which tokens are targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Labels {
    /// Completion tokens.
    CompletionOnly,
    /// All but the first.
    AllTokens,
}

/// The optimizer's run.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct AdamwCase {
    pub(super) lr: f64,
    pub(super) betas: [f64; 2],
    pub(super) eps: f64,
    pub(super) weight_decay: f64,
    pub(super) clip: f64,
    pub(super) loss_type: String,
    pub(super) beta: f64,
    pub(super) epsilon: f64,
    pub(super) epsilon_high: f64,
    pub(super) steps: Vec<AdamwStep>,
}

/// Before one update.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct AdamwStep {
    pub(super) loss: f64,
    pub(super) grad_norm_before_clip: f64,
}

impl Cases {
    /// Reads the file.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let unusable = |reason: String| Error::Reference { path: path.to_owned(), reason };
        let text = fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))
    }
}

fn token() -> String {
    "token".to_owned()
}

fn group() -> String {
    "group".to_owned()
}

fn yes() -> bool {
    true
}

fn one() -> f64 {
    1.0
}
