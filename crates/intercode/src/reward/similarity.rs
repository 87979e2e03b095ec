//! Cosine of two texts' TF-IDF vectors, fitted on just these two.
//!
//! # Source
//! scikit-learn's `TfidfVectorizer`: lower case, tokens of two or more word characters, raw counts, smoothed
//! `idf = ln((1 + 2) / (1 + df)) + 1`, L2 norm.

use std::collections::BTreeMap;

/// How alike two texts are, from 0 to 1. Without a token on either side: 1 if the texts are the same, else 0.
pub fn similarity(a: &str, b: &str) -> f64 {
    let (counts_a, counts_b) = (counts(a), counts(b));
    if counts_a.is_empty() && counts_b.is_empty() {
        return if a == b { 1.0 } else { 0.0 };
    }
    // A term of both texts has idf ln(3/3) + 1 = 1, a term of one has ln(3/2) + 1.
    let weigh = |own: &BTreeMap<String, u32>, other: &BTreeMap<String, u32>| -> f64 {
        let square = |(term, n): (&String, &u32)| (f64::from(*n) * idf(other.contains_key(term))).powi(2);
        own.iter().map(square).sum::<f64>().sqrt()
    };
    let norms = weigh(&counts_a, &counts_b) * weigh(&counts_b, &counts_a);
    if norms == 0.0 {
        return 0.0;
    }
    let common =
        counts_a.iter().filter_map(|(term, n)| Some(f64::from(*n) * f64::from(*counts_b.get(term)?)));
    common.sum::<f64>() / norms
}

fn idf(in_both: bool) -> f64 {
    if in_both { 1.0 } else { 1.5f64.ln() + 1.0 }
}

/// Tokens with their counts: runs of at least two letters, digits or underscores, in lower case.
fn counts(text: &str) -> BTreeMap<String, u32> {
    let lower = text.to_lowercase();
    let mut counts = BTreeMap::new();
    let runs = lower.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    for token in runs.filter(|run| run.chars().nth(1).is_some()) {
        *counts.entry(token.to_owned()).or_insert(0) += 1;
    }
    counts
}
