//! What a `croupier verify` reports: counts and the worst difference, in the lines of interfaces.md.

use std::fmt::{self, Display, Write};

/// One comparison out of tolerance.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Name of the case.
    pub case: String,
    /// What was compared.
    pub field: String,
    /// Ours, shortened.
    pub got: String,
    /// The reference's, shortened.
    pub want: String,
    /// Size of the difference; 1 for things that are equal or not.
    pub diff: f64,
    /// What is accepted.
    pub tolerance: f64,
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, field, got, want, diff, tolerance } = self;
        write!(f, "FAIL {case} {field} got {got} want {want} diff {diff:.3e} tol {tolerance:.3e}")
    }
}

/// Counts of one file, or of a whole run of `croupier verify`.
///
/// A *case* is what the reference counts as one: a state, a game, a loss case. It fails once however many of its
/// fields differ.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VerifyReport {
    /// Cases compared.
    pub cases: u64,
    /// Cases with at least one difference out of tolerance.
    pub failed: u64,
    /// Cases or files that could not be compared.
    pub skipped: u64,
    /// Largest difference, as a share of nothing: same unit as `tolerance`.
    pub worst: f64,
    /// Case of the largest difference.
    pub worst_case: String,
    /// Tolerance of the headline figure.
    pub tolerance: f64,
    /// The first differences out of tolerance; capped at [`VerifyReport::MAX_FAILURES`].
    pub failures: Vec<Failure>,
    /// Lines about parts (a file, a row of its own), printed before the last line.
    pub notes: Vec<String>,
    last_failed_case: Option<String>,
}

impl VerifyReport {
    /// Failures that are kept for printing.
    pub const MAX_FAILURES: usize = 20;

    /// An empty report with the given headline tolerance.
    pub fn new(tolerance: f64) -> Self {
        Self { tolerance, ..Self::default() }
    }

    /// Compares two numbers; a difference that is not finite fails.
    pub fn close(&mut self, case: &str, field: &str, got: f64, want: f64, tolerance: f64) {
        let diff = (got - want).abs();
        self.observe(case, diff);
        if diff.is_nan() || diff > tolerance {
            self.fail(case, field, format!("{got:.9}"), format!("{want:.9}"), diff, tolerance);
        }
    }

    /// Compares two values for equality.
    pub fn equal<T: PartialEq + fmt::Debug + ?Sized>(&mut self, case: &str, field: &str, got: &T, want: &T) {
        if got != want {
            self.observe(case, 1.0);
            self.fail(case, field, shorten(format!("{got:?}")), shorten(format!("{want:?}")), 1.0, 0.0);
        }
    }

    /// Records the size of a difference for the `worst` figure.
    pub fn observe(&mut self, case: &str, diff: f64) {
        if diff > self.worst || diff.is_nan() {
            self.worst = diff;
            self.worst_case = case.to_owned();
        }
    }

    /// Records a difference out of tolerance; `cases` is counted by the caller.
    pub fn fail(&mut self, case: &str, field: &str, got: String, want: String, diff: f64, tolerance: f64) {
        if self.last_failed_case.as_deref() != Some(case) {
            self.failed += 1;
            self.last_failed_case = Some(case.to_owned());
        }
        if self.failures.len() < Self::MAX_FAILURES {
            let (case, field) = (case.to_owned(), field.to_owned());
            self.failures.push(Failure { case, field, got, want, diff, tolerance });
        }
    }

    /// Adds another report's counts to this one and notes its line under `name`.
    pub fn absorb(&mut self, name: &str, part: VerifyReport) {
        let mut line = format!("{name}: {} cases, {} failed", part.cases, part.failed);
        if part.skipped > 0 {
            let _ = write!(line, ", {} skipped", part.skipped);
        }
        let _ = write!(line, ", worst {:.3e}", part.worst);
        if !part.worst_case.is_empty() {
            let _ = write!(line, " at {}", part.worst_case);
        }
        self.notes.extend(part.notes);
        self.notes.push(line);
        self.observe(&part.worst_case, part.worst);
        self.cases += part.cases;
        self.failed += part.failed;
        self.skipped += part.skipped;
        let room = Self::MAX_FAILURES.saturating_sub(self.failures.len());
        self.failures.extend(part.failures.into_iter().take(room));
    }

    /// True if something was compared and nothing failed.
    pub fn passed(&self) -> bool {
        self.failed == 0 && self.cases > 0
    }

    /// The last line of `croupier verify WHAT`.
    pub fn last_line(&self, what: &str) -> String {
        let Self { cases, failed, skipped, worst, tolerance, .. } = self;
        format!(
            "verify {what}: {cases} cases, {failed} failed, {skipped} skipped, worst {worst:.3e} (tolerance {tolerance:.1e})"
        )
    }
}

fn shorten(text: String) -> String {
    if text.chars().count() <= 120 { text } else { text.chars().take(117).chain("...".chars()).collect() }
}
