//! `croupier reward check|score|compare`: the lab for reward functions.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use reward::lab::{self, CheckReport, Comparison, Distribution, Rescored, Rollouts};
use reward::{Function, Isolation, Pool, PoolConfig};
use serde::Serialize;

use crate::args::{
    RewardArgs, RewardCheckArgs, RewardCommonArgs, RewardCompareArgs, RewardScoreArgs, RewardWhat,
};
use crate::failure::Failure;

pub(crate) fn run(args: RewardArgs) -> Result<()> {
    match args.what {
        RewardWhat::Check(args) => check(&args),
        RewardWhat::Score(args) => score(&args),
        RewardWhat::Compare(args) => compare(&args),
    }
}

fn check(args: &RewardCheckArgs) -> Result<()> {
    let function = read_function(&args.function)?;
    let rollouts = args.rollouts.as_deref().map(read_rollouts).transpose()?;
    let report = lab::check(&function, rollouts.as_ref(), &config(&args.common)?).map_err(failure)?;
    finish(&args.common, &report, CheckReport::html, print_check)?;
    if report.is_fine() {
        return Ok(());
    }
    Err(Failure::refused(format!("`{}` has faults", args.function.display())).into())
}

fn score(args: &RewardScoreArgs) -> Result<()> {
    let function = read_function(&args.function)?;
    let mut rollouts = read_rollouts(&args.rollouts)?;
    let pool = Pool::start(config(&args.common)?).map_err(failure)?;
    let out = args.out.as_ref().unwrap_or(&args.rollouts);
    let rescored = lab::rescore(&pool, &function, &mut rollouts, out).map_err(failure)?;
    finish(&args.common, &rescored, Rescored::html, |rescored| {
        print_isolation(pool.isolation());
        print_distribution("scores", &rescored.distribution);
        if rescored.n_missing > 0 {
            println!("{} trajectories got no number and count as 0", rescored.n_missing);
        }
    })?;
    refuse_faults(&rescored.faults, "nothing was written")?;
    if !args.common.json {
        println!("{}", out.display());
    }
    Ok(())
}

fn compare(args: &RewardCompareArgs) -> Result<()> {
    let (a, b) = (read_function(&args.a)?, read_function(&args.b)?);
    let rollouts = read_rollouts(&args.rollouts)?;
    let pool = Pool::start(config(&args.common)?).map_err(failure)?;
    let comparison = lab::compare(&pool, &a, &b, &rollouts);
    finish(&args.common, &comparison, Comparison::html, |comparison| {
        print_isolation(pool.isolation());
        print_comparison(comparison);
    })?;
    refuse_faults(&comparison.faults, "failed scores count as 0")
}

fn config(args: &RewardCommonArgs) -> Result<PoolConfig> {
    let time_limit = Duration::try_from_secs_f64(args.time_limit).ok().filter(|limit| !limit.is_zero());
    let hint = "seconds, e.g. 10";
    let time_limit =
        time_limit.ok_or_else(|| Failure::bad_input(format!("--time-limit is {}", args.time_limit), hint))?;
    Ok(PoolConfig {
        python: args.python.clone(),
        n_workers: args.workers.max(1),
        time_limit,
        ..PoolConfig::default()
    })
}

fn read_function(path: &Path) -> Result<Function> {
    Ok(Function::read(path).map_err(failure)?)
}

fn read_rollouts(path: &Path) -> Result<Rollouts> {
    Ok(Rollouts::read(path).map_err(failure)?)
}

fn failure(error: reward::Error) -> Failure {
    let hint = match &error {
        reward::Error::NoPython { .. } => "install Python 3, or name it: --python PATH",
        reward::Error::Line { .. } | reward::Error::NoRollouts(_) => {
            "`croupier rollout run --out R.jsonl` records trajectories"
        }
        _ => "is the path right?",
    };
    Failure::bad_input(error.to_string(), hint)
}

/// Exit code 3 with the faults by name.
fn refuse_faults(faults: &[reward::Fault], consequence: &str) -> Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    Err(Failure::refused(format!("{}; {consequence}", faults.join("; "))).into())
}

/// Prints a result, or gives it as JSON, and writes its page if asked to.
fn finish<T: Serialize>(
    args: &RewardCommonArgs,
    result: &T,
    html: impl Fn(&T) -> String,
    print: impl Fn(&T),
) -> Result<()> {
    if args.json {
        println!("{}", serde_json::to_string(result)?);
    } else {
        print(result);
    }
    match &args.html {
        Some(path) => write_page(path, &html(result)),
        None => Ok(()),
    }
}

fn write_page(path: &Path, html: &str) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let written = File::create(&partial).and_then(|mut file| {
        file.write_all(html.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, path)
    });
    written.with_context(|| format!("writing `{}`", path.display()))
}

fn print_check(report: &CheckReport) {
    println!("{}", report.by);
    print_isolation(&report.isolation);
    let native = report.native.as_ref().map(|name| format!("natively, as stock {name}"));
    println!("computed   {}", native.unwrap_or_else(|| "in Python".to_owned()));
    println!("time       {:.1} µs for one completion", report.microseconds_per_completion);
    print_distribution("scores", &report.distribution);
    for finding in &report.findings {
        println!("{finding}");
    }
    if report.findings.is_empty() {
        println!("nothing found");
    }
}

fn print_comparison(comparison: &Comparison) {
    let Comparison { by: [a, b], distributions, rank_correlation, n_groups, best_changes, examples, .. } =
        comparison;
    println!("A {a}\nB {b}");
    print_distribution("A", &distributions[0]);
    print_distribution("B", &distributions[1]);
    let correlation =
        rank_correlation.map_or_else(|| "none: a side is constant".to_owned(), |rho| format!("{rho:.3}"));
    println!("rank correlation {correlation}");
    if let Some(share) = best_changes {
        println!("the best completion changes in {:.1} % of {n_groups} groups", 100.0 * share);
    }
    for example in examples {
        let [a, b] = example.scores;
        println!("\n{} A {a:.4} B {b:.4}\n{}", example.id, example.completion);
    }
}

fn print_isolation(isolation: &Isolation) {
    let filters = if isolation.filters { "with" } else { "without" };
    println!("isolation  {}, {filters} system call filter (Python {})", isolation.tier, isolation.python);
    for refused in &isolation.refused {
        println!("           refused here: {refused}");
    }
}

fn print_distribution(name: &str, one: &Distribution) {
    let [min, q1, median, q3, max] = one.quantiles;
    println!(
        "{name:10} n {}, mean {:.4}, std {:.4}, min {min:.4}, quartiles {q1:.4} {median:.4} {q3:.4}, max {max:.4}",
        one.n, one.mean, one.std
    );
}
