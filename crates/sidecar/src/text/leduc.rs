//! State lines of leduc_poker, made from OpenSpiel's information state string.

use super::push;

const RANKS: [&str; 3] = ["J", "Q", "K"];
const SUITS: [&str; 2] = ["♠", "♥"];
const BETS: [&str; 3] = ["Fold", "Call", "Raise"];

/// Lines for `seat`, whose `information` this is.
pub(super) fn state_text(information: &str, seat: usize, is_to_move: bool) -> String {
    let private = number(field(information, "[Private: "));
    let public = field(information, "[Public: ").map(|card| number(Some(card)));
    let money = field(information, "[Money: ").unwrap_or_default();
    let money = |of: usize| money.split(' ').nth(of).unwrap_or("?");

    let mut text = format!("Your card: {}\n", card(private));
    if let Some(public) = public {
        push(&mut text, format_args!("Public card: {}\n", card(public)));
        if public / 2 == private / 2 {
            text.push_str("Hand: Pair\n");
        }
    }
    push(&mut text, format_args!("Current round: {}/2\n", field(information, "[Round ").unwrap_or("?")));
    push(&mut text, format_args!("Pot size: {} chips\n", field(information, "[Pot: ").unwrap_or("?")));
    push(&mut text, format_args!("Your chips: {}\nOpponent chips: {}", money(seat), money(1 - seat)));
    for (round, key) in [(1, "[Round1: "), (2, "[Round2: ")] {
        let bets = field(information, key).filter(|bets| !bets.is_empty());
        if let Some(bets) = bets {
            let names: Vec<&str> = bets.split(' ').map(bet).collect();
            push(&mut text, format_args!("\nRound {round} betting: {}", names.join(", ")));
        }
    }
    if is_to_move {
        text.push_str("\nYour turn to act");
    }
    text
}

/// Text between `key` and the closing bracket.
fn field<'a>(information: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = information.split_once(key)?;
    rest.split_once(']').map(|(value, _)| value)
}

/// A card id; cards that are not dealt yet are negative there.
fn number(field: Option<&str>) -> usize {
    field.and_then(|text| text.parse().ok()).unwrap_or(usize::MAX)
}

fn card(id: usize) -> String {
    RANKS.get(id / 2).map_or_else(|| "?".to_owned(), |rank| format!("{rank}{}", SUITS[id % 2]))
}

fn bet(id: &str) -> &'static str {
    id.parse().ok().and_then(|id: usize| BETS.get(id)).copied().unwrap_or("?")
}
