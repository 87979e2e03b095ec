//! `croupier play`: a person's hand, line by line.

use std::io::{BufReader, stdin, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use eval::{ActionProbabilities, Query};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use model::{DecoderConfig, DeviceChoice};
use rollout::local_play::{Advice, Advisor, CfrAdvisor, Console, Hand, play_hand};
use rollout::{
    Compact, Format, MatchFormat, MatchRollout, Observation, Player, PolicyError, RunInfo, Start, match_view,
};
use schema::{EnvName, Opponent, OpponentKind, StopReason, Trajectory};
use tasks::match_play::first_turn_tokens;
use tasks::{EVALUATION_SEED, EngineOdds, ModelPolicy};

use crate::args::PlayArgs;
use crate::failure::Failure;
use crate::interrupt;

/// What an opponent's name begins with if it is a model.
const MODEL: &str = "model:";
/// Longest answer of a model: a call of a tool and some room.
const MAX_NEW_TOKENS: u32 = 96;
/// For the last text to be shown.
const FLUSH: Duration = Duration::from_millis(500);
/// For one answer of a sidecar, in seconds.
const STEP_TIMEOUT: f64 = 120.0;

pub(crate) fn run(args: PlayArgs) -> Result<()> {
    interrupt::block_on(play(args))
}

async fn play(args: PlayArgs) -> Result<()> {
    let env = super::rollout::environment(&args.game)?;
    let opponent = opponent(&args, env)?;
    let mut saved = args.save.as_deref().map(saved).transpose()?;
    let model = model(&args, env)?;
    let urls = args.sidecar.as_deref();
    let source = super::rollout::source(urls, &[env], STEP_TIMEOUT, 1).await?;
    let hand = hand(&args, env, opponent, model, saved.as_deref())?;
    let Start { task_id, seed, .. } = hand.start;
    let console = Console::spawn(BufReader::new(stdin()), stdout());
    console.tell(format!("{env}, task {task_id}, seed {seed}. `help` lists what can be typed.\n")).await;
    let cancel = interrupt::token();
    let played = play_hand(&hand, source.envs().as_ref(), &console, &cancel).await;
    source.shutdown().await;
    let (stop_reason, error) = (played[0].stop_reason, played[0].error.clone());
    if let (Some(path), Some(before)) = (&args.save, &mut saved) {
        before.extend(played);
        save(path, before)?;
        console.tell(format!("Saved in {}.\n", path.display())).await;
    }
    // The end of the process waits for no text.
    console.flush(FLUSH).await;
    match stop_reason {
        _ if cancel.is_cancelled() => Err(Failure::interrupted("stopped").into()),
        StopReason::Done | StopReason::Cancelled => Ok(()),
        reason => anyhow::bail!("the hand ended early ({reason:?}): {error}"),
    }
}

fn opponent(args: &PlayArgs, env: EnvName) -> Result<Opponent> {
    let bad = |message: String, hint: &str| Err(Failure::bad_input(message, hint).into());
    let has_cfr = spec(env).is_some();
    match args.opponent.as_str() {
        "random" => Ok(Opponent::plain(OpponentKind::Random)),
        "mcts" => Ok(Opponent::mcts(args.simulations.max(1), 1)),
        "cfr" if has_cfr => Ok(Opponent::plain(OpponentKind::Cfr)),
        "cfr" => bad(format!("{env} is too large for CFR+"), "--opponent mcts or random"),
        name if !name.starts_with(MODEL) => {
            bad(format!("no opponent `{name}`"), "random, mcts, cfr or model:DIR")
        }
        _ if args.sidecar.is_some() => {
            bad("a model plays in this process, not on a sidecar".to_owned(), "leave --sidecar out")
        }
        _ if args.model.is_some() => bad(
            "the opponent is a model, and so is --model".to_owned(),
            "leave --model out: the opponent hints",
        ),
        _ => Ok(Opponent::plain(OpponentKind::SelfPlay)),
    }
}

/// OpenSpiel's name of a game that can be solved at once.
fn spec(env: EnvName) -> Option<&'static str> {
    match env {
        EnvName::LeducPoker => Some("leduc_poker(players=2)"),
        EnvName::KuhnPoker => Some("kuhn_poker(players=2)"),
        _ => None,
    }
}

/// A model, and how it is shown the game.
struct Model {
    policy: ModelPolicy,
    format: Arc<dyn Format>,
}

/// The model that plays or hints.
fn model(args: &PlayArgs, env: EnvName) -> Result<Option<Model>> {
    let opponent = args.opponent.strip_prefix(MODEL).map(PathBuf::from);
    let Some(dir) = opponent.or_else(|| args.model.clone()) else {
        return match &args.adapter {
            Some(_) => {
                Err(Failure::bad_input("--adapter without a model", "--opponent model:DIR or --model DIR")
                    .into())
            }
            None => Ok(None),
        };
    };
    if !dir.join("config.json").is_file() {
        let message = format!("`{}` holds no model", dir.display());
        return Err(Failure::bad_input(message, "a folder with config.json and weights").into());
    }
    let device = args.device.parse::<DeviceChoice>().and_then(DeviceChoice::open);
    let device = device.map_err(|error| Failure::bad_input(error.to_string(), "--device cpu"))?;
    let loaded = ModelPolicy::load(&dir, args.adapter.as_deref(), &device.device);
    let policy = loaded.with_context(|| format!("loading `{}`", dir.display()))?;
    let format = format_of(&dir, env, policy.tokenizer().clone())?;
    Ok(Some(Model { policy, format }))
}

