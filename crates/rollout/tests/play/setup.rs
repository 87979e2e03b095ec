//! Sidecars, sources and players for the tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use envclient::{Pool, PoolConfig};
use futures::FutureExt;
use futures::future::BoxFuture;
use rollout::{
    ByteCodec, Compact, Env, EnvError, EnvSource, EpisodeSpec, Format, InProcessSource, Observation, Player,
    Policy, RandomPolicy, RunInfo, SidecarSource, Start, StepResult,
};
use schema::{EnvName, Opponent, OpponentKind};
use sidecar::{Actor, ActorConfig, Faults, ServeConfig, Server};

pub(crate) const LEDUC: u64 = 200_000_000;

pub(crate) fn actor_config() -> ActorConfig {
    let games = vec![EnvName::LiarsDice, EnvName::LeducPoker, EnvName::GinRummy, EnvName::KuhnPoker];
    ActorConfig { games, ..ActorConfig::default() }
}

pub(crate) fn in_process() -> (Arc<Actor>, Arc<dyn EnvSource>) {
    let actor = Arc::new(Actor::new(&actor_config()).expect("known games"));
    (actor.clone(), Arc::new(InProcessSource::new(actor, 16)))
}

pub(crate) async fn server(faults: Option<Faults>) -> Server {
    let config = ServeConfig { actor: actor_config(), faults, ..ServeConfig::default() };
    sidecar::serve(config).await.expect("a port")
}

pub(crate) async fn over_http(servers: &[Server], config: PoolConfig) -> (Pool, Arc<dyn EnvSource>) {
    let urls: Vec<_> = servers.iter().map(|server| server.url().parse().expect("a URL")).collect();
    let pool = Pool::connect(&urls, config).await.expect("they answer");
    (pool.clone(), Arc::new(SidecarSource::new(pool)))
}

pub(crate) fn compact() -> Arc<dyn Format> {
    Arc::new(Compact::new(Arc::new(ByteCodec)))
}

pub(crate) fn player(policy: impl Policy + 'static) -> Player {
    Player::new(Arc::new(policy), compact(), RunInfo::new("test", 11))
}

pub(crate) fn random_player() -> Player {
    player(RandomPolicy)
}

pub(crate) fn start(task_id: u64, seed: u64) -> Start {
    Start { task_id, seed, opponent: Opponent::plain(OpponentKind::Random) }
}

pub(crate) fn spec(task_id: u64, seed: u64) -> EpisodeSpec {
    EpisodeSpec { group: seed, rollout: 0, start: start(task_id, seed) }
}

/// What a scripted environment answers next.
pub(crate) enum Answer {
    Go,
    Refuse,
    End(f64),
    Hang,
    Fail,
    Late,
}

/// An environment that follows a script; after it, it goes on forever.
#[derive(Clone, Default)]
pub(crate) struct Script(Arc<Mutex<VecDeque<Answer>>>);

impl Script {
    pub(crate) fn source(answers: impl IntoIterator<Item = Answer>) -> Arc<dyn EnvSource> {
        Arc::new(Self(Arc::new(Mutex::new(answers.into_iter().collect()))))
    }

    async fn next(&self) -> Result<StepResult, EnvError> {
        let answer = self.0.lock().expect("script").pop_front().unwrap_or(Answer::Go);
        let text =
            "Game: toy\nYou are Player 0.\n\nCurrent State:\nx\n\nLegal Actions:\n  0 -> a\n  1 -> b\n";
        let observation = rollout::parse_observation(text.to_owned());
        let go = StepResult { observation, reward: 0.0, done: false, refused: false, raw_return: None };
        match answer {
            Answer::Go => Ok(go),
            Answer::Refuse => {
                let observation = Observation { refusal: Some("no".to_owned()), ..go.observation.clone() };
                Ok(StepResult { observation, reward: -0.01, refused: true, ..go })
            }
            Answer::End(reward) => Ok(StepResult { done: true, reward, raw_return: Some(2.0), ..go }),
            Answer::Hang => std::future::pending().await,
            Answer::Fail => Err(EnvError::Failed("broken".to_owned())),
            Answer::Late => Err(EnvError::Timeout("late".to_owned())),
        }
    }
}

impl EnvSource for Script {
    fn acquire(&self) -> BoxFuture<'_, Result<Box<dyn Env>, EnvError>> {
        std::future::ready(Ok(Box::new(self.clone()) as Box<dyn Env>)).boxed()
    }
}

impl Env for Script {
    fn location(&self) -> String {
        "script".to_owned()
    }

    fn reset(&mut self, _start: Start) -> BoxFuture<'_, Result<StepResult, EnvError>> {
        self.next().boxed()
    }

    fn step<'a>(&'a mut self, _action: &'a str) -> BoxFuture<'a, Result<StepResult, EnvError>> {
        self.next().boxed()
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}
