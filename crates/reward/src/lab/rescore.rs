//! Scores of a function for recorded rollouts, added to the record.

use std::path::Path;

use serde::Serialize;

use super::page::Page;
use super::{Distribution, Rollouts, chart};
use crate::{Error, Fault, Function, Pool};

/// What a re-scoring did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rescored {
    /// `FILE#sha256`, as the scores name it.
    pub by: String,
    /// Where the scores lie.
    pub distribution: Distribution,
    /// Trajectories that the function gave no number for; recorded as 0.
    pub n_missing: usize,
    /// Why nothing was written; empty if it was.
    pub faults: Vec<Fault>,
    #[serde(skip)]
    values: Vec<f64>,
}

/// Scores all trajectories and writes them, with the new score added to each, to `out`. Writes nothing if the function
/// fails on any of them.
///
/// # Errors
/// [`Error::File`].
pub fn rescore(
    pool: &Pool,
    function: &Function,
    rollouts: &mut Rollouts,
    out: &Path,
) -> Result<Rescored, Error> {
    let scores = pool.score(std::slice::from_ref(function), &rollouts.batch()).remove(0);
    let by = function.id();
    if scores.faults.is_empty() {
        rollouts.add_scores(&by, &scores.values);
        rollouts.write(out)?;
    }
    let distribution = Distribution::of(&scores.values);
    Ok(Rescored {
        by,
        distribution,
        n_missing: scores.missing.len(),
        faults: scores.faults,
        values: scores.values,
    })
}

impl Rescored {
    /// A page with the distribution.
    pub fn html(&self) -> String {
        let mut page = Page::new("Scores", &self.by);
        page.distribution("scores", &self.distribution);
        page.figure("Trajectories by score", chart::histogram(&self.values));
        page.finish()
    }
}
