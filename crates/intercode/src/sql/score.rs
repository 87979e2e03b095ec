//! The original's reward for SQL: how many rows are the same, times how alike their order is.
//!
//! # Source
//! spec/env_sidecars.md §3.4.

use std::collections::BTreeMap;

use super::Answer;

/// Intersection over union of the rows, times Kendall's tau-b of the common rows' order where that is a number, rounded
/// to two decimals. Negative for an order that is turned round; 0 if either answer is no list of rows.
pub fn sql_reward(agent: &Answer, gold: &Answer) -> f64 {
    let (Answer::Rows(agent), Answer::Rows(gold)) = (agent, gold) else {
        return 0.0;
    };
    let order = tau_b(&common_places(agent, gold)).unwrap_or(1.0);
    let rounded = format!("{:.2}", overlap(agent, gold) * order);
    rounded.parse().expect("a formatted number is a number")
}

/// Common rows over all rows, each counted as often as it occurs.
fn overlap(agent: &[String], gold: &[String]) -> f64 {
    let (ours, theirs) = (counts(agent), counts(gold));
    let common: usize = ours.iter().map(|(row, n)| *n.min(theirs.get(row).unwrap_or(&0))).sum();
    match agent.len() + gold.len() - common {
        0 => 1.0,
        all => common as f64 / all as f64,
    }
}

fn counts(rows: &[String]) -> BTreeMap<&str, usize> {
    rows.iter().fold(BTreeMap::new(), |mut counts, row| {
        *counts.entry(row.as_str()).or_default() += 1;
        counts
    })
}

/// First places of the common rows, here and there, in the agent's order.
fn common_places(agent: &[String], gold: &[String]) -> Vec<(usize, usize)> {
    let first = |rows: &[String]| {
        rows.iter().enumerate().rev().map(|(place, row)| (row.clone(), place)).collect::<BTreeMap<_, _>>()
    };
    let (ours, theirs) = (first(agent), first(gold));
    agent.iter().filter_map(|row| Some((*ours.get(row)?, *theirs.get(row)?))).collect()
}

/// Kendall's tau-b; `None` if one side has only ties.
fn tau_b(places: &[(usize, usize)]) -> Option<f64> {
    // Ten thousand rows are fifty million pairs: a tenth of a second.
    let (mut score, mut untied_here, mut untied_there) = (0i64, 0u64, 0u64);
    for (index, a) in places.iter().enumerate() {
        for b in &places[..index] {
            let (here, there) = (a.0.cmp(&b.0) as i64, a.1.cmp(&b.1) as i64);
            score += here * there;
            untied_here += here.unsigned_abs();
            untied_there += there.unsigned_abs();
        }
    }
    let norm = (untied_here as f64).sqrt() * (untied_there as f64).sqrt();
    (norm > 0.0).then(|| score as f64 / norm)
}
