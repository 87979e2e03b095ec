use std::time::Duration;

use expect_test::expect;
use schema::EnvName;
use schema::env_api::{EnvResult, ResetRequest};

use super::{Actor, ActorConfig, Weight};
use crate::Error;

const LEDUC: u64 = 200_000_000;

fn actor() -> Actor {
    Actor::new(&ActorConfig::default()).unwrap()
}

fn request(task_id: u64, seed: u64, opponent: &str) -> ResetRequest {
    ResetRequest {
        task_id: Some(task_id),
        seed: Some(seed),
        opponent: Some(opponent.to_owned()),
        ..Default::default()
    }
}

fn id(reply: &EnvResult) -> Option<&str> {
    reply.episode_id.as_deref()
}

/// Plays call, or the lowest bid, until the end.
fn finish(actor: &Actor, reset: EnvResult) -> EnvResult {
    let mut last = reset;
    while !last.done {
        let legal = crate::text::legal_ids(&last.observation);
        let action = if legal.contains(&1) { 1 } else { legal[0] };
        last = actor.step(&action.to_string(), id(&last));
    }
    last
}

#[test]
fn calls_without_an_episode_say_so() {
    let actor = actor();
    let check = |reply: EnvResult, kind: &str, message: &str, id: Option<&str>| {
        let error = reply.info.error.unwrap();
        assert_eq!((error.kind.as_str(), error.message.as_str(), error.retryable), (kind, message, true));
        assert_eq!((reply.done, reply.truncated, reply.reward), (true, true, 0.0));
        assert_eq!(reply.episode_id.as_deref(), id);
    };
    check(actor.step("1", None), "no_episode_id", "episode_id is required for step().", None);
    check(actor.step("1", Some("")), "no_episode_id", "episode_id is required for step().", None);
    check(actor.state(None), "no_episode_id", "episode_id is required.", None);
    check(actor.step("1", Some("x")), "episode_not_found", "Episode x not found.", Some("x"));
    check(actor.state(Some("x")), "episode_not_found", "Episode x not found.", Some("x"));
    assert_eq!(actor.stop(None).message.as_deref(), Some("No episode_id provided"));
    assert_eq!(actor.stop(Some("x")).message.as_deref(), Some("Episode x not found"));
}

#[test]
fn a_finished_episode_answers_without_its_score_until_it_is_stopped() {
    let actor = actor();
    let last = finish(&actor, actor.reset(&request(LEDUC, 3, "random")).unwrap());
    let again = actor.step("1", id(&last));
    assert_eq!((again.reward, again.done, again.truncated), (0.0, true, false));
    assert_eq!(again.info.error.unwrap().kind, "episode_done");
    assert_eq!(again.observation, last.observation);
    let state = actor.state(id(&last));
    assert_eq!((state.reward, state.done, state.info.error), (0.0, true, None));
    assert!(actor.stop(id(&last)).stopped);
    assert!(!actor.stop(id(&last)).stopped);
    assert_eq!(actor.open_episodes(), 0);
}

#[test]
fn the_seat_is_the_parity_of_the_seed() {
    let actor = actor();
    for seed in 0..6 {
        let reply = actor.reset(&request(LEDUC + seed, seed, "random")).unwrap();
        assert_eq!(reply.info.llm_player_id, Some((seed % 2) as u8));
        assert!(reply.observation.contains(&format!("You are Player {}.", seed % 2)));
        assert_eq!(reply.info.step_count, Some(seed % 2), "the opponent has moved first in seat 1 only");
        assert_eq!(reply.info.last_opponent_action.is_some(), seed % 2 == 1);
    }
}

#[test]
fn the_task_id_selects_game_and_variant() {
    let games = EnvName::ALL.into_iter().filter(|name| name.task_ids().is_some()).collect();
    let actor = Actor::new(&ActorConfig { games, ..ActorConfig::default() }).unwrap();
    let observe = |task_id| actor.reset(&request(task_id, 0, "random")).unwrap().observation;
    for (task_id, want) in [
        (100_000_007, "Game: liars_dice"),
        (2_400_000_000, "Game: leduc_poker"),
        (300_000_000, "Knock card: 10"),
        (300_000_001, "Knock card: 9"),
        (300_000_005, "Knock card: 8"),
        (100_000_000_000, "Game: kuhn_poker"),
        (400_000_123, "Game: othello"),
        (700_000_001, "6xoxoxo\n"),
        (2_900_000_002, "7oxoxoxo\n"),
        (4, "Remaining Point Cards: "),
        (4, "P1 hand: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 \n"),
    ] {
        assert!(observe(task_id).contains(want), "{task_id}: {}", observe(task_id));
    }
    // 7, 8 and 9 cards each leave 52 − 2n − 1 in the stock.
    for (config, stock) in [(2, 37), (3, 35), (6, 33), (9, 37)] {
        assert!(observe(300_000_000 + config).contains(&format!("Stock size: {stock} ")), "{config}");
    }
}

