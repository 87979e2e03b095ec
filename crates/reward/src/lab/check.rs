//! What is wrong with a function, as far as calling it can show.

mod finding;
mod hacks;

use std::time::Duration;

use serde::Serialize;

pub use finding::{Finding, Severity};

use super::page::Page;
use super::{Distribution, Rollouts, chart, probes};
use crate::{Batch, Error, FaultKind, Function, Isolation, Observation, Pool, PoolConfig};

/// Recorded trajectories looked at; more say nothing more about a function.
const MAX_ROWS: usize = 2_000;
/// A function that needs longer for a completion holds training up.
const SLOW: Duration = Duration::from_millis(10);

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckReport {
    /// `FILE#sha256`.
    pub by: String,
    /// The stock template that it is computed as, without Python.
    pub native: Option<String>,
    /// How its worker was isolated.
    pub isolation: Isolation,
    /// What was found, faults first.
    pub findings: Vec<Finding>,
    /// Of the plausible completions, or of the rollouts.
    pub distribution: Distribution,
    /// Time in the function for one completion.
    pub microseconds_per_completion: f64,
    #[serde(skip)]
    points: Vec<(f64, f64)>,
}

/// Calls the function in many ways and names what it does wrong.
///
/// # Errors
/// [`Error::NoPython`].
pub fn check(
    function: &Function,
    rollouts: Option<&Rollouts>,
    config: &PoolConfig,
) -> Result<CheckReport, Error> {
    let pool = Pool::start(PoolConfig { native: false, cache_capacity: 0, ..config.clone() })?;
    let batch = match rollouts {
        Some(rollouts) => {
            let batch = rollouts.batch();
            if batch.len() > MAX_ROWS { batch.select(&(0..MAX_ROWS).collect::<Vec<_>>()) } else { batch }
        }
        None => probes::batch(probes::plausible()),
    };
    let first = pool.observe(function, &batch);
    let mut findings = of_observation(&first);
    if first.scores.faults.is_empty() {
        findings.extend(spread(&first.scores.values, rollouts));
        findings.extend(repetition(&pool, function, &batch, &first, config)?);
        findings.extend(hacks::find(&pool, function));
    }
    findings.extend(edge_cases(&pool, function, &findings));
    findings.sort_by_key(|finding| finding.severity);
    let n = batch.len().max(1);
    let per_completion = first.scores.busy / n as u32;
    if per_completion > SLOW {
        findings.push(Finding::warning("slow", format!("{per_completion:.1?} for one completion")));
    }
    let native = Pool::start(config.clone())?.native_name(function).map(str::to_owned);
    let lengths = batch.completions().iter().map(|one| one.chars().count() as f64);
    Ok(CheckReport {
        by: function.id(),
        native,
        isolation: pool.isolation().clone(),
        findings,
        distribution: Distribution::of(&first.scores.values),
        microseconds_per_completion: per_completion.as_secs_f64() * 1e6,
        points: lengths.zip(first.scores.values).collect(),
    })
}

/// What one watched call shows.
fn of_observation(seen: &Observation) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        seen.scores.faults.iter().map(|fault| Finding::fault(fault.kind.as_str(), &fault.detail)).collect();
    let (n_missing, n) = (seen.scores.missing.len(), seen.scores.values.len());
    if n_missing > 0 {
        let detail = format!("{n_missing} of {n} scores are None, NaN or infinite; they count as 0");
        findings.push(Finding::fault("not-a-number", detail));
    }
    if seen.n_printed > 0 {
        let detail = format!("it prints {} characters for {n} completions", seen.n_printed);
        findings.push(Finding::fault("prints", detail));
    }
    if seen.mutated {
        let detail = "it changes its arguments, which other functions see too in the evaluator";
        findings.push(Finding::fault("mutates-inputs", detail));
    }
    for attempt in &seen.attempts {
        let detail = match attempt.as_str() {
            "forks" => "it starts processes, which are refused in training",
            _ => "it asks for the network, which there is none of in training",
        };
        findings.push(Finding::fault(attempt, detail));
    }
    findings
}

