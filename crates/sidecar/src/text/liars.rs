//! State lines of liars_dice, made from OpenSpiel's information state string: dice, then bids.

use super::push;

/// Lines for the player whose `information` this is, at a decision of player `mover`.
pub(super) fn state_text(information: &str, mover: i32) -> String {
    let mut words = information.split(' ');
    let dice: Vec<String> = words.next().unwrap_or_default().chars().map(String::from).collect();
    let listed = dice.join(", ");
    let mut text = format!("Your dice: [{listed}] (showing: {listed})\n");
    push(
        &mut text,
        format_args!(
            "Number of dice per player: {}\nTotal dice in game: {}\nNumber of players: 2\nCurrent player to act: Player {mover}\n",
            dice.len(),
            2 * dice.len(),
        ),
    );
    match words.next_back().and_then(|bid| bid.split_once('-')) {
        None => text.push_str("No bid yet - you must make the first bid"),
        Some((quantity, face)) => push(
            &mut text,
            format_args!(
                "\nCurrent bid: \"{quantity}-{face}\" (claiming at least {quantity} dice showing {face} across all players)\n\
                 You can either: (1) Make a higher bid, or (2) Call 'Liar'"
            ),
        ),
    }
    text
}
