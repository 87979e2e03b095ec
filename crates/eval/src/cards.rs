//! Does a policy look at its cards? The figure that tells learning from collapse where the return does not.

use std::collections::BTreeMap;

use games::{GameTree, Infoset, TabularPolicy};

/// Mean total-variation distance between a policy's action distributions for different private cards at the same
/// public history (betting and public card), over all such pairs of information sets; 0 if cards change nothing,
/// 1 if they change everything.
///
/// Cards count by rank: suits are no reason to play differently.
///
/// # Source
/// The measure of spec/rl.md §6.2.
pub fn card_sensitivity(tree: &GameTree, policy: &TabularPolicy) -> f64 {
    let mut by_history: BTreeMap<(usize, String), BTreeMap<String, Vec<f64>>> = BTreeMap::new();
    for infoset in tree.infosets() {
        let Some((private, history)) = split_key(infoset) else { continue };
        let probabilities = policy.probabilities(infoset.state.as_ref());
        by_history.entry((infoset.seat, history)).or_default().insert(private, probabilities);
    }
    let (mut sum, mut pairs) = (0.0, 0_u32);
    for by_card in by_history.values() {
        let rows: Vec<&Vec<f64>> = by_card.values().collect();
        for (i, a) in rows.iter().enumerate() {
            for b in &rows[i + 1..] {
                sum += total_variation(a, b);
                pairs += 1;
            }
        }
    }
    if pairs == 0 { 0.0 } else { sum / f64::from(pairs) }
}

fn total_variation(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0
}

/// Rank of the private card, and everything else that the seat sees; `None` for games that do not say what is private.
fn split_key(infoset: &Infoset) -> Option<(String, String)> {
    let key = infoset.key.as_str();
    if !key.starts_with('[') {
        // kuhn_poker: the card, then the betting; liars_dice: the dice, a blank, the bids.
        let (private, history) = key.split_at(key.bytes().take_while(u8::is_ascii_digit).count());
        return (!private.is_empty()).then(|| (private.to_owned(), history.to_owned()));
    }
    let (mut private, mut history) = (None, String::new());
    for field in key.trim_start_matches('[').trim_end_matches(']').split("][") {
        let (name, value) = field.split_once(": ").unwrap_or((field, ""));
        match name {
            "Private" => private = Some(rank(value)?),
            "Public" => history += &format!("[Public: {}]", rank(value)?),
            _ => history += &format!("[{field}]"),
        }
    }
    Some((private?, history))
}

/// leduc_poker's ids go by rank, two suits each.
fn rank(card: &str) -> Option<String> {
    card.parse::<u32>().ok().map(|id| (id / 2).to_string())
}
