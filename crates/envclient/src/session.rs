//! One episode on one sidecar, with repeats where they are safe.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use schema::env_api::{EnvResult, ResetRequest};
use tracing::debug;

use crate::backoff::Backoff;
use crate::member::{Gate, Member};
use crate::pool::Shared;
use crate::reaper::Stop;
use crate::recover::{Played, was_played, with_reward};
use crate::stats::count;
use crate::{Error, Method};

/// A place on a sidecar, and the episode played there. Dropping it queues the episode's `/stop`.
#[derive(Debug)]
pub struct Session {
    shared: Arc<Shared>,
    member: usize,
    episode: Option<String>,
    step_count: Option<u64>,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, member: usize) -> Self {
        Self { shared, member, episode: None, step_count: None }
    }

    /// URL of the sidecar. Fixed once the episode has started.
    pub fn url(&self) -> &Arc<str> {
        self.sidecar().client.url()
    }

    /// The episode's id on the sidecar, if one is open.
    pub fn episode(&self) -> Option<&str> {
        self.episode.as_deref()
    }

    /// Starts an episode; a previous one of this session is freed. Repeated on failure, on another sidecar if there is
    /// one: a repeated reset leaves at most one episode behind, which the sidecar expires.
    ///
    /// # Errors
    /// [`Error::NoEpisode`], what the last try met, or as [`crate::Pool::acquire`]. Dropping the future may leave an
    /// episode behind on the sidecar.
    pub async fn reset(&mut self, request: &ResetRequest) -> Result<EnvResult, Error> {
        self.close().await;
        let mut backoff = self.backoff();
        loop {
            let sidecar = self.sidecar().clone();
            match sidecar.request(Gate::IfUsed, sidecar.client.reset(request)).await {
                Ok(result) => return self.started(result),
                Err(Error::NotUsed { .. }) => {
                    self.shared.wait_until_usable().await?;
                    if !sidecar.is_usable() {
                        self.member = self.shared.move_place(self.member);
                    }
                }
                Err(error) => {
                    self.pause(&mut backoff, error).await?;
                    self.member = self.shared.move_place(self.member);
                }
            }
        }
    }

    /// Plays `action`. A request that never arrived is repeated. After a lost reply `/state` is asked: if the step was
    /// played, the answer is the state with the reward that its text tells, else the step is sent again.
    ///
    /// # Errors
    /// [`Error::EpisodeGone`] without an open episode or if the sidecar lost it, [`Error::Uncertain`], or what the last
    /// try met. After dropping the future only [`Session::state`] knows whether the action was played.
    pub async fn step(&mut self, action: &str) -> Result<EnvResult, Error> {
        let episode = self.open_episode()?;
        let sidecar = self.sidecar().clone();
        let mut backoff = self.backoff();
        loop {
            let error = match sidecar.request(Gate::Always, sidecar.client.step(&episode, action)).await {
                Ok(result) => return Ok(self.seen(result)),
                Err(error) if error.never_arrived() => error,
                Err(error @ (Error::Timeout { .. } | Error::Lost { .. } | Error::Malformed { .. })) => error,
                Err(error) if error.is_retryable() => error,
                Err(error) => return Err(self.failed(error)),
            };
            if !error.never_arrived() {
                let state = self.state().await?;
                match was_played(self.step_count, &state) {
                    Played::Yes => {
                        debug!(url = %self.url(), cause = %error, "a lost step was read from the state");
                        count(&sidecar.counters.recovered_steps);
                        return Ok(self.seen(with_reward(state)));
                    }
                    Played::No => {}
                    Played::Unknown => {
                        let (url, cause) = (self.url().clone(), Box::new(error));
                        return Err(Error::Uncertain { url, episode, cause });
                    }
                }
            }
            self.pause(&mut backoff, error).await?;
        }
    }

    /// Reads the episode again. Idempotent, so it is repeated on every failure that may pass. Does not move the
    /// position that [`Session::step`] compares with.
    ///
    /// # Errors
    /// As [`Session::step`]. Cancel safe.
    pub async fn state(&mut self) -> Result<EnvResult, Error> {
        let episode = self.open_episode()?;
        let sidecar = self.sidecar().clone();
        let mut backoff = self.backoff();
        loop {
            match sidecar.request(Gate::Always, sidecar.client.state(&episode)).await {
                Ok(result) => return Ok(result),
                Err(error) => self.pause(&mut backoff, error).await.map_err(|error| self.failed(error))?,
            }
        }
    }

    /// Queues the episode's `/stop`; waits only if the reaper's queue is full. Dropping the future is as dropping the
    /// session.
    pub async fn close(&mut self) {
        if self.episode.is_none() {
            return;
        }
        let permit = self.shared.stops.clone().reserve_owned().await;
        match (permit, self.episode.take()) {
            (Ok(permit), Some(episode)) => {
                drop(permit.send(Stop { member: self.sidecar().clone(), episode }))
            }
            _ => count(&self.sidecar().counters.stops_dropped),
        }
    }

    /// Frees the episode and waits for the answer; true if there was one.
    ///
    /// # Errors
    /// What the request met; it is not repeated.
    pub async fn stop(&mut self) -> Result<bool, Error> {
        let Some(episode) = self.episode.take() else {
            return Ok(false);
        };
        let sidecar = self.sidecar();
        let answer = sidecar.request(Gate::Always, sidecar.client.stop(&episode)).await;
        count(if answer.is_ok() { &sidecar.counters.stopped } else { &sidecar.counters.stops_failed });
        answer
    }

    fn sidecar(&self) -> &Arc<Member> {
        self.shared.member(self.member)
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(self.shared.config.client.backoff, self.shared.config.client.retries)
    }

    /// Sleeps before a repeat, or gives the error back if it is none to repeat after or the repeats are used up.
    async fn pause(&self, backoff: &mut Backoff, error: Error) -> Result<(), Error> {
        let may_repeat = error.is_retryable() || matches!(error, Error::Malformed { .. });
        let Some(pause) = backoff.next_pause().filter(|_| may_repeat) else {
            return Err(error);
        };
        self.sidecar().counters.retries.fetch_add(1, Relaxed);
        tokio::time::sleep(pause).await;
        Ok(())
    }

    fn open_episode(&self) -> Result<String, Error> {
        let missing = || Error::EpisodeGone { url: self.url().clone(), episode: "(none)".to_owned() };
        self.episode.clone().ok_or_else(missing)
    }

    fn started(&mut self, result: EnvResult) -> Result<EnvResult, Error> {
        let Some(episode) = result.episode_id.clone() else {
            let url = self.url().clone();
            return Err(match result.info.error {
                Some(error) => Error::NoEpisode { url, reason: format!("{}: {}", error.kind, error.message) },
                None => {
                    let reason = "the episode has no id".to_owned();
                    Error::Malformed { url, method: Method::Reset, reason }
                }
            });
        };
        self.episode = Some(episode);
        self.step_count = result.info.step_count;
        Ok(result)
    }

    fn seen(&mut self, result: EnvResult) -> EnvResult {
        self.step_count = result.info.step_count;
        result
    }

    /// An episode that is gone needs no `/stop`.
    fn failed(&mut self, error: Error) -> Error {
        if matches!(error, Error::EpisodeGone { .. }) {
            self.episode = None;
        }
        error
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(episode) = self.episode.take() {
            let stop = Stop { member: self.sidecar().clone(), episode };
            if self.shared.stops.try_send(stop).is_err() {
                count(&self.sidecar().counters.stops_dropped);
            }
        }
        self.shared.release(self.member);
    }
}
