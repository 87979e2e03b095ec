//! Conformance of a model folder: our numbers against reference numbers, and against ourselves.
//!
//! Each function returns its comparisons, out of tolerance or not; printing and exit codes are the caller's.

mod decode;
mod logits;
mod reference;
mod reload;

pub use decode::verify_decode;
pub use logits::verify_logits;

/// The worst element of one comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Which row of which computation, e.g. `row 2, cached`.
    pub case: String,
    /// What was compared, with the place of the worst element, e.g. `logits[12,811]`.
    pub field: String,
    /// Ours.
    pub got: f64,
    /// The reference's.
    pub want: f64,
    /// What is accepted as the absolute difference.
    pub tolerance: f64,
}

impl Check {
    /// Absolute difference.
    pub fn diff(&self) -> f64 {
        (self.got - self.want).abs()
    }

    /// True within the tolerance; a difference that is not a number is not.
    pub fn passed(&self) -> bool {
        self.diff() <= self.tolerance
    }

    /// Compares slices of equal shape, rows of `n_cols`; `None` if they are empty.
    fn worst(
        case: &str,
        field: &str,
        got: &[f32],
        want: &[f32],
        n_cols: usize,
        tolerance: f64,
    ) -> Option<Self> {
        assert_eq!(got.len(), want.len(), "{case} {field}: values compared");
        let mut worst: Option<Self> = None;
        for (at, (&got, &want)) in got.iter().zip(want).enumerate() {
            let (got, want) = (f64::from(got), f64::from(want));
            let diff = (got - want).abs();
            let is_worse = worst.as_ref().is_none_or(|worst| diff > worst.diff() || diff.is_nan());
            if is_worse {
                let place = match n_cols {
                    1 => format!("{field}[{at}]"),
                    _ => format!("{field}[{},{}]", at / n_cols, at % n_cols),
                };
                worst = Some(Self { case: case.to_owned(), field: place, got, want, tolerance });
            }
        }
        worst
    }
}

#[cfg(test)]
mod tests;
