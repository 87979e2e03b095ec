//! The state as match play shows it to a player, made from OpenSpiel's strings.
//!
//! Written into a text that is given, so that whoever shows millions of turns allocates for none of them.

use crate::State;
use crate::number::push_number;

const RANKS: [&str; 3] = ["J", "Q", "K"];
const SUITS: [&str; 2] = ["♠", "♥"];
const BETS: [&str; 3] = ["Fold", "Call", "Raise"];

/// Whether leduc_poker's bets of each round are shown. The evaluator had these lines, dropped them and has them again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Betting {
    /// One line for each round with bets.
    #[default]
    Shown,
    /// No line.
    Hidden,
}

/// What `seat` is shown of a state of the game that match play calls `game`; also of one at the end.
///
/// # Panics
/// If the game has neither of OpenSpiel's strings, which none of ours does.
pub fn state_text(game: &str, state: &dyn State, seat: usize) -> String {
    state_text_with(game, state, seat, Betting::default())
}

/// [`state_text`] with or without leduc_poker's bets.
///
/// # Panics
/// If the game has neither of OpenSpiel's strings, which none of ours does.
pub fn state_text_with(game: &str, state: &dyn State, seat: usize, betting: Betting) -> String {
    let mut text = String::new();
    write_state_text(game, state, seat, betting, &mut text);
    text
}

/// Appends [`state_text_with`] to `into`.
///
/// # Panics
/// If the game has neither of OpenSpiel's strings, which none of ours does.
pub fn write_state_text(game: &str, state: &dyn State, seat: usize, betting: Betting, into: &mut String) {
    let information = || state.information_state_string(seat).expect("a game without observations has them");
    match game {
        "leduc_poker" => return leduc(&information(), seat, betting, into),
        "liars_dice" => return liars(&information(), state.current_player().id(), into),
        "othello" => into.push_str(["You play x (Black).\n", "You play o (White).\n"][seat]),
        "clobber" => into.push_str(["You play o (White).\n", "You play x (Black).\n"][seat]),
        "goofspiel" => {
            into.push_str(["You are Player 0 (P0).\n", "You are Player 1 (P1).\n"][seat]);
        }
        _ => {}
    }
    into.push_str(&state.observation_string(seat).unwrap_or_else(information));
}

/// What leduc_poker's information state says.
#[derive(Default)]
struct LeducFields<'a> {
    own: Option<usize>,
    public: Option<usize>,
    round: &'a str,
    pot: &'a str,
    money: &'a str,
    bets: [&'a str; 2],
}

impl<'a> LeducFields<'a> {
    /// Reads `[Private: 2][Round 1][Pot: 2]…`.
    fn read(information: &'a str) -> Self {
        let mut fields = Self::default();
        let mut rest = information;
        while let Some((field, after)) = cut(rest, b']') {
            rest = after;
            let Some((name, value)) = cut(field, b' ') else { continue };
            match name {
                "[Private:" => fields.own = value.parse().ok(),
                "[Public:" => fields.public = value.parse().ok(),
                "[Round" => fields.round = value,
                "[Pot:" => fields.pot = value,
                "[Money:" => fields.money = value,
                "[Round1:" => fields.bets[0] = value,
                "[Round2:" => fields.bets[1] = value,
                _ => {}
            }
        }
        fields
    }
}

/// Text before and after the first `mark`; on texts this short quicker than the library's search.
fn cut(text: &str, mark: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == mark)?;
    Some((&text[..at], &text[at + 1..]))
}

fn leduc(information: &str, seat: usize, betting: Betting, into: &mut String) {
    let LeducFields { own, public, round, pot, money, bets } = LeducFields::read(information);
    into.push_str("Your card: ");
    match own {
        None => into.push_str("(not dealt yet)"),
        Some(card) => push_card(card, into),
    }
    if let Some(public) = public {
        into.push_str("\nPublic card: ");
        push_card(public, into);
        if own.map(rank) == Some(rank(public)) {
            into.push_str("\nHand: PAIR");
        }
    }
    push_all(&["\nRound: ", round, "/2\nPot: ", pot, " chips"], into);
    if let Some((first, second)) = money.split_once(' ') {
        let (own, other) = if seat == 0 { (first, second) } else { (second, first) };
        push_all(&["\nYour chips: ", own, "\nOpponent chips: ", other], into);
    }
    let rounds = ["\nRound 1 actions: ", "\nRound 2 actions: "].into_iter().zip(bets);
    for (label, bets) in rounds.filter(|(_, bets)| !bets.is_empty() && betting == Betting::Shown) {
        into.push_str(label);
        let names = bets.split(' ').filter_map(|id| BETS.get(id.parse::<usize>().ok()?));
        for (i, name) in names.enumerate() {
            push_all(&[if i > 0 { ", " } else { "" }, name], into);
        }
    }
}

fn push_all(parts: &[&str], into: &mut String) {
    parts.iter().for_each(|part| into.push_str(part));
}

fn rank(card: usize) -> usize {
    card / 2
}

fn push_card(id: usize, into: &mut String) {
    push_all(&[RANKS[rank(id)], SUITS[id % 2]], into);
}

/// The mover is −4 at the end, where a player may look back.
fn liars(information: &str, mover: i32, into: &mut String) {
    let mut words = information.split(' ');
    let dice = words.next().unwrap_or_default();
    let push_dice = |into: &mut String| {
        for (i, die) in dice.chars().enumerate() {
            into.push_str(if i > 0 { ", " } else { "" });
            into.push(die);
        }
    };
    into.push_str("Your dice: [");
    push_dice(into);
    into.push_str("] (showing: ");
    push_dice(into);
    let n_dice = dice.len() as i32;
    for (label, number) in [
        (")\nDice per player: ", n_dice),
        ("\nTotal dice in game: ", 2 * n_dice),
        ("\nPlayers: 2\nCurrent player: Player ", mover),
    ] {
        into.push_str(label);
        push_number(number, into);
    }
    match words.rev().find_map(|bid| bid.split_once('-')) {
        None => into.push_str("\nNo bid yet - you must make the first bid"),
        Some((quantity, face)) => {
            push_all(&["\n\nCurrent bid: \"", quantity, "-", face, "\" (at least ", quantity], into);
            push_all(&[" dice showing ", face, " across all players)\n"], into);
            into.push_str("You can: (1) Make a higher bid, or (2) Call 'Liar'");
        }
    }
}
