//! One recipe per task, read top to bottom; the deadline, the output folder, and what surrounds a run.
//!
//! [`EnvTask`] is the tournament's environment task; [`quickstart`] is the same on embedded defaults. Reading arguments
//! and printing is `cli`'s.

mod deadline;
mod env_rewards;
mod env_task;
mod error;
mod evaluation;
mod events;
mod files;
mod hub;
mod layout;
pub mod match_play;
mod memory;
mod model_policy;
mod new_model;
mod publish;
pub mod quickstart;
mod quickstart_report;
pub mod record;
pub mod settings;
mod source;
pub mod text;
mod warm_up;

pub use deadline::Deadline;
pub use env_rewards::EnvRewards;
pub use env_task::{EnvTask, EnvTaskRun, WhenAllDead, run};
pub use error::BadInput;
pub use evaluation::{HandsFigures, measure_exactly, play_hands};
pub use events::{Event, Observer, StepEvent, TextStepEvent};
pub use files::write_whole;
pub use hub::{Fetched, Hub};
pub use layout::Layout;
pub use memory::available_memory;
pub use model_policy::{EngineOdds, ModelPolicy};
pub use new_model::new_model;
pub use publish::{Publisher, holds_artifact};
pub use quickstart_report::REFERENCES;
pub use rollout::{EVALUATION_SEED, evaluation_start, start_seed};
pub use source::Source;
pub use warm_up::{WarmUpConfig, random_play, warm_up};
