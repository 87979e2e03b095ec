//! `croupier verify WHAT PATH…`: replays reference data, prints counts and worst differences.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use burn::tensor::Device;
use model::DeviceChoice;
use model::verify::Check;
use schema::VerifyReport;

use crate::args::{VerifyArgs, VerifyWhat};
use crate::failure::Failure;
use crate::{progress, report_lines};

/// What makes a folder one of reference logits.
const LOGITS: &str = "reference_logits.safetensors";

pub(crate) fn run(args: VerifyArgs, verbose: bool) -> Result<()> {
    let missing = args.paths.iter().find(|path| !path.exists());
    if let Some(path) = missing {
        let hint = "give a file or folder of reference data";
        return Err(Failure::bad_input(format!("`{}` does not exist", path.display()), hint).into());
    }
    if args.paths.is_empty() && args.what != VerifyWhat::Kernels {
        let hint = "give a file or folder of reference data";
        return Err(Failure::bad_input("no path to verify".to_owned(), hint).into());
    }
    let opened = args.device.parse::<DeviceChoice>().and_then(DeviceChoice::open);
    let device = opened.map_err(|error| Failure::bad_input(error.to_string(), "--device cpu"))?.device;
    let (what, report) = match args.what {
        VerifyWhat::Traces => {
            let check = |file: &Path| match sidecar::traces::verify_traces_file(file)? {
                Some(report) => Ok(Some(report)),
                None => Ok(sidecar::transcripts::verify_transcripts(file)?),
            };
            ("traces", files(&args.paths, "traces", check)?)
        }
        VerifyWhat::Prompts => {
            let pack = args.pack.as_deref().map(rollout::PromptPack::load).transpose();
            let pack =
                pack.map_err(|error| Failure::bad_input(error.to_string(), "croupier prompts capture"))?;
            let check = |file: &Path| Ok(rollout::verify_prompts_file(file, pack.as_ref())?);
            ("prompts", files(&args.paths, "prompts", check)?)
        }
        VerifyWhat::Logits => {
            let check = |dir: &Path| of_model(model::verify::verify_logits(dir, args.layers, &device));
            ("logits", folders(&args.paths, LOGITS, check)?)
        }
        VerifyWhat::Decode => {
            let check = |dir: &Path| of_model(model::verify::verify_decode(dir, &device));
            ("decode", folders(&args.paths, LOGITS, check)?)
        }
        VerifyWhat::Gradients => {
            let check = |dir: &Path| Ok(grpo::verify::verify_gradients(dir, &device)?);
            ("gradients", folders(&args.paths, "grads.safetensors", check)?)
        }
        VerifyWhat::Losses => {
            let check = |dir: &Path| Ok(grpo::verify::verify_losses(dir, &device)?);
            ("losses", folders(&args.paths, "cases.json", check)?)
        }
        VerifyWhat::Kernels => ("kernels", kernels(&device)),
        VerifyWhat::Rows => {
            let check = |dir: &Path| Ok(data::verify_rows(dir)?);
            ("rows", folders(&args.paths, "rows.json", check)?)
        }
    };
    report_lines::print(what, &report, args.json, verbose)
}

/// The model crate's comparisons as a report; architectures that are not ours yet are skipped by name.
fn of_model(checks: model::Result<Vec<Check>>) -> Result<VerifyReport> {
    let checks = match checks {
        Ok(checks) => checks,
        Err(error @ model::Error::UnsupportedModelType { .. }) => {
            let mut report = VerifyReport::new(0.0);
            report.skipped = 1;
            report.notes.push(format!("skipped: {error}"));
            return Ok(report);
        }
        Err(error) => return Err(error.into()),
    };
    let mut report = VerifyReport::new(checks.first().map_or(0.0, |check| check.tolerance));
    let mut last = None;
    for check in &checks {
        report.cases += u64::from(last != Some(&check.case));
        last = Some(&check.case);
        report.close(&check.case, &check.field, check.got, check.want, check.tolerance);
    }
    Ok(report)
}

/// Each operation of the device, its gradients included, is a case.
fn kernels(device: &Device) -> VerifyReport {
    let mut report = VerifyReport::default();
    let mut last = String::new();
    for found in kernels::verify::verify(device) {
        report.cases += u64::from(last != found.case);
        report.tolerance = report.tolerance.max(found.tolerance);
        report.close(&found.case, &found.field, found.difference, 0.0, found.tolerance);
        last = found.case;
    }
    report
}

/// Every file of the paths, if `check` recognises it; the others are named as skipped.
fn files(
    paths: &[PathBuf],
    what: &str,
    check: impl Fn(&Path) -> Result<Option<VerifyReport>>,
) -> Result<VerifyReport> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(entries(path)?.into_iter().filter(|entry| entry.is_file()));
        } else {
            files.push(path.clone());
        }
    }
    let bar = progress::bar(files.len() as u64, format!("verify {what}"));
    let mut total = VerifyReport::new(0.0);
    for file in &files {
        let name = file_name(file);
        match check(file)? {
            Some(report) => total.absorb(&name, report),
            None => {
                total.skipped += 1;
                total.notes.push(format!("{name}: skipped, no {what} in it"));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(total)
}

/// Every folder of the paths that holds `marker`, one level deep.
fn folders(
    paths: &[PathBuf],
    marker: &str,
    check: impl Fn(&Path) -> Result<VerifyReport>,
) -> Result<VerifyReport> {
    let mut total: Option<VerifyReport> = None;
    for path in paths {
        let found: Vec<PathBuf> = if path.join(marker).is_file() {
            vec![path.clone()]
        } else if path.is_dir() {
            entries(path)?.into_iter().filter(|entry| entry.join(marker).is_file()).collect()
        } else {
            Vec::new()
        };
        if found.is_empty() {
            let hint = format!("a folder with {marker}, or a folder of such folders");
            return Err(Failure::bad_input(format!("`{}` holds no {marker}", path.display()), hint).into());
        }
        for dir in found {
            let report = check(&dir).with_context(|| format!("verifying `{}`", dir.display()))?;
            let total = total.get_or_insert_with(VerifyReport::default);
            total.tolerance = total.tolerance.max(report.tolerance);
            total.absorb(&file_name(&dir), report);
        }
    }
    Ok(total.unwrap_or_default())
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let read = std::fs::read_dir(dir).with_context(|| format!("reading `{}`", dir.display()))?;
    let mut entries: Vec<PathBuf> = read.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    Ok(entries)
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
