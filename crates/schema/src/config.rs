//! `run.toml`: every setting of a run, with its default next to it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::LoraSpec;

/// The whole file. Flag > environment variable > file > default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunConfig {
    /// `[run]`
    pub run: RunSection,
    /// `[model]`
    pub model: ModelConfig,
    /// `[task]`
    pub task: TaskConfig,
    /// `[env]`
    pub env: EnvConfig,
    /// `[rollout]`
    pub rollout: RolloutConfig,
    /// `[objective]`
    pub objective: ObjectiveConfig,
    /// `[optimizer]`
    pub optimizer: OptimizerConfig,
    /// `[budget]`
    pub budget: BudgetConfig,
    /// `[reward]`
    pub reward: RewardConfig,
}

/// `[run]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunSection {
    /// Reproduces the run.
    pub seed: u64,
    /// Wall clock from the start of the process.
    pub hours: Option<f64>,
    /// `auto`, `cpu`, `cuda` or `cuda:N`; absent is `auto`.
    pub device: Option<String>,
    /// Prefix of `/cache` and `/app/checkpoints`.
    pub root: Option<PathBuf>,
    /// Output folder.
    pub out: Option<PathBuf>,
}

/// `[model]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Model folder or id.
    pub path: Option<String>,
    /// Adapter to continue from.
    pub adapter: Option<PathBuf>,
}

/// `[task]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaskConfig {
    /// Tag of the task type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Data file.
    pub dataset: Option<String>,
    /// JSON as in `--dataset-type`.
    pub dataset_type: Option<String>,
}

/// `[env]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnvConfig {
    /// Environments to play.
    pub names: Vec<String>,
    /// Sidecars; empty means in-process games.
    pub urls: Vec<String>,
    /// `mcts`, `random`, `cfr` or `self`.
    pub opponent: String,
    /// MCTS simulations a move (the reference rollout's 25).
    pub simulations: u32,
    /// Bound on the agent's turns; random gin games need about 60, so 120 leaves room.
    pub max_turns: u32,
    /// Share of episodes per environment; empty is uniform.
    pub weights: Vec<f64>,
    /// In match play, whom the model learns from: `solved`, or `public` for the rules of thumb of a public winner.
    pub teacher: String,
    /// In match play, whether the states that the model itself reaches join the lessons.
    pub own_states: bool,
    /// In match play, whether the last part of the time belongs to GRPO.
    pub by_rewards: bool,
    /// In match play, the prose of the prompts: a prompt pack's file. Absent, `prompts/evaluator.toml` if there is one,
    /// else our own wording.
    pub pack: Option<PathBuf>,
}

impl Default for EnvConfig {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            urls: Vec::new(),
            opponent: "mcts".to_owned(),
            simulations: 25,
            max_turns: 120,
            weights: Vec::new(),
            teacher: "solved".to_owned(),
            own_states: true,
            by_rewards: true,
            pack: None,
        }
    }
}

/// `[rollout]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RolloutConfig {
    /// Episodes of one start state.
    pub group_size: u32,
    /// Groups of one optimizer step.
    pub groups_per_step: u32,
    /// Episodes played at once, per sidecar.
    pub workers: u32,
    /// Requests in flight per sidecar (the original answers one at a time).
    pub in_flight: u32,
    /// Sampling temperature.
    pub temperature: f32,
    /// Completion tokens of one turn.
    pub max_completion_tokens: u32,
    /// `match`: supervised on teachers, in the tournament's own prompts; `compact` or `sidecar`: GRPO.
    pub format: String,
    /// Policy versions a group may lag behind.
    pub max_staleness: u32,
}

impl Default for RolloutConfig {
    fn default() -> Self {
        Self {
            group_size: 8,
            groups_per_step: 32,
            workers: 4,
            in_flight: 2,
            temperature: 1.0,
            max_completion_tokens: 16,
            format: "match".to_owned(),
            max_staleness: 1,
        }
    }
}

/// `[objective]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectiveConfig {
    /// `grpo`, `sft` or `dpo`.
    pub kind: String,
    /// Normalisation and gate of the policy term.
    pub loss_type: String,
    /// Lower clip (PPO's 0.2).
    pub epsilon_low: f64,
    /// Upper clip (DAPO's clip-higher, 0.28).
    pub epsilon_high: f64,
    /// Weight of the KL term to the reference; 0 needs no reference.
    pub beta: f64,
    /// `k1`, `k2` or `k3`.
    pub kl: String,
    /// Entropy bonus at the start.
    pub entropy_coef: f64,
    /// `group`, `group_std`, `batch_std`, `leave_one_out` or `role_mean`.
    pub advantages: String,
}

impl Default for ObjectiveConfig {
    fn default() -> Self {
        Self {
            kind: "grpo".to_owned(),
            loss_type: "dapo".to_owned(),
            epsilon_low: 0.2,
            epsilon_high: 0.28,
            beta: 0.0,
            kl: "k3".to_owned(),
            entropy_coef: 0.0,
            advantages: "batch_std".to_owned(),
        }
    }
}

/// `[optimizer]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// Peak learning rate.
    pub lr: f64,
    /// `constant`, `linear` or `cosine`.
    pub schedule: String,
    /// Steps, or a share of the run if below 1.
    pub warmup: f64,
    /// Decoupled decay.
    pub weight_decay: f64,
    /// Global gradient norm.
    pub clip: f64,
    /// Absent trains all weights.
    pub lora: Option<LoraSpec>,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            lr: 1e-4,
            schedule: "linear".to_owned(),
            warmup: 0.02,
            weight_decay: 0.0,
            clip: 1.0,
            lora: Some(LoraSpec::default()),
        }
    }
}

/// `[budget]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetConfig {
    /// Share of the time for evaluation, in text tasks.
    pub eval_share: f64,
    /// Largest share of the time for the learning-rate search, in text tasks.
    pub search_share: f64,
    /// Seconds kept for the last publication; absent is 5 % of the time, at least 3 s and at most 180 s.
    pub reserve: Option<f64>,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self { eval_share: 0.1, search_share: 0.2, reserve: None }
    }
}

/// `[reward]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RewardConfig {
    /// Python reward functions.
    pub functions: Vec<RewardFunction>,
}

/// One Python reward function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewardFunction {
    /// Source file.
    pub path: PathBuf,
    /// Weight in the sum.
    pub weight: f64,
}
