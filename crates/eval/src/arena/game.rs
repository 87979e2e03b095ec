//! One seed, played twice.

use std::sync::Arc;

use games::{Player, State, match_play};
use rollout::{MatchResult, Reflection};
use schema::{MatchView, Memory};

use super::{Contestant, Question};

/// How one game ended, for the first side of the match.
pub(super) struct Played {
    /// Positive for a win, negative for a loss.
    pub(super) result: f64,
    /// The side that had no legal move to offer.
    pub(super) forfeited: Option<usize>,
    pub(super) turns: u64,
}

/// Both seatings of a seed. Long-term notes are kept from the first to the second, and may be revised between them.
pub(super) async fn play_pair(
    game: &str,
    seed: u64,
    sides: &[Arc<dyn Contestant>; 2],
) -> Result<[Played; 2], games::Error> {
    let mut memories = [Memory::default(), Memory::default()];
    let (first, end) = play_game(game, seed, sides, 0, &mut memories).await?;
    for (side, memory) in memories.iter_mut().enumerate() {
        if first.forfeited != Some(side) {
            let result = if side == 0 { first.result } else { -first.result };
            let after = Reflection {
                game: game.to_owned(),
                seat: side,
                result: result_of(result),
                state: match_play::state_text(game, end.as_ref(), side),
                memory: memory.clone(),
            };
            let edits = sides[side].reflect(&after, key(seed, 0, first.turns)).await;
            sides[side].remember(memory, &edits);
        }
        memory.working = Default::default();
    }
    let (second, _) = play_game(game, seed, sides, 1, &mut memories).await?;
    Ok([first, second])
}

fn result_of(value: f64) -> MatchResult {
    match value {
        value if value > 0.0 => MatchResult::Win,
        value if value < 0.0 => MatchResult::Loss,
        _ => MatchResult::Draw,
    }
}

/// One game, the first side in seat `seat_of_first`, and the state it ended in.
async fn play_game(
    game: &str,
    seed: u64,
    sides: &[Arc<dyn Contestant>; 2],
    seat_of_first: usize,
    memories: &mut [Memory; 2],
) -> Result<(Played, Box<dyn State>), games::Error> {
    let match_play::Start { game: rules, mut state, mut chance, .. } = match_play::start(game, seed)?;
    let mut turns = 0;
    loop {
        let seat = match state.current_player() {
            Player::Terminal => {
                let result = state.returns()[seat_of_first];
                return Ok((Played { result, forfeited: None, turns }, state));
            }
            Player::Chance => {
                match_play::play_chance(state.as_mut(), &mut chance);
                continue;
            }
            Player::Seat(seat) => seat,
        };
        let side = seat ^ seat_of_first;
        let view = view(game, state.as_ref(), seat, &memories[side]);
        if view.legal.is_empty() {
            // A position of gin rummy without a move: the game ends with the returns so far.
            let result = state.returns()[seat_of_first];
            return Ok((Played { result, forfeited: None, turns }, state));
        }
        let key = key(seed, seat_of_first as u64, turns);
        turns += 1;
        let answer =
            sides[side].answer(Question { view: &view, state: state.as_ref(), game: &rules, key }).await;
        match answer {
            Ok(answer) if view.legal.iter().any(|(id, _)| *id == answer.action) => {
                sides[side].remember(&mut memories[side], &answer.edits);
                state.apply(answer.action);
            }
            _ => {
                let result = if side == 0 { -1.0 } else { 1.0 };
                return Ok((Played { result, forfeited: Some(side), turns }, state));
            }
        }
    }
}

/// What the seat to move sees.
fn view(game: &str, state: &dyn State, seat: usize, memory: &Memory) -> MatchView {
    MatchView {
        game: game.to_owned(),
        seat,
        state: match_play::state_text(game, state, seat),
        legal: match_play::legal(state),
        memory: memory.clone(),
    }
}

/// Mixes what a draw depends on (splitmix64's finaliser).
fn key(seed: u64, seating: u64, turn: u64) -> u64 {
    let mut x =
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (seating << 32) ^ turn.wrapping_mul(0xd1b5_4a32_d192_ed03);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
