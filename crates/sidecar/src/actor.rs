//! The sidecar's logic without HTTP: episodes by id, with `reset`, `step`, `state` and `stop`.
//!
//! The shell environment is played beside the games, see [`crate::ShellConfig`].
//!
//! The server wraps it in routes; rollouts in the same process call it directly. Calls of different episodes run at
//! the same time; calls of one episode wait for each other. Replies are the original's, field by field.
//!
//! Unlike the original it frees episodes that nobody has touched for a while, caps their number, and knows two more
//! opponents: `cfr` (CFR+ average policy) and `self` (the agent plays both seats). A seat that is to move and has no
//! legal action (rare, gin_rummy only) ends its episode with `info.error` of type `no_legal_action`.

mod episode;
pub(crate) mod opponent;
mod recorded;
pub(crate) mod replies;
mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use schema::EnvName;
use schema::env_api::{EnvResult, ResetRequest, StopResult};

use self::episode::Episode;
use self::opponent::OpponentChoice;
pub(crate) use self::recorded::RecordedEpisode;
use self::table::{Play, Slot, Table};
use crate::catalog::Catalog;
use crate::shell::{MAX_SANDBOXES, Refusal, Shell, ShellConfig};
use crate::{Error, chance};

/// The largest seed: numpy takes 32 bits, and the deal uses seed + 100.
const MAX_SEED: u64 = (u32::MAX - 100) as u64;

/// Settings of an [`Actor`].
#[derive(Clone, Debug)]
pub struct ActorConfig {
    /// Games to serve, and the shell environment if it is named.
    pub games: Vec<EnvName>,
    /// Of the shell environment.
    pub shell: ShellConfig,
    /// Episodes that nobody has touched for this long are freed. The reference client's own timeout is 2400 s.
    pub idle_timeout: Duration,
    /// Open episodes at most; a gin_rummy episode against MCTS holds a few hundred kilobytes.
    pub max_episodes: usize,
}

impl Default for ActorConfig {
    fn default() -> Self {
        Self {
            games: Catalog::DEFAULT.to_vec(),
            shell: ShellConfig::default(),
            idle_timeout: Duration::from_secs(3600),
            max_episodes: 10_000,
        }
    }
}

/// How long a call may keep its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Less than about a millisecond: fine on an async worker.
    Light,
    /// A search: belongs on a thread for computing.
    Heavy,
    /// A command in a sandbox: keeps a thread waiting, and computes in processes of its own.
    Process,
}

/// All episodes of one sidecar.
#[derive(Debug)]
pub struct Actor {
    catalog: Catalog,
    shell: Option<Arc<Shell>>,
    table: Table,
    nonce: AtomicU64,
}

impl Actor {
    /// An actor without episodes. With the shell environment it tries out what the kernel grants, for milliseconds.
    ///
    /// # Errors
    /// [`Error::Rules`], [`Error::Shell`].
    pub fn new(config: &ActorConfig) -> Result<Self, Error> {
        let has_shell = config.games.contains(&EnvName::Intercode);
        let shell = has_shell.then(|| Shell::open(config.shell.clone())).transpose()?;
        Ok(Self {
            catalog: Catalog::new(&config.games)?,
            shell: shell.map(Arc::new),
            table: Table::new(config.max_episodes, config.idle_timeout),
            nonce: AtomicU64::new(chance::process_random()),
        })
    }

    /// Starts an episode; if the opponent sits first, it has moved already.
    ///
    /// A task id that selects no served game is answered with `info.error` of type `invalid_game`. Absent fields are
    /// drawn at random as in the original, except that the task id is one of a served game.
    ///
    /// # Errors
    /// Whatever the original answers with HTTP 500, and [`Error::TooManyEpisodes`].
    pub fn reset(&self, request: &ResetRequest) -> Result<EnvResult, Error> {
        let (task_id, seed) = self.resolve(request)?;
        if let Some(shell) = self.shell_of(task_id) {
            return self.reset_shell(shell, task_id, seed);
        }
        let Some(variant) = self.catalog.variant(task_id) else {
            return Ok(replies::invalid_game(task_id, seed, self.catalog.names()));
        };
        let opponent = OpponentChoice::from_request(request, variant);
        let weight = opponent.move_weight(variant);
        self.table.make_room()?;
        let mut episode = Episode::new(task_id, seed, variant, opponent)?;
        let id = self.new_id();
        let reply = episode.start(&id);
        self.table.insert(id, Play::Game(episode), weight)?;
        Ok(reply)
    }

    fn reset_shell(&self, shell: &Shell, task_id: u64, seed: u64) -> Result<EnvResult, Error> {
        self.table.make_room()?;
        let mut started = shell.reset(task_id, seed);
        if matches!(started, Err(Refusal::Full(_))) && self.sweep() > 0 {
            started = shell.reset(task_id, seed);
        }
        let episode = match started {
            Ok(episode) => episode,
            Err(refusal) => return refusal.reply(task_id, seed),
        };
        let id = self.new_id();
        let reply = episode.state(&id);
        self.table.insert(id, Play::Shell(episode), Weight::Process)?;
        Ok(reply)
    }

