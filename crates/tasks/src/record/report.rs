//! `report.json`: what a run was asked, how it stands, and what came of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use eval::arena::Tally;
use schema::TaskType;
use serde::{Deserialize, Serialize};

use crate::BadInput;

/// Name of the file.
pub const REPORT_FILE: &str = "report.json";
/// Value of [`RunReport::schema`].
const SCHEMA: &str = "croupier.run/1";

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// `croupier.run/1`.
    pub schema: String,
    /// What the run is.
    pub asked: RunAsked,
    /// How it stands.
    pub status: RunStatus,
    /// Why it failed; empty if it did not.
    pub error: String,
    /// What came of it so far.
    pub result: RunResult,
}

/// What a run was asked: enough to evaluate it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunAsked {
    /// As `--task-id`.
    pub task_id: String,
    /// As `--task-type`.
    pub task_type: TaskType,
    /// As `--model`.
    pub model: String,
    /// The base's folder.
    pub model_dir: PathBuf,
    /// Rows; none in environment tasks.
    pub dataset: Option<PathBuf>,
    /// As `--dataset-type`, with the functions that `--reward` has added.
    pub dataset_type: String,
    /// Weight of the KL term of an instruct task, if it has one.
    pub kl_coef: Option<f64>,
    /// Where the artifact lies.
    pub artifact: PathBuf,
    /// Of the run.
    pub seed: u64,
    /// Wall clock that it had.
    pub hours: Option<f64>,
    /// Optimizer steps that it was to take at most.
    pub steps: Option<u64>,
    /// `cpu` or `cuda:N`.
    pub device: String,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It runs, or was killed.
    Running,
    /// It has ended by itself.
    Done,
    /// It was asked to stop.
    Interrupted,
    /// It has failed.
    Failed,
}

/// What has come of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Optimizer steps.
    pub steps: u64,
    /// Seconds since the start of the process.
    pub elapsed_s: f64,
    /// Learning rate that was chosen, if there was a choice.
    pub lr: Option<f64>,
    /// The evaluator's figure for the base on the held-out rows, lower is better.
    pub base_loss: Option<f64>,
    /// And the least that was seen.
    pub best_loss: Option<f64>,
    /// Each time that it was measured: step and figure.
    pub evaluations: Vec<(u64, f64)>,
    /// Environments by name, where exams are held.
    pub environments: BTreeMap<String, EnvResult>,
    /// What lies in the output folder: `adapter`, `model` or `nothing`.
    pub artifact_kind: String,
    /// Steps behind what lies there; 0 is the floor.
    pub published_step: Option<u64>,
    /// What became of the rows.
    pub rows: Option<data::Counts>,
    /// Last mean of each reward function.
    pub rewards: Vec<(String, f64)>,
    /// Completions that a reward function failed on.
    pub reward_faults: usize,
    /// What a human may act on.
    pub warnings: Vec<String>,
}

/// How one environment was played in the exams of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EnvResult {
    /// Score of the base.
    pub before: f64,
    /// Score of what lies in the output folder.
    pub after: f64,
    /// In the order in which they were held.
    pub exams: Vec<ExamResult>,
}

/// One exam in one environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExamResult {
    /// Optimizer steps behind the weights.
    pub step: u64,
    /// Wins and half of the draws as a share of all games; in a shell the mean reward.
    pub score: f64,
    /// Games; 0 in a shell.
    pub games: u64,
    /// Games lost for want of a legal move.
    pub forfeited: u64,
    /// Score against each opponent.
    pub against: Vec<(String, f64)>,
}

impl EnvResult {
    /// Adds what was played against one opponent, to the exam that goes on or as the first of the next.
    pub(super) fn add(&mut self, step: u64, against: &str, tally: &Tally) {
        let is_new = self.exams.last().is_none_or(|exam| {
            exam.step != step || exam.against.iter().any(|(opponent, _)| opponent == against)
        });
        if is_new {
            self.exams.push(ExamResult { step, ..ExamResult::default() });
        }
        let exam = self.exams.last_mut().expect("there is one now");
        let games = tally.games();
        let points = exam.score * exam.games as f64 + tally.score() * games as f64;
        exam.games += games;
        exam.score = points / exam.games.max(1) as f64;
        exam.forfeited += tally.forfeits[0];
        exam.against.push((against.to_owned(), tally.score()));
        self.note_base();
    }

    /// Adds an exam in a shell.
    pub(super) fn add_shell(&mut self, step: u64, score: f64) {
        self.exams.push(ExamResult { step, score, ..ExamResult::default() });
        self.note_base();
    }

    /// What has just been examined lies in the output folder.
    pub(super) fn publish(&mut self) {
        self.after = self.exams.last().map_or(self.after, |exam| exam.score);
    }

    fn note_base(&mut self) {
        if let [base] = self.exams.as_slice() {
            (self.before, self.after) = (base.score, base.score);
        }
    }
}

impl RunReport {
    /// Of a run that begins.
    pub fn new(asked: RunAsked) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            asked,
            status: RunStatus::Running,
            error: String::new(),
            result: RunResult::default(),
        }
    }

    /// The report in `folder`.
    ///
    /// # Errors
    /// [`BadInput`] if there is none, or it is of another kind.
    pub fn read(folder: &Path) -> Result<Self, BadInput> {
        let path = folder.join(REPORT_FILE);
        let bad = |why: String| {
            let message = format!("run record `{}` cannot be read: {why}", path.display());
            BadInput::new(message, "the folder of a run of `croupier train text`")
        };
        let text = std::fs::read_to_string(&path).map_err(|error| bad(error.to_string()))?;
        let report: Self = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        if report.schema != SCHEMA {
            return Err(bad(format!("its schema is `{}`, not `{SCHEMA}`", report.schema)));
        }
        Ok(report)
    }
}
