//! The record of a run, in a folder of its own: the output folder is handed over and holds nothing else.
//!
//! `journal.jsonl` has every event after the settings, `report.json` how the run stands (rewritten whole), `report.html`
//! what came of it, and [`journal::Metrics`] the figures for other tools. A record that cannot be written any more does not end a run.

mod page;
mod report;
mod scalars;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use journal::{At, EVENT_FILES, Journal, METRICS_FILE, Metrics, RunName};
use schema::{EnvName, RunConfig};
use serde_json::{Map, Value, json};

pub use self::report::{EnvResult, ExamResult, REPORT_FILE, RunAsked, RunReport, RunResult, RunStatus};
pub(crate) use self::scalars::step_scalars;

use self::scalars::scalars;
use crate::events::{Event, Observer};
use crate::files::write_whole;

/// Every event.
const JOURNAL_FILE: &str = "journal.jsonl";
/// The same for people, once the run has ended.
const PAGE_FILE: &str = "report.html";
/// Completions of evaluations, where there are rewards.
pub const ROLLOUTS_FILE: &str = "rollouts.jsonl";
/// What runs are gathered under.
const PROJECT: &str = "croupier";

/// The moment in which the process began, by both clocks.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    /// Runs on evenly.
    pub started: Instant,
    /// Seconds since 1970 then.
    pub started_unix_s: f64,
}

impl RunClock {
    /// Seconds since 1970 now.
    pub fn unix_s(&self) -> f64 {
        self.started_unix_s + self.started.elapsed().as_secs_f64()
    }
}

/// Writes what happens. Give it every event of the run.
#[derive(Debug)]
pub struct RunRecord {
    folder: PathBuf,
    clock: RunClock,
    journal: Journal,
    metrics: Metrics,
    report: RunReport,
    /// Figures of the page by name.
    curves: BTreeMap<String, Vec<(f64, f64)>>,
    config: RunConfig,
    /// Why nothing is written any more.
    fault: Option<String>,
}

impl RunRecord {
    /// Starts the record of a run in `folder`; that of an earlier attempt goes. With `wandb_dir` an offline run is written
    /// under it too.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn create(
        folder: &Path,
        asked: RunAsked,
        config: &RunConfig,
        clock: RunClock,
        wandb_dir: Option<&Path>,
    ) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("making `{}`", folder.display()))?;
        clear(folder)?;
        let settings = Map::from_iter([
            ("config".to_owned(), serde_json::to_value(config)?),
            ("task".to_owned(), serde_json::to_value(&asked)?),
        ]);
        let name = RunName {
            project: PROJECT.to_owned(),
            name: asked.task_id.clone(),
            started_unix_s: clock.started_unix_s,
        };
        let mut journal = Journal::create(folder.join(JOURNAL_FILE))?;
        journal.append(config)?;
        let metrics = Metrics::create(folder, &name, &settings, wandb_dir)?;
        let (report, fault) = (RunReport::new(asked), None);
        let record = Self {
            folder: folder.to_owned(),
            clock,
            journal,
            metrics,
            report,
            curves: BTreeMap::new(),
            config: config.clone(),
            fault,
        };
        record.write_report()?;
        Ok(record)
    }

    /// Why nothing is written any more, if that is so.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Writes how the run has ended; `exit_code` is the process's.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn finish(mut self, status: RunStatus, error: &str, exit_code: u8) -> Result<()> {
        self.report.status = status;
        error.clone_into(&mut self.report.error);
        self.write_report()?;
        write_whole(&self.folder.join(PAGE_FILE), &page::page(&self.report, self.curves, &self.config))?;
        let Ok(Value::Object(summary)) = serde_json::to_value(&self.report.result) else {
            anyhow::bail!("a result is an object");
        };
        Ok(self.metrics.finish(&summary, exit_code, self.clock.unix_s())?)
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        self.journal.append(&json!({"unix_s": self.clock.unix_s(), "event": event}))?;
        if let Some((step, figures)) = scalars(event) {
            self.metrics.log(At { step, unix_s: self.clock.unix_s() }, &figures)?;
            for (name, value) in figures {
                self.curves.entry(name).or_default().push((step as f64, value));
            }
        }
        let result = &mut self.report.result;
        match event {
            Event::Step(step) => result.steps = step.step,
            Event::TextStep(step) => result.steps = step.step,
            Event::LearningRate { lr, .. } => result.lr = Some(*lr),
            Event::Rows { counts } => result.rows = Some(counts.clone()),
            Event::Warning { message } => result.warnings.push(message.clone()),
            Event::Rewards { names, means, faults, .. } => {
                result.rewards = names.iter().cloned().zip(means.iter().copied()).collect();
                result.reward_faults = *faults;
            }
            Event::Evaluation { step, loss, base, .. } => {
                result.base_loss = Some(*base);
                result.best_loss = Some(result.best_loss.map_or(*loss, |best| best.min(*loss)));
                result.evaluations.push((*step, *loss));
                self.write_report()?;
            }
            Event::Exam { step, game, against, tally, .. } => {
                result.environments.entry(game.clone()).or_default().add(*step, against, tally);
            }
            Event::ShellExam { step, score } => {
                let name = EnvName::Intercode.as_str().to_owned();
                result.environments.entry(name).or_default().add_shell(*step, *score);
            }
            Event::Published { step, .. } => {
                result.published_step = Some(*step);
                result.environments.values_mut().for_each(EnvResult::publish);
                self.write_report()?;
            }
            _ => {}
        }
        Ok(())
    }

    fn write_report(&self) -> Result<()> {
        let mut report = self.report.clone();
        report.result.elapsed_s = self.clock.started.elapsed().as_secs_f64();
        report.result.artifact_kind = kind(&report.asked.artifact).to_owned();
        let text = serde_json::to_string_pretty(&report)? + "\n";
        write_whole(&self.folder.join(REPORT_FILE), &text)
    }
}

impl Observer for RunRecord {
    fn event(&mut self, event: &Event) {
        if self.fault.is_none()
            && let Err(error) = self.write(event)
        {
            self.fault = Some(format!("{error:#}"));
        }
    }
}

fn kind(artifact: &Path) -> &'static str {
    if artifact.join("adapter_config.json").is_file() {
        "adapter"
    } else if artifact.join("config.json").is_file() {
        "model"
    } else {
        "nothing"
    }
}

/// Removes the files of an earlier record, and nothing else.
fn clear(folder: &Path) -> Result<()> {
    let ours = [JOURNAL_FILE, METRICS_FILE, PAGE_FILE, REPORT_FILE, ROLLOUTS_FILE];
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if ours.contains(&name.as_str()) || name.starts_with(EVENT_FILES) {
            fs::remove_file(entry.path())
                .with_context(|| format!("clearing `{}`", entry.path().display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
