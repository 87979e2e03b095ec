//! Two functions on the same rollouts: would they teach the same thing?

use serde::Serialize;

use super::distribution::ranks;
use super::page::Page;
use super::{Distribution, Rollouts, chart, rank_correlation};
use crate::{Fault, Function, Pool};

/// Characters of a completion that an example shows.
const EXCERPT: usize = 400;
/// Examples shown.
const EXAMPLES: usize = 6;

/// How two functions differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// `FILE#sha256` of both.
    pub by: [String; 2],
    /// Where the scores of each lie.
    pub distributions: [Distribution; 2],
    /// Of all trajectories; `None` if a side is constant.
    pub rank_correlation: Option<f64>,
    /// Groups of at least two.
    pub n_groups: usize,
    /// Share of the groups in which no best completion of one is a best completion of the other.
    pub best_changes: Option<f64>,
    /// Trajectories whose ranks differ most.
    pub examples: Vec<Example>,
    /// What failed, by either.
    pub faults: Vec<Fault>,
    #[serde(skip)]
    values: [Vec<f64>; 2],
}

/// A trajectory that the two rank differently.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Example {
    /// The trajectory's id.
    pub id: String,
    /// Beginning of its completion.
    pub completion: String,
    /// Both scores.
    pub scores: [f64; 2],
    /// Both ranks as shares, 0 the worst and 1 the best.
    pub ranks: [f64; 2],
}

/// Scores the rollouts with both functions.
pub fn compare(pool: &Pool, a: &Function, b: &Function, rollouts: &Rollouts) -> Comparison {
    let batch = rollouts.batch();
    let by = [a, b].map(Function::id);
    let mut scores = pool.score(&[a.clone(), b.clone()], &batch);
    let faults = scores.iter_mut().flat_map(|one| std::mem::take(&mut one.faults)).collect();
    let [a, b] = [0, 1].map(|idx| std::mem::take(&mut scores[idx].values));
    let groups = rollouts.groups();
    let changed = groups.iter().filter(|group| !share_a_best(group, &a, &b)).count();
    Comparison {
        by,
        distributions: [Distribution::of(&a), Distribution::of(&b)],
        rank_correlation: rank_correlation(&a, &b),
        n_groups: groups.len(),
        best_changes: (!groups.is_empty()).then(|| changed as f64 / groups.len() as f64),
        examples: examples(rollouts, batch.completions(), &a, &b),
        faults,
        values: [a, b],
    }
}

/// Whether some row of the group is best by both.
fn share_a_best(group: &[usize], a: &[f64], b: &[f64]) -> bool {
    let best = |scores: &[f64]| group.iter().map(|&row| scores[row]).fold(f64::MIN, f64::max);
    let (best_a, best_b) = (best(a), best(b));
    group.iter().any(|&row| a[row] == best_a && b[row] == best_b)
}

fn examples(rollouts: &Rollouts, completions: &[String], a: &[f64], b: &[f64]) -> Vec<Example> {
    let (ranks_a, ranks_b) = (ranks(a), ranks(b));
    let apart = |row: usize| (ranks_a[row] - ranks_b[row]).abs();
    let mut rows: Vec<usize> = (0..a.len()).filter(|&row| apart(row) > 0.0).collect();
    rows.sort_by(|&x, &y| apart(y).total_cmp(&apart(x)));
    let top = a.len().saturating_sub(1).max(1) as f64;
    let example = |row: usize| Example {
        id: rollouts.id(row),
        completion: completions[row].chars().take(EXCERPT).collect(),
        scores: [a[row], b[row]],
        ranks: [ranks_a[row] / top, ranks_b[row] / top],
    };
    rows.into_iter().take(EXAMPLES).map(example).collect()
}

impl Comparison {
    /// A page with both distributions, the scores against each other, and the examples.
    pub fn html(&self) -> String {
        let [a, b] = &self.by;
        let mut page = Page::new("Two reward functions", &format!("A {a}\nB {b}"));
        page.fact(
            "rank correlation",
            self.rank_correlation.map_or("–".to_owned(), |rho| format!("{rho:.3}")),
        );
        let changes = self.best_changes.map_or("–".to_owned(), |share| format!("{:.1} %", 100.0 * share));
        page.fact(&format!("best changes, of {} groups", self.n_groups), changes);
        for (idx, name) in ["A", "B"].into_iter().enumerate() {
            page.distribution(name, &self.distributions[idx]);
        }
        page.figure("A", chart::histogram(&self.values[0]));
        page.figure("B", chart::histogram(&self.values[1]));
        let points: Vec<(f64, f64)> =
            self.values[0].iter().copied().zip(self.values[1].iter().copied()).collect();
        page.figure("Each trajectory: B over A", chart::scatter(&points));
        for Example { id, completion, scores, ranks } in &self.examples {
            let title = format!(
                "{id}: A {:.4} (rank {:.0} %), B {:.4} (rank {:.0} %)",
                scores[0],
                100.0 * ranks[0],
                scores[1],
                100.0 * ranks[1]
            );
            page.text(&title, completion);
        }
        page.finish()
    }
}
