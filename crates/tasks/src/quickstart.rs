//! The main job on embedded defaults: sidecars in this process over real HTTP, a pico model, GRPO on leduc_poker.
//!
//! The training is [`crate::EnvTaskRun`], the tournament's own code. What is here is what surrounds it: making a base
//! model that knows the format, evaluating before and after, and telling what happened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use burn::module::Module;
use burn::tensor::DType;
use eval::{ExactFigures, ExactGame};
use journal::{At, Journal, Metrics, RunName};
use model::{Arch, DeviceInfo, LanguageModel, SaveOptions, Size};
use rollout::{Format, format_by_name, parse_observation};
use schema::{EnvName, RunConfig};
use serde::Serialize;
use sidecar::{ActorConfig, ServeConfig, Server};
use tokio_util::sync::CancellationToken;
use train::{Batch, Row, row_logprobs};

use crate::env_task::{EnvTask, EnvTaskRun, WhenAllDead};
use crate::evaluation::{HandsFigures, measure_exactly, play_hands};
use crate::events::{Event, Observer, StepEvent};
use crate::files::write_whole;
use crate::quickstart_report as report;
use crate::record::step_scalars;
use crate::warm_up::{WarmUpConfig, random_play, warm_up};
use crate::{BadInput, Deadline, new_model};

/// The settings of a quickstart, as anyone can read and change them.
pub const QUICKSTART_TOML: &str = include_str!("../../../examples/quickstart.toml");

const ENV: EnvName = EnvName::LeducPoker;
const GAME: &str = "leduc_poker(players=2)";
/// Two, so that the pool has something to balance.
const SIDECARS: usize = 2;
/// The log-probs that are written for comparison with PEFT.
const LOGPROB_ROWS: usize = 64;

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Optimizer steps of GRPO.
    pub steps: u64,
    /// Supervised steps that make the base.
    pub warm_up_steps: u64,
    /// Hands of an evaluation.
    pub hands: u64,
    /// NashConv is measured every so many steps.
    pub exact_every: u64,
}

impl Scale {
    /// The real thing.
    pub const FULL: Self = Self { steps: 600, warm_up_steps: 150, hands: 2000, exact_every: 10 };
    /// Shows that everything works; learns next to nothing.
    pub const SMOKE: Self = Self { steps: 6, warm_up_steps: 100, hands: 200, exact_every: 3 };
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Quickstart {
    /// Run folder; must not hold a run yet.
    pub out: PathBuf,
    /// Settings, e.g. of [`QUICKSTART_TOML`].
    pub config: RunConfig,
    /// How much is done.
    pub scale: Scale,
    /// Where tensors live.
    pub device: DeviceInfo,
    /// Start of the process.
    pub started: Instant,
    /// The same in seconds since 1970.
    pub started_unix_s: f64,
}

/// The last line: what was reached.
#[derive(Clone, Debug, Serialize)]
pub struct Done {
    /// Chips per hand against mcts(25,1), after.
    pub mean_return: f64,
    /// Before.
    pub mean_return_before: f64,
    /// Standard error of `mean_return`.
    pub mean_return_se: f64,
    /// `chips/hand`.
    pub return_unit: &'static str,
    /// Exact, mean of both seats.
    pub value_vs_uniform: f64,
    /// Exact, mean of both seats.
    pub value_vs_cfr: f64,
    /// Mean total variation between private cards.
    pub card_sensitivity: f64,
    /// Share of agent turns refused in the evaluation.
    pub illegal_rate: f64,
    /// After.
    pub nash_conv: f64,
    /// Before.
    pub nash_conv_before: f64,
    /// Optimizer steps.
    pub steps: u64,
    /// Training episodes.
    pub episodes: u64,
    /// Tokens read and written by the policy in training.
    pub tokens: u64,
    /// Whole run.
    pub elapsed_s: f64,
    /// Of the run.
    pub seed: u64,
    /// Where it ran.
    pub device: String,
    /// The adapter's folder.
    pub artifact: PathBuf,
    /// The page.
    pub report: PathBuf,
    /// Whether the goals of the README are met; absent in a smoke run, which claims nothing.
    pub passed: Option<bool>,
    /// Hands before training, told.
    #[serde(skip)]
    pub hands_before: Vec<String>,
    /// The same deals after.
    #[serde(skip)]
    pub hands_after: Vec<String>,
}

/// An evaluation: played and computed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evaluation {
    pub(crate) hands: HandsFigures,
    pub(crate) exact: ExactFigures,
}

impl Quickstart {
    /// What will be done, and for how long, in lines for people.
    pub fn plan(&self) -> Vec<String> {
        let Scale { steps, warm_up_steps, hands, .. } = self.scale;
        let RunConfig { rollout, env, .. } = &self.config;
        let per_step = rollout.groups_per_step * rollout.group_size;
        vec![
            format!("{SIDECARS} mock sidecars for leduc_poker in this process, reached over HTTP"),
            format!(
                "a pico model, and {warm_up_steps} supervised steps on legal random play, for the format"
            ),
            format!("{steps} steps of GRPO, {per_step} hands each, against {}", opponent_name(env)),
            format!("{hands} hands before and after against mcts(25,1), and exact figures"),
            format!(
                "everything in {}; about {}",
                self.out.display(),
                if self.scale == Scale::FULL { "2 minutes on 2 cores" } else { "half a minute" }
            ),
        ]
    }