#[test]
fn a_task_id_of_a_game_that_is_not_served_is_an_invalid_game() {
    let actor = actor();
    for task_id in [500_000_000, 2_100_000_000, 100_000_000_000] {
        let reply = actor.reset(&request(task_id, 0, "random")).unwrap();
        let error = reply.info.error.unwrap();
        assert_eq!(error.kind, "invalid_game");
        assert!(error.message.contains(&task_id.to_string()), "{}", error.message);
        assert_eq!((reply.done, reply.truncated, reply.episode_id), (true, true, None));
    }
}

#[test]
fn seeds_that_numpy_would_refuse_are_errors() {
    let actor = actor();
    let largest = u64::from(u32::MAX) - 100;
    assert!(actor.reset(&request(LEDUC, largest, "random")).is_ok());
    assert!(matches!(actor.reset(&request(LEDUC, largest + 1, "random")), Err(Error::SeedRange(_))));
}

#[test]
fn absent_fields_are_drawn_and_unknown_opponents_move_at_random() {
    let actor = actor();
    for _ in 0..20 {
        let search =
            ResetRequest { mcts_max_simulations: Some(2), mcts_num_rollouts: Some(1), ..Default::default() };
        let reply = actor.reset(&search).unwrap();
        assert_eq!(reply.info.opponent_type.as_deref(), Some("mcts"));
        assert_eq!(reply.info.error, None);
    }
    let observe = |opponent| actor.reset(&request(LEDUC, 11, opponent)).unwrap().observation;
    assert_eq!(observe("no such player"), observe("random"));
}

#[test]
fn both_search_fields_must_be_there_for_either_to_count() {
    let actor = actor();
    let weight = |simulations, rollouts| {
        let (mcts_max_simulations, mcts_num_rollouts) = (simulations, rollouts);
        actor.reset_weight(&ResetRequest {
            mcts_max_simulations,
            mcts_num_rollouts,
            ..request(LEDUC, 1, "mcts")
        })
    };
    assert_eq!(weight(Some(25), Some(1)), Weight::Light);
    for (simulations, rollouts) in
        [(None, None), (Some(25), None), (None, Some(1)), (Some(25), Some(0)), (Some(0), Some(1))]
    {
        assert_eq!(weight(simulations, rollouts), Weight::Heavy, "{simulations:?} {rollouts:?}");
    }
}

#[test]
fn in_self_play_the_agent_sees_the_seat_to_move() {
    let actor = actor();
    let reset = actor.reset(&request(LEDUC, 1, "self")).unwrap();
    assert_eq!((reset.info.llm_player_id, reset.info.step_count), (Some(0), Some(0)));
    let second = actor.step("1", id(&reset));
    assert_eq!((second.info.llm_player_id, second.info.step_count), (Some(1), Some(1)));
    assert!(second.observation.contains("You are Player 1."), "{}", second.observation);
    assert_eq!(second.info.last_opponent_action, None);
    let last = finish(&actor, second);
    assert_eq!(last.info.llm_player_id, Some(1));
    assert!(last.observation.contains("You were Player 1.") && last.observation.contains("Final Returns: ["));
    assert_eq!(last.info.cumulative_reward, Some(last.reward));
}

#[test]
fn the_cfr_opponent_plays_small_games_only() {
    let actor = actor();
    let reply = finish(&actor, actor.reset(&request(LEDUC, 5, "cfr")).unwrap());
    assert_eq!(reply.info.opponent_type.as_deref(), Some("cfr"));
    let error = actor.reset(&request(100_000_000, 5, "cfr")).unwrap_err();
    assert_eq!(error.to_string(), "opponent `cfr` cannot play liars_dice");
}