/// A reward without differences teaches nothing.
fn spread(values: &[f64], rollouts: Option<&Rollouts>) -> Option<Finding> {
    if Distribution::of(values).is_constant() {
        let value = values.first().copied().unwrap_or_default();
        let texts = if rollouts.is_some() { "rollouts" } else { "texts of the lab; try your own rollouts" };
        return Some(Finding::fault(
            "constant",
            format!("it scores {value} for all {} {texts}", values.len()),
        ));
    }
    let mut groups = rollouts?.groups();
    groups.retain(|group| group.iter().all(|&row| row < values.len()));
    let flat = groups.iter().filter(|group| group.iter().all(|&row| values[row] == values[group[0]])).count();
    let detail =
        format!("all scores are equal in {flat} of {} groups, which then teach nothing", groups.len());
    (2 * flat > groups.len()).then(|| Finding::warning("flat-groups", detail))
}

/// The same completions again, in another process, in another order, in smaller batches.
fn repetition(
    pool: &Pool,
    function: &Function,
    batch: &Batch,
    first: &Observation,
    config: &PoolConfig,
) -> Result<Option<Finding>, Error> {
    let other_seed = PoolConfig { native: false, hash_seed: config.hash_seed + 1, ..config.clone() };
    let differing = |seen: Observation, rows: &[usize]| {
        let pairs = rows.iter().zip(&seen.scores.values);
        pairs.filter(|(row, value)| first.scores.values[**row] != **value).map(|(row, _)| *row).next()
    };
    let all: Vec<usize> = (0..batch.len()).collect();
    let show =
        |row: usize| format!("e.g. for completion {row}, which scored {} at first", first.scores.values[row]);
    if let Some(row) = differing(pool.observe(function, batch), &all) {
        let detail = format!("a second call gives other scores, {}", show(row));
        return Ok(Some(Finding::fault("non-deterministic", detail)));
    }
    if let Some(row) = differing(Pool::start(other_seed)?.observe(function, batch), &all) {
        let detail = format!("another process (or order of sets) gives other scores, {}", show(row));
        return Ok(Some(Finding::fault("non-deterministic", detail)));
    }
    let reversed: Vec<usize> = all.iter().rev().copied().collect();
    if let Some(row) = differing(pool.observe(function, &batch.select(&reversed)), &reversed) {
        let detail = format!("the reversed batch gives other scores, {}", show(row));
        return Ok(Some(Finding::fault("order-dependent", detail)));
    }
    let half = &all[..all.len().div_ceil(2)];
    if let Some(row) = differing(pool.observe(function, &batch.select(half)), half) {
        let detail = format!("half of the batch gives other scores, {}", show(row));
        return Ok(Some(Finding::fault("batch-dependent", detail)));
    }
    Ok(None)
}

/// Completions that it does not stand, each alone; failures that are known from ordinary ones are not repeated.
fn edge_cases(pool: &Pool, function: &Function, known: &[Finding]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, text) in probes::edge_cases() {
        let seen = pool.observe(function, &probes::batch(vec![text]));
        let fault = seen.scores.faults.first();
        let new = fault.filter(|fault| !known.iter().any(|finding| finding.name == fault.kind.as_str()));
        if let Some(fault) = new {
            findings.push(Finding::fault("edge-case", format!("on {name}: {fault}")));
        } else if fault.is_none()
            && !seen.scores.missing.is_empty()
            && !known.iter().any(|one| one.name == "not-a-number")
        {
            findings.push(Finding::fault("edge-case", format!("no number on {name}")));
        }
        if fault.is_some_and(|fault| fault.kind.is_final() || fault.kind == FaultKind::Signature) {
            break;
        }
    }
    findings
}

impl CheckReport {
    /// True if there is nothing worse than a warning.
    pub fn is_fine(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity == Severity::Warning)
    }

    /// A page with the findings, the distribution, and scores by length.
    pub fn html(&self) -> String {
        let mut page = Page::new("Reward function", &self.by);
        page.fact("isolation", self.isolation.tier.as_str());
        page.fact(
            "computed",
            self.native.as_deref().map_or("in Python".to_owned(), |name| format!("natively ({name})")),
        );
        page.fact("time for one completion", format!("{:.1} µs", self.microseconds_per_completion));
        page.fact(
            "faults",
            self.findings.iter().filter(|one| one.severity == Severity::Fault).count().to_string(),
        );
        page.distribution("scores", &self.distribution);
        let values: Vec<f64> = self.points.iter().map(|point| point.1).collect();
        page.figure("Completions by score", chart::histogram(&values));
        page.figure("Score by length in characters", chart::scatter(&self.points));
        for finding in &self.findings {
            page.text(&format!("{}: {}", finding.severity, finding.name), &finding.detail);
        }
        page.finish()
    }
}
