//! gin_rummy: hand, upcard, phase and deadwood, knock card, stock, the last discards, what lies on the table.

use crate::observation::field;

/// Discards that are shown: what the opponent threw lately says most about what it does not collect.
const DISCARDS: usize = 8;

/// `As3s8s3dTd6hQh|Kd|F41|k10|s37|Kd7c`, and after a knock a part for each side's laid cards (`+` own, `-` the
/// other's). `None` if no hand is shown.
pub(super) fn gin(lines: &str) -> Option<String> {
    let sides = sides(lines);
    let own = sides.iter().find(|side| side.deadwood.is_some())?;
    let phase = field(lines, "Phase:")?.chars().next()?;
    let (stock, upcard) = field(lines, "Stock size:")?.split_once("Upcard:")?;
    let discards = last_cards(field(lines, "Discard pile:").unwrap_or_default(), DISCARDS);
    let knock = field(lines, "Knock card:")?;
    let deadwood = own.deadwood.unwrap_or_default();
    let (hand, upcard, stock) = (&own.hand, upcard.trim(), stock.trim());
    let mut text = format!("{hand}|{upcard}|{phase}{deadwood}|k{knock}|s{stock}|{discards}");
    for side in sides.iter().filter(|side| !side.laid.is_empty()) {
        let sign = if side.deadwood.is_some() && std::ptr::eq(side, own) { '+' } else { '-' };
        text += &format!("|{sign}{}", side.laid);
    }
    Some(text)
}

/// One player's part of the text.
#[derive(Default)]
struct Side<'a> {
    /// Only the own side says it before the end.
    deadwood: Option<&'a str>,
    hand: String,
    /// Melds and layoffs.
    laid: String,
}

fn sides(lines: &str) -> Vec<Side<'_>> {
    let mut sides: Vec<Side<'_>> = Vec::new();
    for line in lines.lines() {
        if line.starts_with("Player") && line.contains(':') {
            let deadwood = line.split_once("Deadwood=").map(|(_, deadwood)| deadwood.trim());
            sides.push(Side { deadwood, ..Side::default() });
        } else if let Some(side) = sides.last_mut() {
            if let Some(row) = line.strip_prefix('|') {
                side.hand.extend(row.chars().filter(|letter| !letter.is_whitespace() && *letter != '|'));
            } else if let Some(cards) =
                line.strip_prefix("Layed melds:").or_else(|| line.strip_prefix("Layoffs:"))
            {
                side.laid += &cards.trim().replace(' ', ".");
            }
        }
    }
    sides
}

/// The last `n` of cards written in two letters each.
fn last_cards(cards: &str, n: usize) -> &str {
    cards.get(cards.len().saturating_sub(2 * n)..).unwrap_or(cards)
}
