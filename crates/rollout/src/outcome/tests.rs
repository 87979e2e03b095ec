use super::*;

#[test]
fn the_winner_of_little_gets_more_than_the_loser_of_little() {
    let end = |raw, reward| {
        let step = StepResult {
            observation: crate::Observation::default(),
            reward,
            done: true,
            refused: false,
            raw_return: Some(raw),
        };
        blended(step).reward
    };
    assert!((end(1.0, 0.54) - 0.862).abs() < 1e-12 && (end(-1.0, 0.46) - 0.138).abs() < 1e-12);
    assert!((end(0.0, 0.5) - 0.5).abs() < 1e-12);
}

#[test]
fn a_game_that_goes_on_keeps_its_rewards() {
    let step = StepResult {
        observation: crate::Observation::default(),
        reward: -0.01,
        done: false,
        refused: true,
        raw_return: None,
    };
    assert_eq!(blended(step.clone()), step);
}
