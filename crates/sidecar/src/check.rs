//! Conformance kit: does a sidecar, ours or anyone's, behave as the contract says?
//!
//! Every check has a name, a verdict and a sentence about what was seen. Hidden information is checked against the
//! deal that the rules and the seed imply, so it needs no help from the sidecar.

mod contract;
mod load;
mod play;
mod probe;
mod shell;

use std::fmt;
use std::time::Duration;

use schema::EnvName;

use self::probe::Probe;
use crate::{Catalog, Error};

/// What to check.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// Games that the sidecar should serve, the shell environment if it is named.
    pub games: Vec<EnvName>,
    /// Episodes per game for checks that play.
    pub episodes: usize,
    /// Episodes at once in the concurrency check.
    pub concurrency: usize,
    /// Deadline of one request. The original may need seconds for gin_rummy.
    pub timeout: Duration,
    /// Selects deals and moves.
    pub seed: u64,
}

impl CheckOptions {
    /// A game for checks that need any.
    fn first_game(&self) -> Option<EnvName> {
        self.games.iter().copied().find(|&game| game != EnvName::Intercode)
    }
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self {
            games: Catalog::DEFAULT.to_vec(),
            episodes: 4,
            concurrency: 8,
            timeout: Duration::from_secs(60),
            seed: 1,
        }
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As the contract says.
    Pass,
    /// Allowed, but a client should know.
    Warn,
    /// Not as the contract says.
    Fail,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        })
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was checked, with the game where it is about one.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
}

/// All checks of a sidecar, in the order of running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// As given.
    pub url: String,
    /// The checks.
    pub checks: Vec<Check>,
}

impl CheckReport {
    /// True if nothing failed.
    pub fn passed(&self) -> bool {
        self.count(Verdict::Fail) == 0
    }

    /// Checks that ended so.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().filter(|check| check.verdict == verdict).count()
    }

    fn add(&mut self, name: impl Into<String>, finding: Finding) {
        let (verdict, seen) = match finding {
            Ok(seen) => (Verdict::Pass, seen),
            Err(Problem::Warn(seen)) => (Verdict::Warn, seen),
            Err(Problem::Fail(seen)) => (Verdict::Fail, seen),
        };
        self.checks.push(Check { name: name.into(), verdict, seen });
    }
}

/// What a check saw, good or bad.
type Finding = Result<String, Problem>;

/// What is wrong.
#[derive(Clone, Debug)]
enum Problem {
    Warn(String),
    Fail(String),
}

impl From<Error> for Problem {
    /// A request without an answer fails the check it belongs to.
    fn from(error: Error) -> Self {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Self::Fail(format!("{error}{cause}"))
    }
}

/// Fails the check unless `holds`; `seen` says what was seen instead.
fn ensure(holds: bool, seen: impl FnOnce() -> String) -> Result<(), Problem> {
    if holds { Ok(()) } else { Err(Problem::Fail(seen())) }
}

/// Runs all checks. Takes seconds against ours and up to minutes against the original; dropping the future stops it
/// and leaves the episodes in play to the sidecar.
///
/// # Errors
/// [`Error::Unreachable`] if nothing answers at `url` at all. Anything later is a failed check.
pub async fn run(url: &str, options: &CheckOptions) -> Result<CheckReport, Error> {
    let probe = Probe::new(url, options.timeout);
    probe.get("health").await?;
    let mut report = CheckReport { url: url.to_owned(), checks: Vec::new() };
    report.add("health", contract::health(&probe).await);
    report.add("methods listing", contract::methods(&probe).await);
    report.add("keyword arguments", contract::arguments(&probe, options).await);
    report.add("error replies", contract::errors(&probe).await);
    for &game in &options.games {
        if game == EnvName::Intercode {
            check_shell(&probe, &mut report).await;
            continue;
        }
        report.add(
            format!("{game}: envelope and info fields"),
            contract::envelope(&probe, options, game).await,
        );
        report.add(format!("{game}: observation layout"), contract::layout(&probe, options, game).await);
        if deals_hands(game) {
            report.add(format!("{game}: deal of the seed"), play::deal(&probe, options, game).await);
            report.add(format!("{game}: hidden information"), play::hidden(&probe, options, game).await);
        }
        report.add(format!("{game}: determinism"), play::determinism(&probe, options, game).await);
        report.add(format!("{game}: illegal actions"), play::illegal(&probe, options, game).await);
        report.add(format!("{game}: terminal reward"), play::terminal(&probe, options, game).await);
    }
    report.add("episodes freed by stop", contract::freed(&probe, options).await);
    report.add("concurrency", load::concurrency(&probe, options).await);
    report.add("latency", load::latency(&probe));
    Ok(report)
}

/// The shell environment is no game: it has checks of its own.
async fn check_shell(probe: &Probe, report: &mut CheckReport) {
    report.add("intercode: number of tasks", shell::tasks(probe).await);
    let envelope = shell::envelope(probe).await;
    let is_played = envelope.is_ok();
    report.add("intercode: envelope and info fields", envelope);
    if is_played {
        report.add("intercode: steps", shell::steps(probe).await);
        report.add("intercode: ends and rewards", shell::ends(probe).await);
    }
    report.add("intercode: evaluate", shell::evaluate(probe).await);
}

/// True for games in which each player is dealt what the other must not see.
fn deals_hands(game: EnvName) -> bool {
    !matches!(game, EnvName::Othello | EnvName::Clobber | EnvName::Goofspiel)
}

#[cfg(test)]
mod tests;
