//! T3: Kuhn poker. Against random play over a real HTTP sidecar, where the exact ceiling is 0.4583 chips a hand; and
//! against itself in this process, where what counts is how little a best opponent wins.

use std::sync::Arc;
use std::time::Duration;

use burn::tensor::Device;
use envclient::{Pool, PoolConfig};
use games::best_response::{expected_value, nash_conv};
use games::{Game, GameTree, TabularPolicy, load_game};
use grpo::advantage::AdvantageKind;
use grpo::{
    Budget, DrawConfig, EnginePolicy, EntropySchedule, GrpoConfig, GrpoTrainer, Rollouts, TrainerHandle,
    TrainingRun, ZeroSignal,
};
use model::{Arch, DecoderConfig, Engine, EngineConfig, LanguageModel, ScoreRequest, Size};
use rollout::{
    ByteCodec, Compact, EpisodeSpec, Format, Group, GroupSpec, InProcessSource, Player, RunInfo,
    SidecarSource, Start, StreamConfig, parse_observation, play_self,
};
use schema::{EnvName, Opponent, OpponentKind};
use sidecar::{Actor, ActorConfig, ServeConfig};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use train::{Progress, Schedule};

/// The sidecar's first kuhn_poker task.
const KUHN: u64 = 1000 * 100_000_000;
const GROUP_SIZE: u32 = 8;
const GROUPS: usize = 32;

fn fresh_model(seed: u64) -> LanguageModel {
    let mut config = DecoderConfig::preset(Arch::Qwen2, Size::Pico);
    config.vocab_size = ByteCodec::END_OF_TURN as usize + 1;
    // With the usual 0.02 the first gains are made without looking at the card, and some seeds stay there.
    config.initializer_range = 0.1;
    LanguageModel::fresh(&config, seed, &Device::flex().autodiff())
}

fn format() -> Arc<dyn Format> {
    Arc::new(Compact::new(Arc::new(ByteCodec)))
}

struct Table {
    engine: Engine,
    player: Player,
    game: Arc<dyn Game>,
    tree: GameTree,
}

impl Table {
    fn new(model: &LanguageModel, seed: u64) -> Self {
        let (engine, _) = Engine::spawn(model.clone(), 0, EngineConfig::default());
        let policy = Arc::new(EnginePolicy::new(engine.clone(), "pico"));
        let game = load_game("kuhn_poker").unwrap();
        let tree = GameTree::new(game.as_ref()).unwrap();
        Self { engine, player: Player::new(policy, format(), RunInfo::new("ladder", seed)), game, tree }
    }

    /// The policy at every information set.
    async fn policy(&self) -> TabularPolicy {
        let format = format();
        let requests = self.tree.infosets().iter().map(|infoset| {
            let text =
                sidecar::text::observation_body(self.game.as_ref(), infoset.state.as_ref(), infoset.seat);
            let observation = parse_observation(text);
            let candidates =
                format.candidates(&observation).into_iter().map(|candidate| candidate.tokens).collect();
            ScoreRequest { prompt: format.render(&[], &observation).unwrap().tokens, candidates }
        });
        let mut answers = self.engine.candidate_logprobs(requests.collect()).await.unwrap().into_iter();
        let probabilities =
            |logprobs: Vec<f32>| logprobs.into_iter().map(|logprob| f64::from(logprob).exp()).collect();
        TabularPolicy::from_fn(&self.tree, |_| probabilities(answers.next().unwrap()))
    }

    /// Chips a hand against random play, mean of both seats.
    async fn value_vs_uniform(&self) -> f64 {
        let (policy, uniform) = (self.policy().await, TabularPolicy::uniform());
        let [first, second] =
            [[&policy, &uniform], [&uniform, &policy]].map(|pair| expected_value(&self.tree, pair));
        (first - second) / 2.0
    }
}

