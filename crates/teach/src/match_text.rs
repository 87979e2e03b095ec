//! A turn as match play shows it: the state's text and the legal actions.
//!
//! The views of the three games that are taught, from OpenSpiel's own strings. Not the prompt around them.
//!
//! # Source
//! Lines as listed in spec/contract.md §5.4 and appendix A.

use games::{Player, State};
use schema::{MatchView, Memory};

/// Whether leduc's text lists the betting so far. Both kinds are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Betting {
    /// A line for each round in which something was played.
    Shown,
    /// Pot and chips alone.
    Hidden,
}

/// The turn of the seat that is to act in `state`, with empty notes; `None` if no seat is.
pub fn view(game: &str, state: &dyn State, betting: Betting) -> Option<MatchView> {
    let Player::Seat(seat) = state.current_player() else { return None };
    let mut actions = Vec::new();
    state.legal_actions(&mut actions);
    let label = |action| (action, state.action_string(Player::Seat(seat), action));
    Some(MatchView {
        game: game.to_owned(),
        seat,
        state: state_text(game, state, seat, betting),
        legal: actions.into_iter().map(label).collect(),
        memory: Memory::default(),
    })
}

fn state_text(game: &str, state: &dyn State, seat: usize, betting: Betting) -> String {
    match (game, state.information_state_string(seat), state.observation_string(seat)) {
        ("leduc_poker", Some(information), _) => leduc_poker(&information, seat, betting),
        ("liars_dice", Some(information), _) => liars_dice(&information, seat),
        (_, information, observation) => observation.or(information).unwrap_or_default(),
    }
}

fn leduc_poker(information: &str, seat: usize, betting: Betting) -> String {
    let field = |name: &str| {
        let (_, rest) = information.split_once(&format!("[{name}: "))?;
        Some(rest.split(']').next().unwrap_or(rest))
    };
    let card = |id: &str| {
        let id: usize = id.parse().unwrap_or(0);
        format!("{}{}", ['J', 'Q', 'K'][(id / 2).min(2)], ['♠', '♥'][id % 2])
    };
    let private = field("Private").unwrap_or_default();
    let mut text = format!("Your card: {}\n", card(private));
    if let Some(public) = field("Public") {
        text += &format!("Public card: {}\n", card(public));
        if card(public).chars().next() == card(private).chars().next() {
            text += "Hand: PAIR\n";
        }
    }
    let chips: Vec<&str> = field("Money").unwrap_or_default().split(' ').collect();
    let chips_of = |seat: usize| chips.get(seat).copied().unwrap_or_default();
    text += &format!("Round: {}/2\n", 1 + usize::from(field("Public").is_some()));
    text += &format!("Pot: {} chips\n", field("Pot").unwrap_or_default());
    text += &format!("Your chips: {}\nOpponent chips: {}", chips_of(seat), chips_of(1 - seat));
    if betting == Betting::Shown {
        for round in ["Round1", "Round2"] {
            let played = field(round).filter(|played| !played.is_empty());
            let name = |id: &str| ["Fold", "Call", "Raise"][id.parse::<usize>().unwrap_or(1).min(2)];
            if let Some(played) = played {
                let names: Vec<&str> = played.split(' ').map(name).collect();
                text += &format!("\nRound {} actions: {}", &round[5..], names.join(", "));
            }
        }
    }
    text
}

fn liars_dice(information: &str, seat: usize) -> String {
    let mut words = information.split(' ');
    let dice: Vec<String> = words.next().unwrap_or_default().chars().map(String::from).collect();
    let (n, dice) = (dice.len(), dice.join(", "));
    let mut text = format!(
        "Your dice: [{dice}] (showing: {dice})\nDice per player: {n}\nTotal dice in game: {}\nPlayers: 2\n\
         Current player: Player {seat}\n",
        2 * n
    );
    match words.next_back().and_then(|bid| bid.split_once('-').map(|(q, f)| (bid, q, f))) {
        Some((bid, quantity, face)) => {
            text += &format!(
                "\nCurrent bid: \"{bid}\" (at least {quantity} dice showing {face} across all players)\n\
                 You can: (1) Make a higher bid, or (2) Call 'Liar'"
            );
        }
        None => text += "No bid yet - you must make the first bid",
    }
    text
}

#[cfg(test)]
mod tests;
