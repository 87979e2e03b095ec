//! The record of one episode: the journal's unit and one line of a rollout file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Value of [`Trajectory::schema`].
pub const TRAJECTORY_SCHEMA: &str = "croupier.trajectory/1";

/// Number of an episode within one run; unique and dense in order of dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EpisodeId(pub u64);

/// Everything that can end an episode. Every dispatched episode yields exactly one trajectory with one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The game ended.
    Done,
    /// The bound on turns was reached.
    TurnLimit,
    /// A completion or the whole episode used up its tokens.
    TokenLimit,
    /// Too many refused actions in a row.
    InvalidLimit,
    /// The sidecar answered with an error that a retry does not cure.
    EnvError,
    /// The sidecar did not answer in time.
    EnvTimeout,
    /// Cut off: a straggler of an over-sampled group, or the run was stopped.
    Cancelled,
    /// The policy failed.
    PolicyError,
    /// The run's deadline passed.
    Deadline,
}

impl StopReason {
    /// True if the episode's reward says something about the policy, so that it may be trained on.
    pub fn is_scored(self) -> bool {
        matches!(self, Self::Done | Self::TurnLimit | Self::TokenLimit | Self::InvalidLimit)
    }
}

/// Who sits on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpponentKind {
    /// Uniform over legal actions.
    Random,
    /// OpenSpiel's MCTS on the true state.
    Mcts,
    /// CFR+ average policy (leduc_poker and kuhn_poker).
    Cfr,
    /// The trained policy itself.
    #[serde(rename = "self")]
    SelfPlay,
}

/// Opponent of an episode as asked of the sidecar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opponent {
    /// Which player.
    pub kind: OpponentKind,
    /// MCTS simulations a move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulations: Option<u32>,
    /// MCTS random playouts per evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollouts: Option<u32>,
}

impl Opponent {
    /// MCTS with `simulations` a move and `rollouts` playouts per leaf.
    pub fn mcts(simulations: u32, rollouts: u32) -> Self {
        Self { kind: OpponentKind::Mcts, simulations: Some(simulations), rollouts: Some(rollouts) }
    }

    /// An opponent without parameters.
    pub fn plain(kind: OpponentKind) -> Self {
        Self { kind, simulations: None, rollouts: None }
    }
}

/// How completions are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Logits are divided by this; 0 is greedy.
    pub temperature: f32,
    /// Nucleus mass; 1 is off.
    pub top_p: f32,
    /// Number of candidates kept; 0 is off.
    pub top_k: u32,
    /// Completion tokens of one turn.
    pub max_new_tokens: u32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 1.0, top_p: 1.0, top_k: 0, max_new_tokens: 16 }
    }
}

/// Why a completion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnFinish {
    /// A stop token, or the only continuation that was left.
    Stop,
    /// `max_new_tokens`.
    Length,
}

/// One prompt and its completion. The ids are the truth; the texts are for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Text of the prompt.
    pub prompt: String,
    /// The prompt that the policy saw.
    pub prompt_tokens: Vec<u32>,
    /// Text of the completion.
    pub completion: String,
    /// Sampled tokens, the stop token included.
    pub completion_tokens: Vec<u32>,
    /// Natural log-probabilities under the sampling distribution, one per completion token.
    pub logprobs: Vec<f32>,
    /// 1 for sampled tokens, 0 for tokens that the sampler had no choice about.
    pub loss_mask: Vec<u8>,
    /// Tokens that the sampler was allowed to draw, one list per completion token; empty if unrestricted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_tokens: Vec<Vec<u32>>,
    /// Why the completion ended.
    pub finish: TurnFinish,
    /// Version of the weights that sampled it.
    pub policy_version: u64,
    /// Text sent to the environment.
    pub action: String,
    /// The action's id, if the text named one.
    pub action_id: Option<u32>,
    /// Legal ids at this turn.
    pub legal_ids: Vec<u32>,
    /// False if the environment refused the action.
    pub legal: bool,
    /// Reward of this transition.
    pub reward: f64,
    /// Time in the environment.
    pub env_ms: f64,
    /// Time in the policy.
    pub generate_ms: f64,
}

/// A re-scoring of a recorded episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// `FILE#sha256`.
    pub by: String,
    /// The score.
    pub value: f64,
}

/// The record of one episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trajectory {
    /// [`TRAJECTORY_SCHEMA`].
    pub schema: String,
    /// `RUN-gGROUP-ROLLOUT`.
    pub id: String,
    /// Name of the run.
    pub run: String,
    /// Number of the group.
    pub group: u64,
    /// Number within the group.
    pub rollout: u32,
    /// Environment, or `text`.
    pub env: String,
    /// URL of the sidecar; empty if in-process.
    pub sidecar: String,
    /// Selects game and variant.
    pub task_id: u64,
    /// Deals, opponent's draws and the agent's seat.
    pub seed: u64,
    /// The agent's seat, once known.
    pub player: Option<u8>,
    /// The other side.
    pub opponent: Opponent,
    /// `engine:NAME`, `random`, …
    pub policy: String,
    /// Prompt format.
    pub format: String,
    /// `sha256:…` of tokenizer.json; empty for policies without one.
    pub tokenizer: String,
    /// How completions were drawn.
    pub sampling: Sampling,
    /// The turns, in order.
    pub turns: Vec<Turn>,
    /// Sum that training uses.
    pub reward: f64,
    /// Return in the game's own unit, if the game ended.
    pub raw_return: Option<f64>,
    /// Parts of the reward by name.
    pub rewards: BTreeMap<String, f64>,
    /// Why the episode ended.
    pub stop_reason: StopReason,
    /// True if it was cut before the game's end.
    pub truncated: bool,
    /// Oldest and newest version of the weights that played.
    pub policy_versions: [u64; 2],
    /// Since the start of the run.
    pub started_ms: u64,
    /// Duration.
    pub elapsed_ms: u64,
    /// Later scores.
    pub scores: Vec<Score>,
    /// Of text tasks: the row's other columns in the data set.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
    /// What failed, for people; empty if nothing did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
}
