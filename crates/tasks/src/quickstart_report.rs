//! The goals of a quickstart, and its page.

use std::path::Path;

use anyhow::Context;
use journal::report::{Point, ReferenceLine, RunReport, SummaryRow, html};
use schema::RunConfig;

use crate::events::StepEvent;
use crate::files::write_whole;
use crate::quickstart::{Done, Evaluation};

/// Known players against mcts(25,1), chips per hand (2,000 hands each; standard errors 0.1 to 0.2).
pub const REFERENCES: [(&str, f64); 5] = [
    ("uniform", -1.71),
    ("always raise", -1.62),
    ("always call", 0.19),
    ("simple card rule", 0.99),
    ("best response", 1.65),
];

/// More than can be had without reading the cards.
const GOAL_RETURN: f64 = 0.7;
/// Cards matter to the policy.
const GOAL_SENSITIVITY: f64 = 0.2;
/// Uniform play has 4.75.
const GOAL_NASH_CONV: f64 = 2.5;
/// Of agent turns, without any restriction on tokens.
const GOAL_ILLEGAL: f64 = 0.01;

/// Whether all goals are met.
pub(crate) fn passed(after: &Evaluation) -> bool {
    after.hands.mean_return >= GOAL_RETURN
        && after.exact.card_sensitivity >= GOAL_SENSITIVITY
        && after.exact.nash_conv < GOAL_NASH_CONV
        && after.hands.illegal_rate <= GOAL_ILLEGAL
}

/// Writes the page.
pub(crate) fn write(
    path: &Path,
    config: &RunConfig,
    done: &Done,
    points: &[StepEvent],
    before: &Evaluation,
    after: &Evaluation,
) -> anyhow::Result<()> {
    let report = RunReport {
        title: "leduc_poker with GRPO".to_owned(),
        subtitle: format!("a pico model against {}, {} hands over HTTP", config.env.opponent, done.episodes),
        seed: done.seed,
        device: done.device.clone(),
        elapsed_s: done.elapsed_s,
        summary: summary(before, after),
        references: REFERENCES
            .map(|(label, value)| ReferenceLine { label: label.to_owned(), value })
            .to_vec(),
        points: points.iter().map(point).collect(),
        curves: Vec::new(),
        hands_before: before.hands.samples.clone(),
        hands_after: after.hands.samples.clone(),
        config_toml: toml::to_string(config).context("settings as TOML")?,
    };
    write_whole(path, &html(&report))
}

fn summary(before: &Evaluation, after: &Evaluation) -> Vec<SummaryRow> {
    let row =
        |label: &str, of: &dyn Fn(&Evaluation) -> String, goal: &str, passed: Option<bool>| SummaryRow {
            label: label.to_owned(),
            before: of(before),
            after: of(after),
            goal: goal.to_owned(),
            passed,
        };
    vec![
        row(
            "chips per hand against mcts(25,1)",
            &|e| format!("{:+.2} ± {:.2}", e.hands.mean_return, e.hands.mean_return_se),
            "≥ +0.7",
            Some(after.hands.mean_return >= GOAL_RETURN),
        ),
        row(
            "card sensitivity",
            &|e| format!("{:.2}", e.exact.card_sensitivity),
            "≥ 0.2",
            Some(after.exact.card_sensitivity >= GOAL_SENSITIVITY),
        ),
        row(
            "NashConv (exact)",
            &|e| format!("{:.2}", e.exact.nash_conv),
            "< 2.5",
            Some(after.exact.nash_conv < GOAL_NASH_CONV),
        ),
        row(
            "illegal turns",
            &|e| format!("{:.1} %", 100.0 * e.hands.illegal_rate),
            "≤ 1 %",
            Some(after.hands.illegal_rate <= GOAL_ILLEGAL),
        ),
        row("value against uniform play (exact)", &|e| format!("{:+.2}", e.exact.value_vs_uniform), "", None),
        row("value against CFR+ (exact)", &|e| format!("{:+.2}", e.exact.value_vs_cfr), "", None),
    ]
}

fn point(step: &StepEvent) -> Point {
    Point {
        step: step.step,
        episodes: step.episodes,
        mean_return: step.mean_return,
        zero_signal: step.zero_signal,
        illegal_rate: step.illegal_rate,
        turns: step.turns,
        tok_s: step.tokens_per_second,
        entropy: step.entropy,
        loss: step.loss,
        nash_conv: step.nash_conv,
    }
}