async fn value_after_play_over_http(seed: u64, n_steps: u64, max_staleness: u64) -> f64 {
    let actor = ActorConfig { games: vec![EnvName::KuhnPoker], ..ActorConfig::default() };
    let server = sidecar::serve(ServeConfig { actor, ..ServeConfig::default() }).await.unwrap();
    let pool = PoolConfig { in_flight: 64, workers: 256, ..PoolConfig::default() };
    let pool = Pool::connect(&[server.url().parse().unwrap()], pool).await.unwrap();
    let model = fresh_model(seed);
    let table = Table::new(&model, seed);
    let opponent = Opponent::plain(OpponentKind::Random);
    let specs = (0..).map(move |group| GroupSpec {
        group,
        start: Start { task_id: KUHN, seed: seed * 1_000_000 + group, opponent },
        size: GROUP_SIZE,
        over_sample: 0,
    });
    let rollouts = Rollouts {
        player: table.player.clone(),
        source: Arc::new(SidecarSource::new(pool.clone())),
        specs: Box::new(specs),
        stream: StreamConfig { groups_in_flight: GROUPS, buffer: 4 },
    };
    let config = GrpoConfig {
        schedule: Schedule::constant(5e-4),
        entropy: EntropySchedule { start: 0.05, end: 0.01, hold: 0.5 },
        ..GrpoConfig::default()
    };
    let draw = DrawConfig { groups_per_step: GROUPS, max_staleness, zero_signal: ZeroSignal::Keep };
    let trainer = GrpoTrainer::new(model, config);
    let cancel = CancellationToken::new();
    let mut run =
        TrainingRun::new(trainer, table.engine.clone(), rollouts, draw, Budget::of_steps(n_steps), &cancel);
    while let Some(step) = run.next_step().await.unwrap() {
        assert_eq!(step.groups.len(), GROUPS);
        assert!(step.report.metrics["staleness"] <= max_staleness as f64);
        assert_eq!(step.report.metrics["illegal_rate"], 0.0);
    }
    run.finish().unwrap();
    let value = table.value_vs_uniform().await;
    pool.shutdown().await;
    server.shutdown().await;
    value
}

async fn nash_conv_after_self_play(seed: u64, n_steps: u64) -> f64 {
    let actor = ActorConfig { games: vec![EnvName::KuhnPoker], ..ActorConfig::default() };
    let source = Arc::new(InProcessSource::new(Arc::new(Actor::new(&actor).unwrap()), 256));
    let model = fresh_model(seed);
    let table = Table::new(&model, seed);
    // Scores are a quarter of chips (four chips between the best and the worst end), and so is the bonus.
    let config = GrpoConfig {
        advantages: AdvantageKind::RoleMean,
        schedule: Schedule::constant(5e-4),
        entropy: EntropySchedule::constant(0.15 / 4.0),
        ..GrpoConfig::default()
    };
    let trainer = TrainerHandle::spawn(GrpoTrainer::new(model, config));
    for step in 0..n_steps {
        let mut hands = JoinSet::new();
        for hand in 0..(GROUPS as u32 * GROUP_SIZE) {
            let (player, source) = (table.player.clone(), source.clone());
            let deal = seed * 10_000_000 + step * 1000 + u64::from(hand);
            let start =
                Start { task_id: KUHN, seed: deal, opponent: Opponent::plain(OpponentKind::SelfPlay) };
            let spec = EpisodeSpec { group: step, rollout: hand, start };
            hands.spawn(
                async move { play_self(&player, source.as_ref(), spec, &CancellationToken::new()).await },
            );
        }
        let mut trajectories = hands.join_all().await.concat();
        trajectories.sort_by_key(|trajectory| trajectory.rollout);
        let start = Start { task_id: KUHN, seed: step, opponent: Opponent::plain(OpponentKind::SelfPlay) };
        let spec = GroupSpec { group: step, start, size: trajectories.len() as u32, over_sample: 0 };
        let trained = trainer
            .step(vec![Group { spec, trajectories }], Progress::of_steps(step, n_steps))
            .await
            .unwrap();
        table.engine.set_model(trained.model, trained.version).await.unwrap();
    }
    nash_conv(&table.tree, &table.policy().await)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(Duration::from_secs(5));
    done
}

#[test]
fn ladder_t3_kuhn_is_exploited_over_http() {
    let value = run(value_after_play_over_http(0, 100, 0));
    assert!(value >= 0.44, "{value} chips a hand");
}

#[test]
fn ladder_t3_self_play_with_role_baselines_becomes_hard_to_exploit() {
    let nash_conv = run(nash_conv_after_self_play(0, 130));
    assert!(nash_conv <= 0.45, "NashConv {nash_conv}");
}

#[test]
fn ladder_all_seeds_t3_over_http() {
    for seed in 0..3 {
        for max_staleness in [0, 2] {
            let value = run(value_after_play_over_http(seed, 100, max_staleness));
            assert!(value >= 0.44, "seed {seed}, staleness {max_staleness}: {value} chips a hand");
        }
    }
}

#[test]
fn ladder_all_seeds_t3_self_play() {
    let reached = (0..3).filter(|seed| run(nash_conv_after_self_play(*seed, 130)) <= 0.45).count();
    assert!(reached >= 2, "{reached} of 3 seeds");
}
