//! Episodes at positions that no deal of a small seed reaches.

use games::{Action, Player};
use schema::env_api::ResetRequest;

use super::{Episode, OpponentChoice};
use crate::catalog::Catalog;

/// gin_rummy with eight cards, knocking at ten.
const GIN: u64 = 300_000_003;

fn episode(seed: u64, opponent: &str) -> Episode {
    let catalog = Catalog::new(&Catalog::DEFAULT).unwrap();
    let variant = catalog.variant(GIN).unwrap();
    let request = ResetRequest {
        opponent: Some(opponent.to_owned()),
        mcts_max_simulations: Some(20),
        mcts_num_rollouts: Some(1),
        ..ResetRequest::default()
    };
    Episode::new(GIN, seed, variant, OpponentChoice::from_request(&request, variant)).unwrap()
}

/// Deals three sets of face cards to seat 0 and the upcard, draws it and stops before the knock.
fn before_the_knock(episode: &mut Episode) {
    let full: [Action; 9] = [10, 23, 36, 11, 24, 37, 12, 25, 38];
    let low = [0, 2, 4, 6, 8, 14, 16, 18];
    for card in full[..8].iter().chain(&low).chain(&full[8..]) {
        assert_eq!(episode.state.current_player(), Player::Chance);
        episode.apply(*card);
    }
    let draw_upcard = 52;
    assert_eq!(episode.state.current_player(), Player::Seat(0));
    episode.play(draw_upcard);
}

#[test]
fn an_agent_without_a_legal_action_ends_the_episode_as_an_error() {
    let mut episode = episode(0, "random");
    before_the_knock(&mut episode);
    let knocked = episode.step("x", "55");
    let error = knocked.info.error.clone().unwrap();
    assert_eq!((error.kind.as_str(), error.retryable), ("no_legal_action", false));
    assert_eq!((knocked.done, knocked.truncated, knocked.reward), (true, true, 0.0));
    assert_eq!(episode.state("x"), knocked);
    assert_eq!(episode.step("x", "10"), knocked);
}

#[test]
fn an_opponent_without_a_legal_action_ends_the_episode_as_an_error() {
    for opponent in ["random", "mcts", "self"] {
        let mut episode = episode(1, opponent);
        before_the_knock(&mut episode);
        episode.play(55);
        let reply = episode.start("x");
        assert_eq!(reply.info.error.unwrap().kind, "no_legal_action", "against {opponent}");
        assert!(reply.done && reply.truncated);
    }
}
