//! The shared vocabulary: trajectories, the sidecar's wire types, task cards, run configuration, artifacts.
//!
//! Plain serde data without I/O and without behaviour beyond small constructors. Formats are fixed by
//! `interfaces.md`; what is added to them here is listed in `docs/adr/0002-trajectory-fields.md`.

mod artifact;
mod baseline;
mod config;
mod dataset_type;
pub mod env_api;
mod match_play;
mod task;
mod trajectory;
mod verify;

pub use artifact::{Artifact, ArtifactKind, LoraSpec};
pub use baseline::{
    BaselineStats, DatasetStats, Distribution, EnvStats, ThroughputStats, TrainingStats, WeightGroup,
    WeightStats,
};
pub use config::{
    BudgetConfig, EnvConfig, ModelConfig, ObjectiveConfig, OptimizerConfig, RewardConfig, RewardFunction,
    RolloutConfig, RunConfig, RunSection, TaskConfig,
};
pub use dataset_type::{ChatType, DatasetType, DpoType, GrpoType, InstructType, RewardEntry};
pub use match_play::{
    EditMode, LONG_TERM_SLOTS, MatchMove, MatchView, Memory, MemoryEdit, NOTE_TOKENS, Notes, WORKING_SLOTS,
};
pub use task::{EnvName, Environments, Message, Role, TaskError, TaskType};
pub use trajectory::{
    EpisodeId, Opponent, OpponentKind, Sampling, Score, StopReason, TRAJECTORY_SCHEMA, Trajectory, Turn,
    TurnFinish,
};
pub use verify::{Failure, VerifyReport};
