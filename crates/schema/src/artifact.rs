//! What a run hands over.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Rank, scale and targets of a LoRA adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoraSpec {
    /// Rank.
    pub r: usize,
    /// The side path is scaled by `alpha / r`.
    pub alpha: f64,
    /// Names of linear modules, e.g. `q_proj`.
    pub targets: Vec<String>,
}

impl Default for LoraSpec {
    /// Rank 32, alpha 32, all seven linears of a decoder layer.
    fn default() -> Self {
        let targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
        Self { r: 32, alpha: 32.0, targets: targets.map(String::from).to_vec() }
    }
}

/// Form of an [`Artifact`]: the output folder holds one or the other, never both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactKind {
    /// PEFT LoRA adapter.
    Adapter,
    /// Whole model.
    Merged,
}

/// A published folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    /// Folder.
    pub path: PathBuf,
    /// Adapter or merged weights.
    pub kind: ArtifactKind,
    /// Optimizer steps behind it; 0 is the floor artifact.
    pub step: u64,
}
