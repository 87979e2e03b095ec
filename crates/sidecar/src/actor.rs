//! The sidecar's logic without HTTP: episodes by id, with `reset`, `step`, `state` and `stop`.
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
mod replies;
mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use schema::EnvName;
use schema::env_api::{EnvResult, ResetRequest, StopResult};

use self::episode::Episode;
use self::opponent::OpponentChoice;
pub(crate) use self::recorded::RecordedEpisode;
use self::table::{Slot, Table};
use crate::catalog::Catalog;
use crate::{Error, chance};

/// The largest seed: numpy takes 32 bits, and the deal uses seed + 100.
const MAX_SEED: u64 = (u32::MAX - 100) as u64;

/// Settings of an [`Actor`].
#[derive(Clone, Debug)]
pub struct ActorConfig {
    /// Games to serve.
    pub games: Vec<EnvName>,
    /// Episodes that nobody has touched for this long are freed. The reference client's own timeout is 2400 s.
    pub idle_timeout: Duration,
    /// Open episodes at most; a gin_rummy episode against MCTS holds a few hundred kilobytes.
    pub max_episodes: usize,
}

impl Default for ActorConfig {
    fn default() -> Self {
        Self {
            games: Catalog::DEFAULT.to_vec(),
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
}

/// All episodes of one sidecar.
#[derive(Debug)]
pub struct Actor {
    catalog: Catalog,
    table: Table,
    nonce: AtomicU64,
}

impl Actor {
    /// An actor without episodes.
    ///
    /// # Errors
    /// [`Error::UnknownGame`] for environments that are no games.
    pub fn new(config: &ActorConfig) -> Result<Self, Error> {
        Ok(Self {
            catalog: Catalog::new(&config.games)?,
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
        let Some(variant) = self.catalog.variant(task_id) else {
            return Ok(replies::invalid_game(task_id, seed, self.catalog.names()));
        };
        let opponent = OpponentChoice::from_request(request, variant);
        let weight = opponent.move_weight(variant);
        self.table.make_room()?;
        let mut episode = Episode::new(task_id, seed, variant, opponent)?;
        let id = chance::hex_id(self.random(), self.random());
        let reply = episode.start(&id);
        self.table.insert(id, episode, weight)?;
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

    /// Frees an episode.
    pub fn stop(&self, episode_id: Option<&str>) -> StopResult {
        let id = episode_id.filter(|id| !id.is_empty());
        let stopped = id.is_some_and(|id| self.table.remove(id));
        replies::stopped(id, stopped)
    }

    /// What a reset with this request costs.
    pub fn reset_weight(&self, request: &ResetRequest) -> Weight {
        let variant = request.task_id.and_then(|task_id| self.catalog.variant(task_id));
        variant.map_or(Weight::Heavy, |variant| {
            OpponentChoice::from_request(request, variant).reset_weight(variant)
        })
    }

    /// What a call of this episode costs; unknown episodes are light.
    pub fn episode_weight(&self, episode_id: &str) -> Weight {
        self.table.get(episode_id).map_or(Weight::Light, |slot| slot.weight)
    }

    /// Frees the episodes that nobody has touched for the idle timeout, and returns how many.
    pub fn sweep(&self) -> usize {
        self.table.sweep()
    }

    /// Episodes that are not freed, finished ones included.
    pub fn open_episodes(&self) -> usize {
        self.table.len()
    }

    /// Games served.
    pub fn games(&self) -> &[EnvName] {
        self.catalog.names()
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

    fn random(&self) -> u64 {
        chance::mix(self.nonce.fetch_add(1, Ordering::Relaxed))
    }

    fn random_task_id(&self) -> u64 {
        let ranges: Vec<_> = self.catalog.names().iter().filter_map(|name| name.task_ids()).collect();
        let range = &ranges[(self.random() % ranges.len().max(1) as u64) as usize];
        range.start + self.random() % (range.end - range.start)
    }
}

#[cfg(test)]
mod tests;
