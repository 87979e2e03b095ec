//! The report of a run as one self-contained HTML page: no scripts, no fonts, no network.
//!
//! A pure function of [`RunReport`]; whoever has the figures fills it. It looks right in light and dark and on a
//! phone; colours are CSS variables, which the charts pick up too.

mod chart;
mod page;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use page::html;

/// Everything that the page shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// First line of the page.
    pub title: String,
    /// What was trained, on what, against whom.
    pub subtitle: String,
    /// Reproduces the run.
    pub seed: u64,
    /// Where it ran.
    pub device: String,
    /// Wall clock of the whole run.
    pub elapsed_s: f64,
    /// The figures that the run is judged by.
    pub summary: Vec<SummaryRow>,
    /// Known players, drawn into the chart of returns.
    pub references: Vec<ReferenceLine>,
    /// One per optimizer step, in order.
    pub points: Vec<Point>,
    /// Further figures over the run, each a chart of its own.
    pub curves: Vec<Curve>,
    /// Sample hands of the untrained policy, as text.
    pub hands_before: Vec<String>,
    /// Sample hands of the trained policy, as text.
    pub hands_after: Vec<String>,
    /// The effective `run.toml`.
    pub config_toml: String,
}

/// One figure before and after training. Texts, since units and precision are the writer's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SummaryRow {
    /// What is measured, with its unit.
    pub label: String,
    /// Before training; empty if not measured.
    pub before: String,
    /// After training.
    pub after: String,
    /// What is aimed at; empty if nothing is.
    pub goal: String,
    /// Whether the goal is met; `None` if there is none.
    pub passed: Option<bool>,
}

/// One figure over the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// What is drawn.
    pub name: String,
    /// In few words, beside the name.
    pub note: String,
    /// Shares of 1, shown as per cent.
    pub is_share: bool,
    /// Step and value, ascending.
    pub values: Vec<(f64, f64)>,
    /// Horizontal lines with a name.
    pub references: Vec<ReferenceLine>,
}

/// A known player's mean return.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReferenceLine {
    /// Who.
    pub label: String,
    /// In the unit of [`Point::mean_return`].
    pub value: f64,
}

/// The figures of one optimizer step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Counted from 1.
    pub step: u64,
    /// Episodes played so far.
    pub episodes: u64,
    /// Mean return of this step's episodes, chips a hand.
    pub mean_return: f64,
    /// Share of groups whose rewards were all equal.
    pub zero_signal: f64,
    /// Share of agent turns that the environment refused.
    pub illegal_rate: f64,
    /// Agent turns of an episode, mean.
    pub turns: f64,
    /// Generated tokens a second.
    pub tok_s: f64,
    /// Of the sampling distribution, nats a token.
    pub entropy: f64,
    /// Of the objective.
    pub loss: f64,
    /// Exact, where it was measured.
    pub nash_conv: Option<f64>,
}
