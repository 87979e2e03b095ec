use std::collections::BTreeMap;

use rollout::{GroupSpec, Start};
use schema::{Opponent, OpponentKind, Sampling, StopReason, TRAJECTORY_SCHEMA, TurnFinish};

use super::*;

fn turn() -> Turn {
    Turn {
        prompt: "k".to_owned(),
        prompt_tokens: vec![3, 4],
        completion: "1".to_owned(),
        completion_tokens: vec![7, 2],
        logprobs: vec![-0.7, 0.0],
        loss_mask: vec![1, 0],
        allowed_tokens: vec![vec![6, 7], vec![2]],
        finish: TurnFinish::Stop,
        policy_version: 0,
        action: "1".to_owned(),
        action_id: Some(1),
        legal_ids: vec![0, 1],
        legal: true,
        reward: 0.0,
        env_ms: 0.0,
        generate_ms: 0.0,
    }
}

fn trajectory(turns: Vec<Turn>, reward: f64, stop_reason: StopReason) -> Trajectory {
    Trajectory {
        schema: TRAJECTORY_SCHEMA.to_owned(),
        id: "t-g0-0".to_owned(),
        run: "t".to_owned(),
        group: 0,
        rollout: 0,
        env: "kuhn_poker".to_owned(),
        sidecar: String::new(),
        task_id: 1,
        seed: 2,
        player: Some(0),
        opponent: Opponent::plain(OpponentKind::Random),
        policy: "engine:pico".to_owned(),
        format: "compact".to_owned(),
        tokenizer: String::new(),
        sampling: Sampling::default(),
        turns,
        reward,
        raw_return: None,
        rewards: BTreeMap::new(),
        stop_reason,
        truncated: false,
        policy_versions: [0, 0],
        started_ms: 0,
        elapsed_ms: 0,
        scores: Vec::new(),
        extra: serde_json::Map::new(),
        error: String::new(),
    }
}

fn group(rewards: &[f64]) -> Group {
    let opponent = Opponent::plain(OpponentKind::Random);
    let spec = GroupSpec {
        group: 0,
        start: Start { task_id: 1, seed: 2, opponent },
        size: rewards.len() as u32,
        over_sample: 0,
    };
    let mut trajectories: Vec<Trajectory> =
        rewards.iter().map(|reward| trajectory(vec![turn()], *reward, StopReason::Done)).collect();
    trajectories.push(trajectory(Vec::new(), 9.0, StopReason::EnvError));
    Group { spec, trajectories }
}

#[test]
fn every_turn_with_a_choice_is_a_row_with_the_trajectorys_advantage() {
    let forced = Turn { loss_mask: vec![0, 0], ..turn() };
    let rows =
        trajectory_rows(&trajectory(vec![turn(), forced, turn()], 1.0, StopReason::Done), 0.5).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].advantage(), rows[0].n_loss_tokens(), rows[0].prompt()), (0.5, 1, &[3, 4][..]));
    assert_eq!(rows[0].old_logprobs(), [-0.7, 0.0]);
}

#[test]
fn a_record_that_contradicts_itself_is_named() {
    let check = |turn: Turn, want: &str| {
        let error = trajectory_rows(&trajectory(vec![turn], 1.0, StopReason::Done), 0.5).unwrap_err();
        assert_eq!(error.to_string(), format!("trajectory `t-g0-0` cannot be trained on: {want}"));
    };
    check(Turn { logprobs: vec![-0.7], ..turn() }, "lists of 2 completion tokens differ in length");
    check(Turn { completion_tokens: vec![8, 2], ..turn() }, "token 8 was not allowed where it was drawn");
    check(Turn { logprobs: vec![f32::NAN, 0.0], ..turn() }, "a log-prob that is not finite");
    check(Turn { prompt_tokens: vec![], ..turn() }, "a turn without prompt tokens");
}

#[test]
fn draws_that_training_cannot_replay_are_refused() {
    let mut trajectory = trajectory(vec![turn()], 1.0, StopReason::Done);
    trajectory.sampling.top_p = 0.9;
    assert!(trajectory_rows(&trajectory, 0.5).unwrap_err().to_string().contains("top_p 0.9"));
}

#[test]
fn episodes_that_were_not_scored_have_no_advantage() {
    let groups = [group(&[1.0, 3.0]), group(&[2.0, 2.0])];
    let advantages = advantages_of(&groups, AdvantageKind::Group, &mut RoleBaselines::default());
    assert_eq!(advantages, [vec![-1.0, 1.0], vec![0.0, 0.0]]);
    assert!(!group_is_zero_signal(&groups[0]) && group_is_zero_signal(&groups[1]));
}
