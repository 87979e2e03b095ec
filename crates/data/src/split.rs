//! Rows apart for validation: a fixed share, of all lengths alike, and never a near-copy of a training row.
//!
//! Rows with near-equal prompts form a group, and a group stays on one side. Groups are lined up by length; going
//! through them, the validation side takes a group as often as it owes one, chosen by a hash of the seed among its
//! neighbours in length. A group much larger than what is owed stays in training.

mod similar;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(crate) use similar::{Fingerprint, groups, mixed};

/// The share of rows that is set apart unless a run says otherwise.
pub const VALIDATION_SHARE: f64 = 0.05;

/// Two halves of a data set, each in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Split<T> {
    /// To learn from.
    pub train: Vec<T>,
    /// To choose by.
    pub validation: Vec<T>,
}

/// What the split needs to know of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    n_tokens: usize,
    /// Rows with near-equal prompts.
    group: usize,
    /// Rows with equal prompts.
    equal: u64,
}

/// Keys of rows; the lists run over the rows.
pub(crate) fn keys(lengths: &[usize], groups: &[usize], fingerprints: &[Fingerprint]) -> Vec<Key> {
    let rows = lengths.iter().zip(groups).zip(fingerprints);
    rows.map(|((n_tokens, group), print)| Key { n_tokens: *n_tokens, group: *group, equal: print.equal() })
        .collect()
}

/// Splits `rows`, setting about `share` of them apart, the same ones for the same `seed`.
///
/// Where near-equal prompts are so many that too few rows could be set apart (a data set of one template), only rows with
/// equal prompts are kept together.
pub(crate) fn split<T>(rows: Vec<T>, keys: &[Key], share: f64, seed: u64) -> Split<T> {
    assert_eq!(rows.len(), keys.len(), "a key for each row");
    let owed = share * rows.len() as f64;
    let mut chosen = choose(keys, share, seed, |key| key.group as u64);
    let n_chosen = chosen.iter().filter(|chosen| **chosen).count();
    if (n_chosen as f64) < owed / 2.0 {
        chosen = choose(keys, share, seed, |key| key.equal);
    }
    let mut split = Split { train: Vec::new(), validation: Vec::new() };
    for (row, chosen) in rows.into_iter().zip(chosen) {
        if chosen { split.validation.push(row) } else { split.train.push(row) }
    }
    split
}

/// Which rows are set apart.
fn choose(keys: &[Key], share: f64, seed: u64, group_of: impl Fn(&Key) -> u64) -> Vec<bool> {
    let mut groups: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (idx, key) in keys.iter().enumerate() {
        groups.entry(group_of(key)).or_default().push(idx);
    }
    let mut lined_up: Vec<&Vec<usize>> = groups.values().collect();
    let mean_length =
        |group: &[usize]| group.iter().map(|idx| keys[*idx].n_tokens).sum::<usize>() / group.len();
    lined_up.sort_by_key(|group| (mean_length(group), group[0]));

    let mut chosen = vec![false; keys.len()];
    let mut owed = 0.0;
    let mut window: Vec<&Vec<usize>> = Vec::new();
    for group in lined_up {
        owed += share * group.len() as f64;
        window.push(group);
        if owed < 1.0 {
            continue;
        }
        window.sort_by_key(|group| mixed(seed ^ mixed(group[0] as u64)));
        for group in window.drain(..) {
            // Half a row over what is owed evens out along the lengths; a large group would not.
            if (group.len() as f64) < owed + 1.0 && owed >= 1.0 {
                owed -= group.len() as f64;
                group.iter().for_each(|idx| chosen[*idx] = true);
            }
        }
    }
    chosen
}
