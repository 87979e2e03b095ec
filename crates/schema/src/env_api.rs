//! Wire types of the environment sidecar's HTTP API.
//!
//! # Source
//! affinetes `http_server.py` and the OpenSpiel actor at PhoenixBeaudry/affinetes-gradients@bb2981a.

use serde::{Deserialize, Serialize};

/// Body of `POST /reset`. Absent fields take the sidecar's defaults; unknown ones would be answered with 500.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetRequest {
    /// `game_index · 10⁸ + config_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<u64>,
    /// Deals, opponent's draws, seat = seed mod 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// `mcts` or `random`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opponent: Option<String>,
    /// Takes effect only together with `mcts_num_rollouts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcts_max_simulations: Option<u32>,
    /// Takes effect only together with `mcts_max_simulations`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcts_num_rollouts: Option<u32>,
}

/// Body of `POST /step`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRequest {
    /// Text of which the first run of digits is the action. In the shell environment a command, `submit`, or the empty text
    /// for a turn without a call.
    pub action: String,
    /// From the reset.
    pub episode_id: String,
}

/// Body of `POST /state` and `POST /stop`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpisodeRequest {
    /// From the reset.
    pub episode_id: String,
}

/// What every successful method call is wrapped in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// `success` or `failed`.
    pub status: String,
    /// The method's value.
    pub result: T,
    /// Always null on success.
    #[serde(default)]
    pub error: Option<String>,
}

/// Value of `reset`, `step` and `state`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvResult {
    /// Text for the agent.
    pub observation: String,
    /// 0 until the end, then the normalised score; −0.01 for a refused action.
    pub reward: f64,
    /// The episode is over.
    pub done: bool,
    /// No such episode.
    pub truncated: bool,
    /// 32 hex digits.
    pub episode_id: Option<String>,
    /// Facts about the episode; empty for unknown episodes.
    #[serde(default)]
    pub info: Info,
}

/// `info` of an [`EnvResult`]. As in the original, only the last two fields can be missing; the others are null instead.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Info {
    /// Echo.
    #[serde(default)]
    pub task_id: Option<u64>,
    /// Echo.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Short name.
    #[serde(default)]
    pub game_name: Option<String>,
    /// The agent's seat.
    #[serde(default)]
    pub llm_player_id: Option<u8>,
    /// `mcts` or `random`.
    #[serde(default)]
    pub opponent_type: Option<String>,
    /// Applied actions of both sides, chance and refused ones excluded.
    #[serde(default)]
    pub step_count: Option<u64>,
    /// Unreliable in the original; see env_sidecars §1.3.
    #[serde(default)]
    pub cumulative_reward: Option<f64>,
    /// Absent until the opponent has moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_opponent_action: Option<u32>,
    /// A game-level problem; the HTTP status is 200 all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<InfoError>,
}

/// `info.error`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfoError {
    /// `no_episode_id`, `episode_not_found`, `episode_done`, `not_your_turn`, `invalid_action`, `invalid_game`; ours also
    /// `no_legal_action`, `no_sandbox`, `sandbox_failed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// For people.
    pub message: String,
    /// Whether the same episode can go on.
    pub retryable: bool,
}

/// Value of `stop`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopResult {
    /// `ok`.
    pub status: String,
    /// False if there was nothing to stop.
    pub stopped: bool,
    /// Echo, if stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode_id: Option<String>,
    /// Why nothing was stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