    /// Does it.
    ///
    /// # Errors
    /// [`BadInput`] for settings and folders; else what failed. The adapter published last stays.
    pub async fn run(self, observer: &mut dyn Observer, cancel: &CancellationToken) -> anyhow::Result<Done> {
        let folder = Folder::create(&self.out)?;
        let mut journal = Journal::create(folder.root.join("journal.jsonl"))?;
        journal.append(&self.config)?;
        let mut metrics = self.metrics(&folder.root)?;
        observer.event(&Event::Plan { lines: self.plan() });
        let sidecars = start_sidecars().await?;
        self.make_base(&folder.base, observer, cancel).await?;
        let task = self.task(&folder, &sidecars)?;
        let mut run = EnvTaskRun::prepare(task, observer, cancel).await?;
        let game = tokio::task::block_in_place(|| ExactGame::new(GAME))?;
        let before = self.evaluate(&run, &game, observer, cancel).await?;
        let points = self.train(&mut run, &game, (&mut journal, &mut metrics), observer).await?;
        let after = self.evaluate(&run, &game, observer, cancel).await?;
        let (episodes, tokens) = (run.n_episodes(), run.n_tokens());
        let format = run.format().clone();
        let (model, artifact) = run.finish(observer).await?;
        tokio::task::block_in_place(|| write_logprobs(&model, &game, format.as_ref(), &folder.logprobs))?;
        for sidecar in sidecars {
            sidecar.shutdown().await;
        }
        let done = Done {
            mean_return: after.hands.mean_return,
            mean_return_before: before.hands.mean_return,
            mean_return_se: after.hands.mean_return_se,
            return_unit: "chips/hand",
            value_vs_uniform: after.exact.value_vs_uniform,
            value_vs_cfr: after.exact.value_vs_cfr,
            card_sensitivity: after.exact.card_sensitivity,
            illegal_rate: after.hands.illegal_rate,
            nash_conv: after.exact.nash_conv,
            nash_conv_before: before.exact.nash_conv,
            steps: points.len() as u64,
            episodes,
            tokens,
            elapsed_s: self.started.elapsed().as_secs_f64(),
            seed: self.config.run.seed,
            device: self.device.name.clone(),
            artifact: artifact.path,
            report: folder.report.clone(),
            passed: (self.scale == Scale::FULL).then(|| report::passed(&after)),
            hands_before: before.hands.samples.clone(),
            hands_after: after.hands.samples.clone(),
        };
        report::write(&folder.report, &self.config, &done, &points, &before, &after)?;
        journal.append(&done)?;
        Ok(done)
    }

    /// The curves of the run for other tools.
    fn metrics(&self, folder: &Path) -> anyhow::Result<Metrics> {
        let config = serde_json::to_value(&self.config)?.as_object().cloned().unwrap_or_default();
        let (project, name) = ("croupier".to_owned(), "quickstart".to_owned());
        let run = RunName { project, name, started_unix_s: self.started_unix_s };
        Ok(Metrics::create(folder, &run, &config, None)?)
    }

    /// A base model that knows the format: what a tournament would hand us.
    async fn make_base(
        &self,
        base: &Path,
        observer: &mut dyn Observer,
        cancel: &CancellationToken,
    ) -> anyhow::Result<()> {
        observer.event(&Event::Phase { name: "base".to_owned() });
        let seed = self.config.run.seed;
        new_model(base, Arch::Qwen3, Size::Pico, None, seed)?;
        let tokenizer = Arc::new(data::Tokenizer::from_dir(base)?);
        let format = format_by_name(&self.config.rollout.format, tokenizer)
            .map_err(|error| BadInput::new(error.to_string(), "[rollout] format: compact or sidecar"))?;
        let config = WarmUpConfig { steps: self.scale.warm_up_steps, batch_rows: 256, lr: 3e-3, seed };
        let rows = random_play(&[ENV], &format, &config, cancel).await?;
        let model = LanguageModel::load(base, DType::F32, &self.device.device.clone().autodiff())?;
        let model = tokio::task::block_in_place(|| {
            warm_up(model, rows, &config, |step, loss| {
                observer.event(&Event::WarmUp { step, loss });
                !cancel.is_cancelled()
            })
        })?;
        model.save(base, &SaveOptions::default()).context("saving the base")?;
        Ok(())
    }

