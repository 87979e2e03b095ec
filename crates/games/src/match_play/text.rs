//! The state as match play shows it to a player, made from OpenSpiel's strings.

use crate::State;

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
    let information = || state.information_state_string(seat).expect("a game without observations has them");
    let seen = || state.observation_string(seat).unwrap_or_else(information);
    match game {
        "leduc_poker" => leduc(&information(), seat, betting),
        "liars_dice" => liars(&information(), state.current_player().id()),
        "othello" => format!("You play {}.\n{}", ["x (Black)", "o (White)"][seat], seen()),
        "clobber" => format!("You play {}.\n{}", ["o (White)", "x (Black)"][seat], seen()),
        "goofspiel" => format!("You are Player {seat} (P{seat}).\n{}", seen()),
        _ => seen(),
    }
}

fn leduc(information: &str, seat: usize, betting: Betting) -> String {
    let number = |key: &str| field(information, key)?.parse::<usize>().ok();
    let (own, public) = (number("[Private: "), number("[Public: "));
    let money: Vec<&str> = field(information, "[Money: ").unwrap_or_default().split(' ').collect();

    let mut lines = vec![format!("Your card: {}", own.map_or_else(|| "(not dealt yet)".to_owned(), card))];
    if let Some(public) = public {
        lines.push(format!("Public card: {}", card(public)));
        if own.map(rank) == Some(rank(public)) {
            lines.push("Hand: PAIR".to_owned());
        }
    }
    lines.push(format!("Round: {}/2", field(information, "[Round ").unwrap_or_default()));
    lines.push(format!("Pot: {} chips", field(information, "[Pot: ").unwrap_or_default()));
    if let [first, second] = money[..] {
        let (own, other) = if seat == 0 { (first, second) } else { (second, first) };
        lines.extend([format!("Your chips: {own}"), format!("Opponent chips: {other}")]);
    }
    for (round, key) in [(1, "[Round1: "), (2, "[Round2: ")] {
        let bets = field(information, key).filter(|bets| !bets.is_empty() && betting == Betting::Shown);
        if let Some(bets) = bets {
            let names: Vec<&str> = bets.split(' ').filter_map(bet).collect();
            lines.push(format!("Round {round} actions: {}", names.join(", ")));
        }
    }
    lines.join("\n")
}

/// Text between `key` and the closing bracket.
fn field<'a>(information: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = information.split_once(key)?;
    rest.split_once(']').map(|(value, _)| value)
}

fn rank(card: usize) -> usize {
    card / 2
}

fn card(id: usize) -> String {
    format!("{}{}", RANKS[rank(id)], SUITS[id % 2])
}

fn bet(id: &str) -> Option<&'static str> {
    id.parse().ok().and_then(|id: usize| BETS.get(id)).copied()
}

/// The mover is −4 at the end, where a player may look back.
fn liars(information: &str, mover: i32) -> String {
    let mut words = information.split(' ');
    let dice: Vec<String> = words.next().unwrap_or_default().chars().map(String::from).collect();
    let listed = dice.join(", ");
    let mut lines = vec![
        format!("Your dice: [{listed}] (showing: {listed})"),
        format!("Dice per player: {}", dice.len()),
        format!("Total dice in game: {}", 2 * dice.len()),
        "Players: 2".to_owned(),
        format!("Current player: Player {mover}"),
    ];
    match words.rev().find_map(|bid| bid.split_once('-')) {
        None => lines.push("No bid yet - you must make the first bid".to_owned()),
        Some((quantity, face)) => lines.extend([
            format!(
                "\nCurrent bid: \"{quantity}-{face}\" (at least {quantity} dice showing {face} across all players)"
            ),
            "You can: (1) Make a higher bid, or (2) Call 'Liar'".to_owned(),
        ]),
    }
    lines.join("\n")
}
