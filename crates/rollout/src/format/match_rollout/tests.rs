use games::rng::FastRng;
use games::{Player, match_play};

use super::*;
use crate::parse_observation;

/// Every state of some random games, as the sidecar shows it and as match play does.
#[test]
fn a_sidecars_state_is_told_as_match_play_tells_it() {
    for game in ["leduc_poker", "liars_dice", "gin_rummy"] {
        let mut rng = FastRng::new(3);
        for seed in 1..30 {
            let match_play::Start { game: rules, mut state, mut chance, .. } =
                match_play::start(game, seed).unwrap();
            loop {
                match_play::play_chance(state.as_mut(), &mut chance);
                let Player::Seat(seat) = state.current_player() else { break };
                let text = sidecar::text::reset_observation(rules.as_ref(), state.as_ref(), seat);
                let view = match_view(&parse_observation(text));
                let legal = match_play::legal(state.as_ref());
                assert_eq!(view.state, match_play::state_text(game, state.as_ref(), seat), "{game} {seed}");
                assert_eq!((view.game.as_str(), view.seat, &view.legal), (game, seat, &legal));
                if legal.is_empty() {
                    break;
                }
                state.apply(legal[rng.below(legal.len())].0);
            }
        }
    }
}
