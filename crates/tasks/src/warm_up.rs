//! Learning the format: supervised steps on legal random play.
//!
//! The play is generated here and now, from the rules alone; no data set is involved. A model that has seen it answers
//! with a legal action id and nothing else, and plays about uniformly: the point from which reinforcement starts.

use std::sync::Arc;

use model::LanguageModel;
use rollout::{Format, GroupSpec, Player, RandomPolicy, RunInfo, Start, StreamConfig, start_seed, stream};
use schema::{EnvName, Opponent, OpponentKind};
use tokio_util::sync::CancellationToken;
use train::sft::CrossEntropy;
use train::{
    Learner, LearnerConfig, Progress, Row, RowUnit, Schedule, ScoreSettings, Shape, Warmup, micro_batches,
};

use crate::{BadInput, Source};

/// Episodes of one deal are wasted on learning a format: every episode has its own.
const GROUP_SIZE: u32 = 1;
/// Padded tokens that go through the model at once.
const TOKEN_BUDGET: usize = 16_384;

/// Settings of the warm-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmUpConfig {
    /// Optimizer steps.
    pub steps: u64,
    /// Turns per step.
    pub batch_rows: usize,
    /// Peak learning rate; falls in a line to a tenth.
    pub lr: f64,
    /// Of the play.
    pub seed: u64,
}

/// Rows of random legal turns in `envs`, as many as the warm-up reads.
///
/// # Errors
/// If an environment cannot be played in this process, or `cancel` came first.
pub async fn random_play(
    envs: &[EnvName],
    format: &Arc<dyn Format>,
    config: &WarmUpConfig,
    cancel: &CancellationToken,
) -> anyhow::Result<Vec<Row>> {
    let wanted = config.batch_rows * config.steps as usize;
    let source = Source::in_process(envs)?;
    let player = Player::new(Arc::new(RandomPolicy), format.clone(), RunInfo::new("warm-up", config.seed));
    let (envs, seed) = (envs.to_vec(), config.seed);
    let specs = (0..).map(move |group: u64| {
        let env = envs[(group % envs.len() as u64) as usize];
        let (task_id, seed) = start_seed(env, seed, group);
        let opponent = Opponent::plain(OpponentKind::Random);
        GroupSpec { group, start: Start { task_id, seed, opponent }, size: GROUP_SIZE, over_sample: 0 }
    });
    let bounds = StreamConfig { groups_in_flight: source.capacity(), buffer: source.capacity() };
    let mut groups = stream(player, source.envs().clone(), specs, bounds, cancel);
    let mut rows = Vec::with_capacity(wanted);
    while rows.len() < wanted {
        let Some(group) = groups.next().await else { anyhow::bail!("the warm-up was cancelled") };
        let turns = group.trajectories.into_iter().flat_map(|trajectory| trajectory.turns);
        rows.extend(turns.map(|turn| Row::new(turn.prompt_tokens, turn.completion_tokens)));
    }
    rows.truncate(wanted);
    Ok(rows)
}

/// Trains `model` (its trained parameters must ask for gradients) on `rows`; calls `after` with each step's number and
/// loss, and ends early when that returns false.
///
/// # Errors
/// If there is nothing to learn from.
pub fn warm_up(
    model: LanguageModel,
    rows: Vec<Row>,
    config: &WarmUpConfig,
    mut after: impl FnMut(u64, f64) -> bool,
) -> anyhow::Result<LanguageModel> {
    if rows.is_empty() {
        return Err(BadInput::new(
            "the warm-up has nothing to learn from",
            "at least one environment must be known",
        )
        .into());
    }
    let schedule = Schedule { peak: config.lr, warmup: Warmup::Share(0.1), shape: Shape::Linear, floor: 0.1 };
    let mut learner = Learner::new(model, LearnerConfig::default());
    for (step, batch) in rows.chunks(config.batch_rows).enumerate() {
        let parts = micro_batches(batch.to_vec(), TOKEN_BUDGET, RowUnit::Single);
        let objective = CrossEntropy::mean(&parts);
        let lr = schedule.lr(Progress::of_steps(step as u64, config.steps));
        let report = learner.step(&parts, &objective, &ScoreSettings::default(), lr)?;
        if !after(step as u64 + 1, report.loss) {
            break;
        }
    }
    Ok(learner.into_model())
}
