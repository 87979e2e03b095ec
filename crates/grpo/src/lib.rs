//! Group-relative policy optimisation: advantages, the clipped objectives, trajectories to rows, the trainer.
//!
//! [`advantage`] and [`policy_loss`] are pure. Playing is `rollout`'s, the optimizer step is `train`'s; this crate says
//! what a trajectory is worth, and runs the loop: [`TrainingRun`] plays with the engine ([`EnginePolicy`]), trains on a
//! thread of its own ([`TrainerHandle`] around [`GrpoTrainer`]) and hands the new weights to the engine.

pub mod advantage;
mod alarm;
mod budget;
mod config;
mod draw;
mod error;
mod loss;
mod objective;
mod policy;
mod rows;
mod settings;
mod trainer;
mod trainer_thread;
mod training_run;
pub mod verify;

pub use alarm::{Alarm, CollapseWatch};
pub use budget::Budget;
pub use config::GrpoConfig;
pub use draw::{DrawConfig, Drawn, Rollouts, ZeroSignal};
pub use error::Error;
pub use loss::{LossInput, Normalisers, entropy_threshold, policy_loss};
pub use objective::PolicyObjective;
pub use policy::EnginePolicy;
pub use rows::{advantages_of, group_is_zero_signal, group_rewards, trajectory_rows};
pub use settings::{
    EntropySchedule, KlEstimator, KlWeight, Level, LossSettings, LossType, TruncatedImportance,
};
pub use trainer::GrpoTrainer;
pub use trainer_thread::{Trained, TrainerHandle};
pub use training_run::{Step, TrainingRun};
