//! What counts as equal.

use schema::VerifyReport;

/// Headline: `|x − y| / (|y| + 0.02)` of losses, i.e. `1e-4·|y| + 2e-6` in absolute terms.
pub(super) const LOSS: f64 = 1e-4;
const LOSS_FLOOR: f64 = 0.02;
/// Log-probs, entropies and advantages, absolute.
const TOKEN: f64 = 1e-5;
/// Gradient norms and whole gradients, relative, with [`NORM_FLOOR`].
pub(super) const NORM: f64 = 1e-3;
const NORM_FLOOR: f64 = 1e-6;
/// Figures about a step, absolute.
const METRIC: f64 = 1e-4;

/// The comparisons of one case.
pub(super) struct Check<'a> {
    report: &'a mut VerifyReport,
    case: String,
}

impl<'a> Check<'a> {
    /// Counts a case and starts its comparisons.
    pub(super) fn new(report: &'a mut VerifyReport, case: impl Into<String>) -> Self {
        report.cases += 1;
        Self { report, case: case.into() }
    }

    /// A loss. `extra` widens the absolute part.
    pub(super) fn loss(&mut self, field: &str, got: f64, want: f64, extra: f64) {
        let accepted = LOSS * (want.abs() + LOSS_FLOOR) + extra;
        self.observe(LOSS, (got - want).abs() / accepted);
        self.within(field, got, want, accepted);
    }

    /// A gradient norm.
    pub(super) fn norm(&mut self, field: &str, got: f64, want: f64) {
        self.within(field, got, want, NORM * want.abs() + NORM_FLOOR);
    }

    /// A figure; `slack` is what one token more or less may change.
    pub(super) fn metric(&mut self, field: &str, got: Option<f64>, want: f64, slack: f64) {
        self.within(field, got.unwrap_or(f64::NAN), want, METRIC + slack);
    }

    /// Values per token.
    pub(super) fn tokens(&mut self, field: &str, got: &[f32], want: &[f32]) {
        let worst = got.iter().zip(want).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
        let worst = if got.len() == want.len() && worst.is_finite() { worst } else { f64::NAN };
        self.within(field, worst, 0.0, TOKEN);
    }

    /// A whole gradient.
    pub(super) fn gradient(&mut self, field: &str, got: &[f32], want: &[f32]) {
        let distance = self.distance(field, got, want, NORM, NORM_FLOOR);
        self.observe(NORM, distance);
    }

    /// Euclidean distance, accepted up to a share of the reference's norm; returns it as a share of what is accepted.
    pub(super) fn distance(
        &mut self,
        field: &str,
        got: &[f32],
        want: &[f32],
        relative: f64,
        absolute: f64,
    ) -> f64 {
        let norm =
            |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
        let pairs = || got.iter().zip(want).map(|(a, b)| f64::from(*a) - f64::from(*b));
        let distance = if got.len() == want.len() { norm(&mut pairs()) } else { f64::NAN };
        let scale = norm(&mut want.iter().map(|value| f64::from(*value)));
        let accepted = relative * scale + absolute;
        self.within(field, distance, 0.0, accepted);
        distance / accepted
    }

    /// The report's worst figure is of the comparisons that have its tolerance; `share` is of what is accepted.
    fn observe(&mut self, tolerance: f64, share: f64) {
        if self.report.tolerance == tolerance {
            self.report.observe(&self.case, share * tolerance);
        }
    }

    fn within(&mut self, field: &str, got: f64, want: f64, tolerance: f64) {
        let diff = (got - want).abs();
        if diff.is_nan() || diff > tolerance {
            self.report.fail(&self.case, field, format!("{got:.9}"), format!("{want:.9}"), diff, tolerance);
        }
    }
}
