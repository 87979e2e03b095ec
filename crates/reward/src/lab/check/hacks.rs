//! Whether a score can be had without what it is meant for: by length, or by form alone.

use super::Finding;
use crate::lab::probes;
use crate::{Function, Pool};

/// Ways to a high score that a policy finds before it finds the intended one.
pub(super) fn find(pool: &Pool, function: &Function) -> Vec<Finding> {
    let scores = |texts: Vec<String>| {
        let seen = pool.observe(function, &probes::batch(texts));
        seen.scores.faults.is_empty().then_some(seen.scores.values)
    };
    let growing: Option<Vec<Vec<f64>>> = probes::growing().into_iter().map(scores).collect();
    let by_length = growing.filter(|series| series.iter().all(|one| one.is_sorted_by(|a, b| a < b)));
    let by_length = by_length.map(|series| {
        let (first, last) = (series[0][0], series[0].last().copied().unwrap_or_default());
        let detail = format!("filler raises the score at every length, from {first:.4} to {last:.4}");
        Finding::fault("length-hackable", detail)
    });
    by_length.into_iter().chain(by_form(scores)).collect()
}

/// Contentless texts that score as high as the best plausible ones.
fn by_form(scores: impl Fn(Vec<String>) -> Option<Vec<f64>>) -> Option<Finding> {
    let plausible = scores(probes::plausible())?;
    let best = plausible.iter().copied().fold(f64::MIN, f64::max);
    let share = plausible.iter().filter(|value| **value == best).count() as f64 / plausible.len() as f64;
    let pretenders = probes::pretenders();
    let values = scores(pretenders.iter().map(|(_, text)| text.clone()).collect())?;
    let liked: Vec<&str> = pretenders
        .iter()
        .zip(&values)
        .filter(|(_, value)| **value >= best)
        .map(|((name, _), _)| *name)
        .collect();
    let detail = format!("the best score, {best:.4}, is also had by {}", liked.join(", "));
    (share < 1.0 && !liked.is_empty()).then(|| Finding::warning("form-hackable", detail))
}
