//! What a run tells whoever watches: the cli prints it, the journal keeps it.

use std::path::PathBuf;

use serde::Serialize;

/// Something that happened in a run.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// What will be done, before anything is.
    Plan {
        /// One line per phase.
        lines: Vec<String>,
    },
    /// A human may want to act.
    Warning {
        /// What is wrong, with which value.
        message: String,
    },
    /// A phase begins.
    Phase {
        /// Its name.
        name: String,
    },
    /// One step of the warm-up on legal random play.
    WarmUp {
        /// Number of the step.
        step: u64,
        /// Cross-entropy in nats per token.
        loss: f64,
    },
    /// One optimizer step of GRPO.
    Step(StepEvent),
    /// What became of the rows of a data file.
    Rows {
        /// Read, kept, left out.
        counts: data::Counts,
    },
    /// The learning rate was chosen.
    LearningRate {
        /// Chosen.
        lr: f64,
        /// Tried, each with its figure; none if there was no time.
        trials: Vec<(f64, f64)>,
    },
    /// One optimizer step of a text task.
    TextStep(TextStepEvent),
    /// What reward functions said of a step's completions.
    Rewards {
        /// Optimizer step.
        step: u64,
        /// What the functions are called.
        names: Vec<String>,
        /// Mean of each function, unweighted.
        means: Vec<f64>,
        /// Completions that a function failed on, so far.
        faults: usize,
    },
    /// The evaluator's figure for the weights as they are, lower is better.
    Evaluation {
        /// Optimizer steps behind them.
        step: u64,
        /// Of these weights.
        loss: f64,
        /// Of the base.
        base: f64,
        /// Held-out examples.
        n: usize,
    },
    /// Games of the weights as they are against one opponent: temperature 0, seats swapped.
    Exam {
        /// Optimizer steps behind the weights.
        step: u64,
        /// Which game.
        game: String,
        /// Whom it played.
        against: String,
        /// Games and forfeits.
        tally: eval::arena::Tally,
        /// Wins and half of the draws as a share.
        score: f64,
    },
    /// Tasks of the shell environment, played by the weights as they are.
    ShellExam {
        /// Optimizer steps behind the weights.
        step: u64,
        /// Mean reward.
        score: f64,
    },
    /// How the rows of the next steps are spread over what is learnt from.
    Shares {
        /// Optimizer steps behind the exam that decided it.
        step: u64,
        /// Names with their parts of 1.
        shares: Vec<(String, f64)>,
    },
    /// Turns of the model's own games have joined the lessons.
    OwnStates {
        /// Optimizer steps behind the weights that played.
        step: u64,
        /// Turns.
        turns: usize,
    },
    /// A new adapter lies in the output folder.
    Published {
        /// Optimizer steps behind it.
        step: u64,
        /// The folder.
        path: PathBuf,
    },
    /// The pool's counters at the end of a run.
    Sidecars {
        /// One line per sidecar.
        lines: Vec<String>,
    },
}

/// Figures of one optimizer step.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StepEvent {
    /// Number of the step, from 1.
    pub step: u64,
    /// Planned steps; 0 where the clock ends the run.
    pub steps: u64,
    /// Episodes played so far.
    pub episodes: u64,
    /// Mean return of the step's episodes in the game's unit (unmasked failures excluded).
    pub mean_return: f64,
    /// Share of groups that were dropped because all their rewards were equal.
    pub zero_signal: f64,
    /// Share of agent turns that the environment refused.
    pub illegal_rate: f64,
    /// Agent turns per episode.
    pub turns: f64,
    /// Tokens read and written by the policy per second of the step.
    pub tokens_per_second: f64,
    /// Entropy of the policy per decision, in nats.
    pub entropy: f64,
    /// The objective.
    pub loss: f64,
    /// Before clipping.
    pub grad_norm: f64,
    /// Learning rate.
    pub lr: f64,
    /// Exact NashConv, where it was measured at this step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nash_conv: Option<f64>,
    /// Exact card sensitivity, where it was measured at this step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_sensitivity: Option<f64>,
    /// Since the start of the process.
    pub elapsed_s: f64,
}

/// Figures of one optimizer step of a text task.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TextStepEvent {
    /// Number of the step, from 1.
    pub step: u64,
    /// Planned steps.
    pub steps: u64,
    /// The objective.
    pub loss: f64,
    /// Learning rate.
    pub lr: f64,
    /// Before clipping.
    pub grad_norm: f64,
    /// Share of the run that is over, 0 to 1.
    pub fraction: f64,
    /// Tokens that went through the model per second.
    pub tokens_per_second: f64,
    /// The gradient was not finite: nothing changed.
    pub skipped: bool,
}

/// Receives events as they happen.
pub trait Observer: Send {
    /// Called on the run's own thread: must not block for long.
    fn event(&mut self, event: &Event);
}

impl<F: FnMut(&Event) + Send> Observer for F {
    fn event(&mut self, event: &Event) {
        self(event);
    }
}
