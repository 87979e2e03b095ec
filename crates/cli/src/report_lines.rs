//! Prints a `VerifyReport` in the lines of interfaces.md.

use schema::VerifyReport;
use serde_json::json;

use crate::failure::Failure;

/// Prints notes, failures and the last line.
///
/// # Errors
/// Exit code 3 unless something was compared and nothing failed.
pub(crate) fn print(what: &str, report: &VerifyReport, as_json: bool, verbose: bool) -> anyhow::Result<()> {
    if as_json {
        let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
        println!(
            "{}",
            json!({"verify": what, "cases": report.cases, "failed": report.failed, "skipped": report.skipped,
                   "worst": report.worst, "worst_case": report.worst_case, "tolerance": report.tolerance,
                   "failures": failures, "notes": report.notes})
        );
    } else {
        for note in &report.notes {
            println!("{note}");
        }
        let shown = if verbose { report.failures.len() } else { 5 };
        for failure in report.failures.iter().take(shown) {
            println!("{failure}");
        }
        println!("{}", report.last_line(what));
    }
    if report.passed() {
        return Ok(());
    }
    let why = if report.cases == 0 { "nothing could be compared" } else { "out of tolerance" };
    Err(Failure::refused(format!("verify {what}: {why}")).into())
}
