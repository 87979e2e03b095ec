//! Scores, their intervals, and duels whose result is known.

use games::match_play;

use super::{Duel, Score, Side, duel, match_game, play_out, turn_draw};
use crate::bot;

#[test]
fn a_score_counts_draws_as_halves_and_its_interval_holds_the_rate() {
    let score = Score { wins: 50, draws: 20, losses: 30 };
    assert!((score.rate() - 0.6).abs() < 1e-12);
    let (low, high) = score.interval();
    // Wilson's interval for 60 of 100.
    assert!((low - 0.5020).abs() < 1e-4 && (high - 0.6906).abs() < 1e-4, "{low} {high}");
}

#[test]
fn two_who_never_fold_share_the_games() {
    let [raise, random] =
        ["leduc_poker/always-raise", "leduc_poker/random-nofold"].map(|name| bot(name).unwrap());
    let rules = Duel { bar: 0.9, min_games: 2_000, max_games: 2_000, first_seed: 1 };
    let sides = [Side::Player(raise.as_ref()), Side::Player(random.as_ref())];
    let score = duel("leduc_poker", sides, rules).unwrap();
    // The cards decide, and both hold the same ones.
    assert_eq!(score.wins, score.losses, "{score:?}");
}

#[test]
fn a_duel_ends_when_the_bar_is_left_behind() {
    let [raise, random] = ["leduc_poker/always-raise", "random"].map(|name| bot(name).unwrap());
    let sides = [Side::Player(raise.as_ref()), Side::Player(random.as_ref())];
    let score = duel("leduc_poker", sides, Duel::against(0.5)).unwrap();
    assert_eq!(score.games(), 1_000);
    assert!((score.rate() - 0.8038).abs() < 0.04, "{score:?}");
}

#[test]
fn seeds_go_through_all_variants() {
    for (game, n_variants) in [("gin_rummy", 9), ("clobber", 3), ("goofspiel", 4), ("othello", 1)] {
        let spec = |seed| match_game(game, seed).unwrap().spec();
        let mut specs: Vec<String> = (0..n_variants).map(spec).collect();
        specs.sort();
        specs.dedup();
        assert_eq!(specs.len(), n_variants as usize, "{specs:?}");
    }
}

#[test]
fn board_games_begin_with_the_opening_of_their_seed() {
    for seed in 1..20 {
        let begun = match_play::start("othello", seed.into()).unwrap();
        let mut first = None;
        let rules = match_game("othello", seed).unwrap();
        let played = play_out(rules.as_ref(), seed, |state, seat, _| {
            first.get_or_insert_with(|| state.to_string());
            let mut legal = Vec::new();
            state.legal_actions(&mut legal);
            Ok(legal[seat % legal.len()])
        });
        played.unwrap();
        assert_eq!(first, Some(begun.state.to_string()), "seed {seed}");
    }
}

#[test]
fn draws_differ_by_seed_seat_and_turn() {
    let mut draws: Vec<u64> = Vec::new();
    for (seed, seat, turn) in [(1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1), (1, 0, 2)] {
        let draw = turn_draw(seed, seat, turn);
        assert!((0.0..1.0).contains(&draw));
        draws.push(draw.to_bits());
    }
    draws.sort_unstable();
    draws.dedup();
    assert_eq!(draws.len(), 5);
}