    /// Plays the action that `action` names, then the opponent's reply.
    pub fn step(&self, action: &str, episode_id: Option<&str>) -> EnvResult {
        match self.find(episode_id) {
            Ok((id, slot)) => slot.episode().step(id, action),
            Err(missing) => missing.reply("step"),
        }
    }

    /// The observation again, without a move.
    pub fn state(&self, episode_id: Option<&str>) -> EnvResult {
        match self.find(episode_id) {
            Ok((id, slot)) => slot.episode().state(id),
            Err(missing) => missing.reply("state"),
        }
    }

    /// Frees an episode; a command that still runs in it ends within its own limit.
    pub fn stop(&self, episode_id: Option<&str>) -> StopResult {
        let id = episode_id.filter(|id| !id.is_empty());
        let stopped = id.is_some_and(|id| self.table.remove(id).is_some());
        replies::stopped(id, stopped)
    }

    /// What a reset with this request costs.
    pub fn reset_weight(&self, request: &ResetRequest) -> Weight {
        if request.task_id.is_some_and(|task_id| self.shell_of(task_id).is_some()) {
            return Weight::Process;
        }
        let variant = request.task_id.and_then(|task_id| self.catalog.variant(task_id));
        variant.map_or(Weight::Heavy, |variant| {
            OpponentChoice::from_request(request, variant).reset_weight(variant)
        })
    }

    /// What a call of this episode costs; unknown episodes are light.
    pub fn episode_weight(&self, episode_id: &str) -> Weight {
        self.table.get(episode_id).map_or(Weight::Light, |slot| slot.weight)
    }

    /// What freeing this episode costs.
    pub fn stop_weight(&self, episode_id: &str) -> Weight {
        match self.episode_weight(episode_id) {
            Weight::Light | Weight::Heavy => Weight::Light,
            Weight::Process => Weight::Process,
        }
    }

    /// What isolates the commands of the shell environment, or why it is not played; `None` if it is not served.
    pub fn shell_status(&self) -> Option<String> {
        self.shell.as_ref().map(|shell| shell.status())
    }

    /// Frees the episodes that nobody has touched for the idle timeout, and returns how many.
    pub fn sweep(&self) -> usize {
        self.table.sweep()
    }

    /// Episodes that are not freed, finished ones included.
    pub fn open_episodes(&self) -> usize {
        self.table.len()
    }

    /// Episodes that may be open at once.
    pub fn max_episodes(&self) -> usize {
        let n_shells = self.shell.as_ref().map_or(usize::MAX, |_| MAX_SANDBOXES);
        self.table.cap().min(n_shells)
    }

    /// Games served, the shell environment among them.
    pub fn games(&self) -> &[EnvName] {
        self.catalog.names()
    }

    /// The shell environment, if it is served.
    pub(crate) fn shell(&self) -> Option<&Arc<Shell>> {
        self.shell.as_ref()
    }

    /// The same, if `task_id` is one of its tasks.
    fn shell_of(&self, task_id: u64) -> Option<&Arc<Shell>> {
        self.shell.as_ref().filter(|shell| shell.has(task_id))
    }

    /// The games and their variants.
    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// `(task_id, seed)` of a request, drawn at random where it has none.
    ///
    /// # Errors
    /// [`Error::SeedRange`].
    pub(crate) fn resolve(&self, request: &ResetRequest) -> Result<(u64, u64), Error> {
        let task_id = request.task_id.unwrap_or_else(|| self.random_task_id());
        let seed = request.seed.unwrap_or_else(|| self.random() % (MAX_SEED + 1));
        if seed > MAX_SEED {
            return Err(Error::SeedRange(seed));
        }
        Ok((task_id, seed))
    }

    /// `(task_id, seed, number of this call)` of an episode: what decides its faults.
    pub(crate) fn fault_key(&self, episode_id: &str) -> Option<(u64, u64, u64)> {
        self.table.get(episode_id).map(|slot| slot.next_call())
    }

    fn find<'a>(&self, episode_id: Option<&'a str>) -> Result<(&'a str, Arc<Slot>), replies::Missing<'a>> {
        let id = episode_id.filter(|id| !id.is_empty()).ok_or(replies::Missing::NoId)?;
        self.table.get(id).map(|slot| (id, slot)).ok_or(replies::Missing::Unknown(id))
    }

    fn new_id(&self) -> String {
        chance::hex_id(self.random(), self.random())
    }

    fn random(&self) -> u64 {
        chance::mix(self.nonce.fetch_add(1, Ordering::Relaxed))
    }

    fn random_task_id(&self) -> u64 {
        let ranges: Vec<_> = self.catalog.names().iter().map(|name| name.start_ids()).collect();
        let range = &ranges[(self.random() % ranges.len().max(1) as u64) as usize];
        range.start + self.random() % (range.end - range.start)
    }
}

#[cfg(test)]
mod tests;
