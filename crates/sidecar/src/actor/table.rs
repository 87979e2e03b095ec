//! Open episodes by id, with a cap and a time after which an untouched one is freed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schema::env_api::EnvResult;
use tokio::time::Instant;

use super::{Episode, Weight};
use crate::Error;
use crate::shell::ShellEpisode;

/// What is played in an episode.
#[derive(Debug)]
pub(super) enum Play {
    Game(Episode),
    Shell(ShellEpisode),
}

impl Play {
    pub(super) fn step(&mut self, id: &str, action: &str) -> EnvResult {
        match self {
            Self::Game(episode) => episode.step(id, action),
            Self::Shell(episode) => episode.step(id, action),
        }
    }

    pub(super) fn state(&self, id: &str) -> EnvResult {
        match self {
            Self::Game(episode) => episode.state(id),
            Self::Shell(episode) => episode.state(id),
        }
    }

    fn key(&self) -> (u64, u64) {
        match self {
            Self::Game(episode) => episode.key(),
            Self::Shell(episode) => episode.key(),
        }
    }
}

/// An episode and what can be known of it without waiting for its moves.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) weight: Weight,
    key: (u64, u64),
    calls: AtomicU64,
    touched_ms: AtomicU64,
    episode: Mutex<Play>,
}

impl Slot {
    /// Waits for other calls of this episode. A panicked one leaves the last state behind, which is as good as any.
    pub(super) fn episode(&self) -> MutexGuard<'_, Play> {
        self.episode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `(task_id, seed, number of this call)`; calls count from 1, the reset being 0.
    pub(super) fn next_call(&self) -> (u64, u64, u64) {
        (self.key.0, self.key.1, self.calls.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// The map. Its lock is held for look-ups only, never during a move.
#[derive(Debug)]
pub(super) struct Table {
    slots: Mutex<HashMap<String, Arc<Slot>>>,
    cap: usize,
    idle_timeout: Duration,
    started: Instant,
}

impl Table {
    pub(super) fn new(cap: usize, idle_timeout: Duration) -> Self {
        Self { slots: Mutex::default(), cap, idle_timeout, started: Instant::now() }
    }

    /// At the cap, frees idle episodes; refuses if there are none.
    pub(super) fn make_room(&self) -> Result<(), Error> {
        let has_room = self.len() < self.cap || self.sweep() > 0;
        if has_room { Ok(()) } else { Err(Error::TooManyEpisodes { open: self.cap }) }
    }

    /// Adds an episode.
    pub(super) fn insert(&self, id: String, episode: Play, weight: Weight) -> Result<(), Error> {
        let slot = Slot {
            weight,
            key: episode.key(),
            calls: AtomicU64::new(0),
            touched_ms: AtomicU64::new(self.now_ms()),
            episode: Mutex::new(episode),
        };
        let mut slots = self.lock();
        // Others may have taken the room while this one was made.
        if slots.len() >= self.cap {
            return Err(Error::TooManyEpisodes { open: slots.len() });
        }
        slots.insert(id, Arc::new(slot));
        Ok(())
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Slot>> {
        let slot = self.lock().get(id).cloned()?;
        slot.touched_ms.store(self.now_ms(), Ordering::Relaxed);
        Some(slot)
    }

    /// Takes an episode out. What it holds goes with the slot, when the last call of it is over.
    pub(super) fn remove(&self, id: &str) -> Option<Arc<Slot>> {
        self.lock().remove(id)
    }

    pub(super) fn cap(&self) -> usize {
        self.cap
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn sweep(&self) -> usize {
        let Some(oldest) = self.now_ms().checked_sub(self.idle_timeout.as_millis() as u64) else {
            return 0;
        };
        let is_idle = |slot: &Slot| slot.touched_ms.load(Ordering::Relaxed) <= oldest;
        // Freed after the lock is: a sandbox takes a while to go.
        let idle: Vec<_> = self.lock().extract_if(|_, slot| is_idle(slot)).collect();
        idle.len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }
}
