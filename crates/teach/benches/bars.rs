//! Strength and speed of the teachers: `cargo bench -p teach -- [GAME|rows …]`.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::time::{Duration, Instant};

use teach::match_text::Betting;
use teach::{Duel, Mix, Side, Utility, bot, duel, games, leduc_poker, liars_dice, opponents, teacher};

/// Game, opponent, bar; a number is MCTS with so many simulations.
///
/// Two bars against MCTS are out of reach, because it searches the true state. In liars_dice no policy of what a turn shows
/// takes more than 0.836 of it, and the one that does loses to the public recipe (`population::SEARCHER`). In goofspiel it
/// knows what seat 0 has just bid before it bids itself: whoever always bids one more, and its lowest card against the
/// highest, cannot be beaten, so seat 0 scores 0.03 and seat 1 would have to take nearly every game.
const DUELS: [(&str, &str, f64); 15] = [
    ("clobber", "50", 0.90),
    ("clobber", "clobber/greedy", 0.90),
    ("othello", "50", 0.90),
    ("othello", "othello/greedy", 0.90),
    ("goofspiel", "random", 0.80),
    ("goofspiel", "50", 0.50),
    ("goofspiel", "goofspiel/match-prize", 0.60),
    ("goofspiel", "goofspiel/over-prize", 0.60),
    ("leduc_poker", "random", 0.80),
    ("liars_dice", "liars_dice/threshold", 0.58),
    ("liars_dice", "liars_dice/public", 0.60),
    ("liars_dice", "225", 0.85),
    ("gin_rummy", "gin_rummy/simple", 0.60),
    ("gin_rummy", "gin_rummy/public", 0.60),
    ("gin_rummy", "50", 0.90),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|word| word == name);
    if wants("leduc_poker") {
        for utility in [Utility::Outcome, Utility::Returns] {
            let start = Instant::now();
            let solved = leduc_poker::Teacher::solve(utility).expect("leduc is known");
            println!("leduc_poker {utility:?}: solved in {:.2?}", start.elapsed());
            solved.measured().iter().for_each(|one| println!("  {one:?}"));
        }
    }
    if wants("liars_dice") {
        let start = Instant::now();
        let solved = liars_dice::Teacher::solve(liars_dice::Budget::default());
        println!("liars_dice: solved in {:.2?}", start.elapsed());
        solved.measured().iter().for_each(|one| println!("  {one:?}"));
    }
    for game in teach::GAMES.into_iter().filter(|game| wants(game)) {
        let teacher = teacher(game, Utility::Outcome).expect("it is listed");
        for (_, opponent, bar) in DUELS.into_iter().filter(|(of, ..)| *of == game) {
            let other = opponent.parse().ok();
            let scripted = other.is_none().then(|| bot(opponent).expect("it is listed"));
            let other = match &scripted {
                Some(player) => Side::Player(player.as_ref()),
                None => Side::Search(other.expect("one of both")),
            };
            let start = Instant::now();
            let score = duel(game, [Side::Player(teacher.as_ref()), other], Duel::against(bar));
            let score = score.expect("both read the game");
            let (low, high) = score.interval();
            println!(
                "{game} against {opponent}: {:.4} [{low:.4}, {high:.4}], bar {bar}, {score:?}, {:.1?}",
                score.rate(),
                start.elapsed()
            );
        }
        let others = opponents(game).expect("bots are listed");
        let (opponents, betting) = (others.as_slice(), Betting::Shown);
        let mix = Mix { game, teacher: teacher.as_ref(), opponents, explore: 0.1, betting };
        let start = Instant::now();
        let rows = games(&mix, 0..1_800).expect("all read the game").len();
        println!(
            "{game}: {:.0} labelled rows a second on all cores",
            rows as f64 / start.elapsed().as_secs_f64()
        );
    }
    if wants("rows") {
        for game in teach::GAMES {
            let rate = teach::rows_per_second(game, Duration::from_secs(3)).expect("it is listed");
            println!("{game}: {rate:.0} rows a second of random play on all cores");
        }
    }
}
