//! State lines of kuhn_poker, an extension of ours in the manner of leduc_poker's.

use super::push;

const RANKS: [&str; 3] = ["J", "Q", "K"];

/// Lines for the player whose `information` this is: the card's number, then `p` and `b` for passes and bets.
pub(super) fn state_text(information: &str, is_to_move: bool) -> String {
    let (card, bets) = information.split_at(information.len().min(1));
    let card = card.parse().ok().and_then(|card: usize| RANKS.get(card)).copied().unwrap_or("?");
    let pot = 2 + bets.matches('b').count();
    let mut text = format!("Your card: {card}\nPot size: {pot} chips");
    if !bets.is_empty() {
        let names: Vec<&str> = bets.chars().map(|bet| if bet == 'b' { "Bet" } else { "Pass" }).collect();
        push(&mut text, format_args!("\nBetting: {}", names.join(", ")));
    }
    if is_to_move {
        text.push_str("\nYour turn to act");
    }
    text
}
