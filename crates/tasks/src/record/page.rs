//! `report.html`: what a run was asked and what came of it, with its curves.

use std::collections::BTreeMap;

use journal::report::{Curve, RunReport as Page, SummaryRow, html};
use schema::RunConfig;

use super::report::{RunReport, RunResult};

/// Figures that people look at first, by what their names begin with.
const SHOWN: [(&str, &str); 7] = [
    ("exam/", "share of the games, a draw counts half"),
    ("eval/loss", "the evaluator's figure on held-out rows"),
    ("rollout/mean_return", "of a step's episodes"),
    ("reward/", "mean of a reward function"),
    ("train/loss", "of the objective"),
    ("train/grad_norm", "before it is clipped"),
    ("lessons/share/", "of a step's rows"),
];

/// The page of a run that has ended.
pub(super) fn page(
    report: &RunReport,
    curves: BTreeMap<String, Vec<(f64, f64)>>,
    config: &RunConfig,
) -> String {
    let asked = &report.asked;
    let hours = asked.hours.map_or_else(String::new, |hours| format!(", {hours} h"));
    html(&Page {
        title: format!("{:?} {}", asked.task_type, asked.task_id),
        subtitle: format!("{}{hours}, {} steps; {}", asked.model, report.result.steps, ending(report)),
        seed: asked.seed,
        device: asked.device.clone(),
        elapsed_s: report.result.elapsed_s,
        summary: summary(&report.result),
        curves: shown(curves),
        config_toml: toml::to_string(config).unwrap_or_default(),
        ..Page::default()
    })
}

fn ending(report: &RunReport) -> String {
    let kind = &report.result.artifact_kind;
    match report.result.published_step {
        None | Some(0) if kind == "nothing" => "nothing was handed over".to_owned(),
        None | Some(0) => "nothing was better than the base: an adapter that changes nothing".to_owned(),
        Some(step) => format!("handed over: the {kind} of step {step}"),
    }
}

fn summary(result: &RunResult) -> Vec<SummaryRow> {
    let row = |label: &str, before: String, after: String| SummaryRow {
        label: label.to_owned(),
        before,
        after,
        ..SummaryRow::default()
    };
    let mut rows: Vec<SummaryRow> = Vec::new();
    for (name, env) in &result.environments {
        rows.push(row(name, format!("{:.3}", env.before), format!("{:.3}", env.after)));
        if let Some(last) = env.exams.last().filter(|exam| exam.games > 0) {
            let forfeited = format!("{} of {}", last.forfeited, last.games);
            rows.push(row(&format!("{name}, games forfeited in the last exam"), String::new(), forfeited));
        }
    }
    if let (Some(base), Some(best)) = (result.base_loss, result.best_loss) {
        rows.push(row("held-out figure, lower is better", format!("{base:.4}"), format!("{best:.4}")));
    }
    rows.extend(result.rewards.iter().map(|(name, mean)| row(name, String::new(), format!("{mean:.3}"))));
    rows
}

fn shown(mut curves: BTreeMap<String, Vec<(f64, f64)>>) -> Vec<Curve> {
    let mut shown = Vec::new();
    for (prefix, note) in SHOWN {
        let names: Vec<String> = curves.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
        for name in names {
            let values = curves.remove(&name).expect("it is one of the keys");
            shown.push(Curve {
                name,
                note: note.to_owned(),
                is_share: matches!(prefix, "exam/" | "lessons/share/"),
                values,
                references: Vec::new(),
            });
        }
    }
    shown
}