#[test]
fn kuhn_is_shown_like_leduc() {
    let actor =
        Actor::new(&ActorConfig { games: vec![EnvName::KuhnPoker], ..ActorConfig::default() }).unwrap();
    let reply = actor.reset(&request(100_000_000_000, 1, "random")).unwrap();
    let body = reply.observation.split_once("# Current Game State\n").unwrap().1;
    expect![[r#"
        Game: kuhn_poker
        You are Player 1.

        Current State:
        Your card: K
        Pot size: 2 chips
        Betting: Pass
        Your turn to act

        Legal Actions:
          0 -> Pass
          1 -> Bet

        Your choice (action ID only):"#]]
    .assert_eq(body);
}

#[test]
fn at_the_cap_a_reset_is_refused_with_the_number_of_open_episodes() {
    let actor = Actor::new(&ActorConfig { max_episodes: 2, ..ActorConfig::default() }).unwrap();
    let first = actor.reset(&request(LEDUC, 0, "random")).unwrap();
    actor.reset(&request(LEDUC, 1, "random")).unwrap();
    let error = actor.reset(&request(LEDUC, 2, "random")).unwrap_err();
    assert!(error.to_string().starts_with("2 episodes are open"), "{error}");
    actor.stop(id(&first));
    assert!(actor.reset(&request(LEDUC, 2, "random")).is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_episode_that_nobody_touches_is_freed() {
    let idle_timeout = Duration::from_secs(100);
    let actor = Actor::new(&ActorConfig { idle_timeout, max_episodes: 2, ..ActorConfig::default() }).unwrap();
    let touched = actor.reset(&request(LEDUC, 0, "random")).unwrap();
    let idle = actor.reset(&request(LEDUC, 1, "random")).unwrap();
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(actor.state(id(&touched)).info.error.is_none());
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(actor.sweep(), 1);
    assert_eq!(actor.state(id(&idle)).info.error.unwrap().kind, "episode_not_found");
    assert!(actor.state(id(&touched)).info.error.is_none());
    // At the cap a reset frees idle episodes by itself.
    actor.reset(&request(LEDUC, 2, "random")).unwrap();
    tokio::time::advance(Duration::from_secs(101)).await;
    assert!(actor.reset(&request(LEDUC, 3, "random")).is_ok());
    assert_eq!(actor.open_episodes(), 1);
}

const GOOFSPIEL: u64 = 0;

#[test]
fn board_games_are_played_to_their_end() {
    let actor = actor();
    for (task_id, name, first_line) in [
        (400_000_000, "othello", "Current State:\nBlack (x) to play:\n"),
        (700_000_000, "clobber", "Current State:\n5oxoxo\n"),
        (700_000_002, "clobber", "Current State:\n7oxoxoxo\n"),
    ] {
        let reset = actor.reset(&request(task_id, 4, "random")).unwrap();
        assert_eq!(reset.info.game_name.as_deref(), Some(name));
        assert!(reset.observation.contains(first_line), "{}", reset.observation);
        let last = finish(&actor, reset);
        assert!([0.0, 0.5, 1.0].contains(&last.reward) && last.done && !last.truncated);
    }
}

#[test]
fn a_step_of_goofspiel_is_a_round_for_both_seats() {
    let actor = actor();
    for seed in 0..6 {
        let reset = actor.reset(&request(GOOFSPIEL, seed, "mcts")).unwrap();
        assert_eq!(
            (reset.info.step_count, reset.info.last_opponent_action),
            (Some(0), None),
            "nobody has bid"
        );
        assert!(reset.observation.ends_with("Waiting for Player -2 to move..."), "{}", reset.observation);
        let mut last = reset;
        for round in 1..=7 {
            let before = last.observation.clone();
            let refused = actor.step("16", id(&last));
            assert_eq!(refused.info.error.unwrap().kind, "invalid_action");
            assert!(refused.observation.contains(&format!("-> [P{}]Bid: ", seed % 2)));
            assert!(before.ends_with(&actor.state(id(&last)).observation), "a refusal changes nothing");
            let bid = crate::text::legal_ids(&last.observation)[0];
            last = actor.step(&bid.to_string(), id(&last));
            assert_eq!(last.info.step_count, Some(round));
            assert!(last.info.last_opponent_action.is_some());
        }
        assert!(last.done, "the eighth round plays itself");
    }
}

#[test]
fn a_refused_bid_draws_nothing_for_the_opponent() {
    let actor = actor();
    for seed in [6, 7] {
        let play = |refused: usize| {
            let mut last = actor.reset(&request(GOOFSPIEL, seed, "random")).unwrap();
            let mut bids = Vec::new();
            while !last.done {
                for _ in 0..refused {
                    actor.step("none", id(&last));
                }
                let bid = crate::text::legal_ids(&last.observation)[0];
                last = actor.step(&bid.to_string(), id(&last));
                bids.push(last.info.last_opponent_action);
            }
            bids
        };
        assert_eq!(play(0), play(2));
    }
}

#[test]
fn goofspiel_says_points_and_winners_in_words() {
    let actor = actor();
    let reset = actor.reset(&request(GOOFSPIEL, 1, "random")).unwrap();
    expect![[r#"
        Game: goofspiel
        You are Player 1.

        Current State:
        Current point card: 5
        Remaining Point Cards: 1234678
        P0 hand: 1 2 3 4 5 6 7 8 
        P1 hand: 1 2 3 4 5 6 7 8 
        Win sequence: 
        (Win sequence: 1=player 0 won, 0=player 1 won, negative=tie)
        Player 0: 0 points, Player 1: 0 points 


        Waiting for Player -2 to move..."#]]
    .assert_eq(reset.observation.split_once("# Current Game State\n").unwrap().1);
    let next = actor.step("3", id(&reset));
    expect![[r#"
        Game: goofspiel
        You are Player 1.

        Current State:
        Current point card: 4
        Remaining Point Cards: 123678
        P0 hand: 1 2 4 5 6 7 8 
        P1 hand: 1 2 3 5 6 7 8 
        Win sequence: 1
        (Win sequence: 1=player 0 won, 0=player 1 won, negative=tie) 
        Player 0: 0 points, Player 1: 5 points 


        Waiting for Player -2 to move..."#]]
    .assert_eq(&next.observation);
}