/// As `train text` shows the game to this model.
fn format_of(dir: &Path, env: EnvName, tokenizer: Arc<data::Tokenizer>) -> Result<Arc<dyn Format>> {
    let pack = Arc::new(super::prompts::pack(None, &[])?);
    let n_positions = DecoderConfig::from_dir(dir)?.max_position_embeddings;
    if teach::GAMES.contains(&env.as_str()) && first_turn_tokens(dir, &pack, &[env])? <= n_positions {
        let format = MatchFormat::new(tokenizer, pack)?;
        return Ok(Arc::new(MatchRollout::new(Arc::new(format))));
    }
    Ok(Arc::new(Compact::new(tokenizer)))
}

fn hand(
    args: &PlayArgs,
    env: EnvName,
    opponent: Opponent,
    model: Option<Model>,
    saved: Option<&[Trajectory]>,
) -> Result<Hand> {
    let is_self_play = opponent.kind == OpponentKind::SelfPlay;
    let mut seed = args.seed.unwrap_or_else(|| nanos() % EVALUATION_SEED);
    let seat = args.seat.unwrap_or((seed % 2) as u8);
    if !is_self_play && seed % 2 != u64::from(seat) {
        // The environment seats by the seed's parity.
        seed ^= 1;
    }
    if seed >= u64::from(u32::MAX) - 100 {
        return Err(Failure::bad_input(format!("--seed {seed}"), "below 4294967195").into());
    }
    let ids = env.task_ids().expect("asked for by name among the playable");
    let task_id = ids.start + seed % (ids.end - ids.start);
    let mut advisors: Vec<Arc<dyn Advisor>> = Vec::new();
    if let Some(spec) = spec(env) {
        advisors.push(Arc::new(CfrAdvisor::solve(spec)?));
    }
    if teach::GAMES.contains(&env.as_str()) {
        advisors.push(Arc::new(TeacherAdvisor::start(env)));
    }
    let mut against = None;
    if let Some(Model { policy, format }) = model {
        if is_self_play {
            let mut player = Player::new(policy.policy(), format.clone(), RunInfo::new("play", seed));
            player.sampling.max_new_tokens = MAX_NEW_TOKENS;
            against = Some((player, seat));
        }
        advisors.push(Arc::new(ModelAdvisor { name: policy.policy().name(), odds: policy.odds(), format }));
    }
    let group = saved.and_then(|saved| saved.iter().map(|one| one.group + 1).max()).unwrap_or(0);
    Ok(Hand { start: Start { task_id, seed, opponent }, group, against, advisors })
}

/// What the clock says: another deal each time.
fn nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed: Duration| elapsed.as_nanos() as u64)
}

/// What the teacher of match play does, who counts games and not chips.
struct TeacherAdvisor {
    game: &'static str,
    /// Solves the game while the hand begins.
    teacher: Shared<BoxFuture<'static, Option<Arc<dyn teach::Player>>>>,
}

impl TeacherAdvisor {
    fn start(env: EnvName) -> Self {
        let game = env.as_str();
        let solving = tokio::task::spawn_blocking(move || teach::teacher(game, teach::Utility::Outcome).ok());
        Self { game, teacher: solving.map(|solved| solved.ok().flatten()).boxed().shared() }
    }
}

impl Advisor for TeacherAdvisor {
    fn name(&self) -> String {
        "teacher (for the win)".to_owned()
    }

    fn advise<'a>(
        &'a self,
        observation: &'a Observation,
    ) -> BoxFuture<'a, Result<Option<Advice>, PolicyError>> {
        async move {
            if observation.game != self.game {
                return Ok(None);
            }
            let Some(teacher) = self.teacher.clone().await else { return Ok(None) };
            // Where it mixes, the middle of its draws.
            let Ok(answer) = teacher.answer(&match_view(observation), 0.5) else { return Ok(None) };
            let weight = |(id, _): &(u32, String)| f64::from(u8::from(*id == u32::from(answer.action)));
            Ok(Some(Advice { weights: observation.legal.iter().map(weight).collect() }))
        }
        .boxed()
    }
}

/// A model's probabilities of the legal actions.
struct ModelAdvisor {
    name: String,
    odds: EngineOdds,
    format: Arc<dyn Format>,
}

impl Advisor for ModelAdvisor {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn advise<'a>(
        &'a self,
        observation: &'a Observation,
    ) -> BoxFuture<'a, Result<Option<Advice>, PolicyError>> {
        async move {
            let Ok(prompt) = self.format.render(&[], observation) else { return Ok(None) };
            let candidates = self.format.candidates(observation);
            let queries = vec![Query { prompt: prompt.tokens, candidates }];
            let weights = self.odds.action_probabilities(queries).await?.pop();
            Ok(weights.map(|weights| Advice { weights }))
        }
        .boxed()
    }
}

/// The hands that a file holds already.
fn saved(path: &Path) -> Result<Vec<Trajectory>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let read = rollout::jsonl::read(path);
    Ok(read.map_err(|error| {
        Failure::bad_input(error.to_string(), "--save takes a file of trajectories, or a new one")
    })?)
}

fn save(path: &Path, trajectories: &[Trajectory]) -> Result<()> {
    let mut writer = rollout::jsonl::Writer::create(path)?;
    for trajectory in trajectories {
        writer.append(trajectory)?;
    }
    Ok(writer.finish()?)
}