    fn task(&self, folder: &Folder, sidecars: &[Server]) -> anyhow::Result<EnvTask> {
        let urls = sidecars.iter().map(|sidecar| sidecar.url().parse()).collect::<Result<Vec<_>, _>>()?;
        let deadline = match self.config.run.hours {
            Some(hours) => Deadline::after_hours(self.started, hours, self.config.budget.reserve)?,
            None => Deadline::none(self.started),
        };
        let mut config = self.config.clone();
        // The model plays as many hands at once as a step has: our own sidecars answer concurrently.
        let hands = config.rollout.groups_per_step * config.rollout.group_size;
        config.rollout.workers = hands.div_ceil(SIDECARS as u32);
        config.rollout.in_flight = config.rollout.workers;
        Ok(EnvTask {
            name: "quickstart".to_owned(),
            model_dir: folder.base.clone(),
            base_model: "../base".to_owned(),
            out: folder.adapter.clone(),
            envs: vec![ENV],
            urls,
            when_all_dead: WhenAllDead::Fail,
            warm_up: WarmUpConfig { steps: 0, batch_rows: 1, lr: 0.0, seed: config.run.seed },
            rewards: Vec::new(),
            steps: Some(self.scale.steps),
            device: self.device.device.clone(),
            deadline,
            config,
        })
    }

    async fn train(
        &self,
        run: &mut EnvTaskRun,
        game: &ExactGame,
        (journal, metrics): (&mut Journal, &mut Metrics),
        observer: &mut dyn Observer,
    ) -> anyhow::Result<Vec<StepEvent>> {
        let mut points = Vec::new();
        while let Some(mut step) = run.next_step(observer).await? {
            if step.step % self.scale.exact_every == 0 {
                let exact = measure_exactly(game, run.policy(), run.format()).await?;
                step.nash_conv = Some(exact.nash_conv);
                step.card_sensitivity = Some(exact.card_sensitivity);
            }
            journal.append(&step)?;
            let unix_s = self.started_unix_s + self.started.elapsed().as_secs_f64();
            metrics.log(At { step: step.step, unix_s }, &step_scalars(&step))?;
            observer.event(&Event::Step(step.clone()));
            points.push(step);
        }
        Ok(points)
    }

    async fn evaluate(
        &self,
        run: &EnvTaskRun,
        game: &ExactGame,
        observer: &mut dyn Observer,
        cancel: &CancellationToken,
    ) -> anyhow::Result<Evaluation> {
        observer.event(&Event::Phase { name: "evaluation".to_owned() });
        let (policy, format, source) = (run.policy(), run.format(), run.source());
        let hands = play_hands(ENV, policy, format, source, self.scale.hands, cancel).await?;
        Ok(Evaluation { hands, exact: measure_exactly(game, policy, format).await? })
    }
}

fn opponent_name(env: &schema::EnvConfig) -> String {
    if env.opponent == "mcts" {
        format!("mcts({},1), which sees all cards", env.simulations)
    } else {
        env.opponent.clone()
    }
}

async fn start_sidecars() -> anyhow::Result<Vec<Server>> {
    let mut sidecars = Vec::new();
    for _ in 0..SIDECARS {
        let actor = ActorConfig { games: vec![ENV], ..ActorConfig::default() };
        sidecars.push(sidecar::serve(ServeConfig { actor, ..ServeConfig::default() }).await?);
    }
    Ok(sidecars)
}

/// Log-probs of our adapter without any mask, for `scripts/check_peft.py`: the first decisions of the game, each with
/// one of its legal actions.
fn write_logprobs(
    model: &LanguageModel,
    game: &ExactGame,
    format: &dyn Format,
    path: &Path,
) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let infosets = game.tree().infosets();
    for infoset in infosets.iter().step_by((infosets.len() / LOGPROB_ROWS).max(1)).take(LOGPROB_ROWS) {
        let text = sidecar::text::observation_body(game.game(), infoset.state.as_ref(), infoset.seat);
        let observation = parse_observation(text);
        let prompt = format.render(&[], &observation)?.tokens;
        let chosen = format.candidates(&observation).pop().context("a decision has legal actions")?;
        rows.push(Row::new(prompt, chosen.tokens));
    }
    let model = model.valid();
    let logprobs = row_logprobs(&model, &Batch::new(&rows, model.beginnings(), &model.device()), &rows, 1.0);
    let rows = rows.iter().zip(logprobs).map(|(row, logprobs)| {
        serde_json::json!({"prompt": row.prompt(), "completion": row.completion(), "logprobs": logprobs})
    });
    let text = serde_json::json!({"rows": rows.collect::<Vec<_>>()}).to_string();
    write_whole(path, &text)
}

/// What is where in a run folder.
struct Folder {
    root: PathBuf,
    base: PathBuf,
    adapter: PathBuf,
    logprobs: PathBuf,
    report: PathBuf,
}

impl Folder {
    fn create(root: &Path) -> Result<Self, BadInput> {
        let taken = root.join("base/config.json").exists();
        let made = std::fs::create_dir_all(root);
        if taken || made.is_err() {
            let why =
                made.err().map_or_else(|| "it already holds a run".to_owned(), |error| error.to_string());
            return Err(BadInput::new(
                format!("run folder `{}` cannot be used: {why}", root.display()),
                "choose another with --out",
            ));
        }
        Ok(Self {
            root: root.to_owned(),
            base: root.join("base"),
            adapter: root.join("adapter"),
            logprobs: root.join("logprobs.json"),
            report: root.join("report.html"),
        })
    }
}
