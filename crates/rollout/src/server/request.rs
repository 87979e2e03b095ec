//! What a job is asked for, and the bounds of what may be asked.

use std::time::Duration;

use schema::{EnvName, Opponent, Sampling};
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use crate::{Decoding, GroupSpec, Start, start_seed};

/// Groups of one job: a number for each is kept in memory until the job is deleted.
const MAX_GROUPS: u64 = 1_000_000;
/// Episodes of one group: the group is held in memory as it is completed.
const MAX_GROUP_SIZE: u32 = 4096;
/// Turns of one episode; the longest games of the sidecars need a tenth.
const MAX_TURNS: u32 = 1000;
/// Tokens of one turn.
const MAX_NEW_TOKENS: u32 = 1 << 16;
/// Simulations and playouts of a search: beyond that one move takes minutes.
const MAX_SEARCH: u32 = 100_000;
/// No deadline lies further ahead than this.
const MAX_SECONDS: f64 = 30.0 * 86_400.0;

/// The body of `POST /v1/jobs`. What changes the result silently has no default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRequest {
    /// Games by name; groups take turns.
    pub envs: Vec<String>,
    /// Complete groups to deliver.
    pub groups: u64,
    /// Trajectories of a group.
    pub group_size: u32,
    /// Episodes started beyond that, so that stragglers can be cut off.
    #[serde(default)]
    pub over_sample: u32,
    /// Of deals and draws.
    pub seed: u64,
    /// The other seat [default: MCTS with 25 simulations of one playout, as in the quickstart].
    #[serde(default = "default_opponent")]
    pub opponent: Opponent,
    /// How completions are drawn.
    #[serde(default)]
    pub sampling: JobSampling,
    /// `constrained` to legal actions, or `free`.
    #[serde(default = "default_decoding")]
    pub decoding: String,
    /// `compact` or `sidecar`.
    #[serde(default = "default_format")]
    pub format: String,
    /// When episodes and the job end.
    #[serde(default)]
    pub limits: JobLimits,
}

/// [`Sampling`] with a default for each field.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobSampling {
    /// See [`Sampling::temperature`].
    pub temperature: f32,
    /// See [`Sampling::top_p`].
    pub top_p: f32,
    /// See [`Sampling::top_k`].
    pub top_k: u32,
    /// See [`Sampling::max_new_tokens`].
    pub max_new_tokens: u32,
}

impl Default for JobSampling {
    fn default() -> Self {
        let Sampling { temperature, top_p, top_k, max_new_tokens } = Sampling::default();
        Self { temperature, top_p, top_k, max_new_tokens }
    }
}

/// Bounds of a job and of its episodes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobLimits {
    /// The agent's turns in one episode.
    pub max_turns: u32,
    /// Refused actions in a row.
    pub max_invalid: u32,
    /// Seconds for one episode, waiting for a place excluded; absent is no limit.
    pub episode_timeout_s: Option<f64>,
    /// Seconds for the job; absent is no limit.
    pub deadline_s: Option<f64>,
}

impl Default for JobLimits {
    fn default() -> Self {
        let crate::Limits { max_turns, max_invalid, .. } = crate::Limits::default();
        Self { max_turns, max_invalid, episode_timeout_s: None, deadline_s: None }
    }
}

fn default_opponent() -> Opponent {
    Opponent::mcts(25, 1)
}

fn default_decoding() -> String {
    "constrained".to_owned()
}

fn default_format() -> String {
    crate::Compact::NAME.to_owned()
}

/// A request whose values are within their bounds.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    pub(super) request: JobRequest,
    envs: Vec<EnvName>,
    pub(super) decoding: Decoding,
    pub(super) episode_timeout: Option<Duration>,
    pub(super) deadline: Option<Duration>,
}

impl JobRequest {
    /// Refuses what cannot be played here; `playable` are the games of this server.
    pub(super) fn check(self, playable: &[EnvName]) -> Result<Checked, Refusal> {
        let names = || playable.iter().map(|env| env.as_str()).collect::<Vec<_>>().join(", ");
        let parse = |name: &String| {
            let known = name.parse::<EnvName>().ok().filter(|env| playable.contains(env));
            known.ok_or_else(|| {
                Refusal::invalid(format!("no game `{name}`"), format!("known games: {}", names()))
            })
        };
        let envs: Vec<EnvName> = self.envs.iter().map(parse).collect::<Result<_, _>>()?;
        if envs.is_empty() {
            return Err(Refusal::invalid("`envs` is empty", format!("known games: {}", names())));
        }
        within("groups", self.groups, 1, MAX_GROUPS)?;
        within("group_size", self.group_size.into(), 1, MAX_GROUP_SIZE.into())?;
        within("over_sample", self.over_sample.into(), 0, MAX_GROUP_SIZE.into())?;
        within("limits.max_turns", self.limits.max_turns.into(), 1, MAX_TURNS.into())?;
        within("sampling.max_new_tokens", self.sampling.max_new_tokens.into(), 1, MAX_NEW_TOKENS.into())?;
        for searched in [self.opponent.simulations, self.opponent.rollouts].into_iter().flatten() {
            within("opponent.simulations and rollouts", searched.into(), 1, MAX_SEARCH.into())?;
        }
        self.check_sampling()?;
        let decoding = match self.decoding.as_str() {
            "constrained" => Decoding::Constrained,
            "free" => Decoding::Free,
            other => return Err(Refusal::invalid(format!("no decoding `{other}`"), "constrained or free")),
        };
        let episode_timeout = seconds("limits.episode_timeout_s", self.limits.episode_timeout_s)?;
        let deadline = seconds("limits.deadline_s", self.limits.deadline_s)?;
        Ok(Checked { request: self, envs, decoding, episode_timeout, deadline })
    }

    fn check_sampling(&self) -> Result<(), Refusal> {
        let JobSampling { temperature, top_p, .. } = self.sampling;
        if !(temperature.is_finite() && temperature >= 0.0) {
            return Err(Refusal::invalid(format!("`sampling.temperature` is {temperature}"), "0 or more"));
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(Refusal::invalid(format!("`sampling.top_p` is {top_p}"), "above 0, at most 1"));
        }
        Ok(())
    }

    pub(super) fn sampling(&self) -> Sampling {
        let JobSampling { temperature, top_p, top_k, max_new_tokens } = self.sampling;
        Sampling { temperature, top_p, top_k, max_new_tokens }
    }
}

impl Checked {
    /// What group number `group` plays: a function of the job's seed alone.
    pub(super) fn spec(&self, group: u64) -> GroupSpec {
        let env = self.envs[(group % self.envs.len() as u64) as usize];
        let JobRequest { seed, opponent, group_size, over_sample, .. } = self.request;
        let (task_id, deal) = start_seed(env, seed, group);
        GroupSpec { group, start: Start { task_id, seed: deal, opponent }, size: group_size, over_sample }
    }
}

fn within(field: &str, value: u64, least: u64, most: u64) -> Result<(), Refusal> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Refusal::invalid(format!("`{field}` is {value}"), format!("from {least} to {most}")))
}

fn seconds(field: &str, value: Option<f64>) -> Result<Option<Duration>, Refusal> {
    let wrong = |value| Refusal::invalid(format!("`{field}` is {value}"), "seconds above 0, at most 30 days");
    let parse = |value: f64| match Duration::try_from_secs_f64(value) {
        Ok(duration) if value > 0.0 && value <= MAX_SECONDS => Ok(duration),
        _ => Err(wrong(value)),
    };
    value.map(parse).transpose()
}
