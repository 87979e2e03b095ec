//! leduc_poker and kuhn_poker: own card, public card, betting.

use crate::observation::field;

/// `K Q|rc|r`: own rank, public rank or `-`, betting of both rounds (f, c, r). Suits do not matter in leduc poker, and
/// the pot and the seats follow from the betting. `None` if there is no card.
pub(super) fn leduc(lines: &str) -> Option<String> {
    let own = rank(field(lines, "Your card:")?)?;
    let public = field(lines, "Public card:").and_then(rank).unwrap_or('-');
    let bets = |label| initials(field(lines, label).unwrap_or_default());
    Some(format!("{own} {public}|{}|{}", bets("Round 1 betting:"), bets("Round 2 betting:")))
}

/// `K|pb`: own rank, betting (p, b).
pub(super) fn kuhn(lines: &str) -> Option<String> {
    let own = rank(field(lines, "Your card:")?)?;
    Some(format!("{own}|{}", initials(field(lines, "Betting:").unwrap_or_default())))
}

fn rank(card: &str) -> Option<char> {
    card.chars().next()
}

/// `Call, Raise` → `cr`.
fn initials(actions: &str) -> String {
    actions
        .split(", ")
        .filter_map(|action| action.chars().next())
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}
