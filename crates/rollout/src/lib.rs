//! Playing episodes: `Policy` × `Env` → `Trajectory`, in groups, with limits.
//!
//! Async and light: no tensors here. Two traits are the doors to the other half of the system: [`Policy`] (the
//! engine, an HTTP model, scripts) and [`Env`] (a sidecar over HTTP, or the same games in-process).

pub mod bench;
mod codec;
mod env;
mod episode;
mod error;
mod format;
mod group;
mod in_process;
pub mod jsonl;
mod judge;
mod league;
pub mod local_play;
mod observation;
mod openai;
mod outcome;
mod player;
mod policy;
mod scripted;
mod seed;
pub mod server;
mod sidecar_env;
mod starts;
mod stream;
mod wire;

pub use codec::{ByteCodec, Codec};
pub use env::{Env, EnvError, EnvSource, Observation, Start, StepResult};
pub use episode::{EpisodeSpec, play_each_other, play_episode, play_self};
pub use error::Error;
pub use format::{
    Answer, CapturedRequest, ChatRequest, Compact, CutOff, Forfeit, Format, IntercodeFormat, IntercodeProse,
    IntercodeTools, MatchFormat, MatchProse, MatchResult, MatchRollout, MatchTools, PackSchema, Prompt,
    PromptPack, RecordedTurn, Reflection, ShellAnswer, ShellCall, ShellRollout, ShellStep, ShellView,
    SidecarChat, SidecarProse, ToolChat, apply_edit, format_by_name, match_view, verify_prompts_file,
};
pub use group::{Group, GroupSpec, play_group};
pub use in_process::InProcessSource;
pub use judge::GroupJudge;
pub use league::League;
pub use observation::parse_observation;
pub use openai::{OpenAiConfig, OpenAiPolicy};
pub use outcome::OutcomeSource;
pub use player::{Limits, Player, RunInfo};
pub use policy::{Candidate, Completion, Decoding, Policy, PolicyError, Request};
pub use scripted::{RandomPolicy, ScriptedPolicy, policy_by_name};
pub use seed::turn_key;
pub use sidecar_env::SidecarSource;
pub use starts::{EVALUATION_SEED, evaluation_start, start_seed};
pub use stream::{GroupStream, StreamConfig, stream};
