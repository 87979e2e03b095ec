use schema::env_api::Info;

use super::*;

fn state(observation: &str, done: bool, step_count: Option<u64>, game: &str) -> EnvResult {
    EnvResult {
        observation: observation.to_owned(),
        reward: 0.0,
        done,
        truncated: false,
        episode_id: Some("e".to_owned()),
        info: Info { step_count, game_name: Some(game.to_owned()), ..Info::default() },
    }
}

#[test]
fn a_step_was_played_if_the_count_grew_or_the_game_is_over() {
    let cases = [
        (Some(2), Some(4), false, Played::Yes),
        (Some(2), Some(3), false, Played::Yes),
        (Some(2), Some(2), false, Played::No),
        (Some(2), None, true, Played::Yes),
        (Some(2), None, false, Played::Unknown),
        (None, Some(2), false, Played::Unknown),
    ];
    for (before, now, done, expected) in cases {
        assert_eq!(was_played(before, &state("", done, now, "x")), expected, "{before:?} {now:?} {done}");
    }
}

#[test]
fn the_reward_of_a_finished_game_is_exact_where_its_range_is_known() {
    let text = "Game Over: leduc_poker\nYou were Player 1.\n\nFinal Returns: [5.0, -5.0]\nYour Return: -5.0\nNormalized Score: 0.308\nResult: LOSS";
    assert_eq!(terminal_return(text), Some(-5.0));
    assert_eq!(with_reward(state(text, true, Some(4), "leduc_poker")).reward, 8.0 / 26.0);
    assert_eq!(with_reward(state(text, true, Some(4), "chess")).reward, 0.308);
    assert_eq!(with_reward(state("Game over.", true, Some(4), "stub")).reward, 0.0);
    assert_eq!(with_reward(state("Your Return: 3.0", false, Some(4), "leduc_poker")).reward, 0.0);
}
