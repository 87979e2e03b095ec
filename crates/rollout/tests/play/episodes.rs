//! Whole episodes of the real games, in-process and over HTTP.

use std::sync::Arc;

use envclient::PoolConfig;
use rollout::{
    Codec, Compact, EnvSource, EpisodeSpec, Player, RandomPolicy, RunInfo, SidecarChat, Start, play_episode,
    play_self,
};
use schema::{EnvName, Opponent, OpponentKind, StopReason, Trajectory};
use tokio_util::sync::CancellationToken;

use crate::setup::{LEDUC, in_process, over_http, random_player, server, spec};

async fn play(player: &Player, source: &Arc<dyn EnvSource>, spec: EpisodeSpec) -> Trajectory {
    play_episode(player, source, spec, &CancellationToken::new()).await
}

/// JSON may cost the last bit.
fn as_decimals(value: f64) -> f64 {
    (value * 1e12).round() / 1e12
}

/// What must not depend on where an episode was played.
fn without_place(mut trajectory: Trajectory) -> Trajectory {
    trajectory.sidecar.clear();
    trajectory.reward = as_decimals(trajectory.reward);
    trajectory.rewards.values_mut().for_each(|part| *part = as_decimals(*part));
    (trajectory.started_ms, trajectory.elapsed_ms) = (0, 0);
    for turn in &mut trajectory.turns {
        (turn.env_ms, turn.generate_ms) = (0.0, 0.0);
        turn.reward = as_decimals(turn.reward);
    }
    trajectory
}

#[tokio::test]
async fn every_game_is_played_to_its_end_and_the_return_fits_the_score() {
    let (actor, source) = in_process();
    for env in [EnvName::LeducPoker, EnvName::LiarsDice, EnvName::KuhnPoker, EnvName::GinRummy] {
        let task_id = env.task_ids().expect("a game").start;
        for seed in 0..6 {
            let trajectory = play(&random_player(), &source, spec(task_id, seed)).await;
            assert_eq!((trajectory.stop_reason, trajectory.env.as_str()), (StopReason::Done, env.as_str()));
            assert_eq!(trajectory.player, Some((seed % 2) as u8));
            let raw = trajectory.raw_return.expect("it ended");
            assert!((trajectory.reward - (0.5 + raw / (2.0 * env.half_range()))).abs() < 1e-9);
            assert!(
                trajectory
                    .turns
                    .iter()
                    .all(|turn| turn.legal && turn.legal_ids.contains(&turn.action_id.expect("an id")))
            );
        }
    }
    assert_eq!(actor.open_episodes(), 0, "all are freed");
}

#[tokio::test]
async fn http_and_in_process_give_the_same_trajectories_and_a_seed_repeats_them() {
    let servers = [server(None).await];
    let (pool, http) = over_http(&servers, PoolConfig::default()).await;
    let (_, local) = in_process();
    for seed in 0..10 {
        let here = play(&random_player(), &local, spec(LEDUC, seed)).await;
        let there = play(&random_player(), &http, spec(LEDUC, seed)).await;
        assert_eq!(there.sidecar, servers[0].url());
        assert_eq!(without_place(here), without_place(there));
    }
    let stats = pool.shutdown().await;
    assert_eq!((stats.sidecars[0].stopped, stats.errors(), servers[0].actor().open_episodes()), (10, 0, 0));
}

#[tokio::test]
async fn the_chat_format_only_ever_appends_tokens() {
    let (_, source) = in_process();
    let format = Arc::new(SidecarChat::new(Arc::new(rollout::ByteCodec)));
    let player = Player::new(Arc::new(RandomPolicy), format, RunInfo::new("test", 11));
    let trajectory = play(&player, &source, spec(300_000_000, 4)).await;
    assert_eq!((trajectory.stop_reason, trajectory.format.as_str()), (StopReason::Done, "sidecar"));
    assert!(trajectory.turns.len() > 5);
    for pair in trajectory.turns.windows(2) {
        let kept = [pair[0].prompt_tokens.as_slice(), &pair[0].completion_tokens].concat();
        assert!(pair[1].prompt_tokens.starts_with(&kept));
    }
}

#[tokio::test]
async fn leduc_poker_takes_at_most_32_tokens_a_turn_with_a_small_tokenizer() {
    let (_, source) = in_process();
    let mut texts = Vec::new();
    for seed in 0..20 {
        texts.extend(
            play(&random_player(), &source, spec(LEDUC, seed))
                .await
                .turns
                .into_iter()
                .map(|turn| turn.prompt),
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    let tokenizer = Arc::new(data::train_bpe(texts.into_iter(), 300, folder.path()).expect("trained"));
    let format = Arc::new(Compact::new(tokenizer.clone()));
    let player = Player::new(Arc::new(RandomPolicy), format, RunInfo::new("test", 11));
    for seed in 0..50 {
        let trajectory = play(&player, &source, spec(LEDUC, seed)).await;
        assert_eq!(trajectory.stop_reason, StopReason::Done);
        for turn in &trajectory.turns {
            let n = turn.prompt_tokens.len() + turn.completion_tokens.len();
            assert!(n <= 32, "{n} tokens: {}", turn.prompt);
            assert_eq!(turn.completion_tokens.last(), Some(&Codec::end_of_turn(tokenizer.as_ref())));
        }
    }
}

#[tokio::test]
async fn self_play_gives_each_seat_its_turns_and_opposite_returns() {
    let (_, source) = in_process();
    let mut n_turns = [0, 0];
    for seed in 0..20 {
        let start = Start { task_id: LEDUC, seed, opponent: Opponent::plain(OpponentKind::SelfPlay) };
        let spec = EpisodeSpec { group: seed, rollout: 5, start };
        let seats = play_self(&random_player(), source.as_ref(), spec, &CancellationToken::new()).await;
        let [first, second] = &seats;
        let ids = [format!("test-g{seed}-10"), format!("test-g{seed}-11")];
        assert_eq!([&first.id, &second.id], ids.each_ref());
        assert_eq!((first.player, second.player), (Some(0), Some(1)));
        let raw = first.raw_return.expect("it ended");
        assert_eq!(second.raw_return, Some(-raw));
        for seat in &seats {
            let raw = seat.raw_return.expect("it ended");
            assert_eq!(seat.stop_reason, StopReason::Done);
            assert!((seat.reward - (0.5 + raw / 26.0)).abs() < 1e-9);
            n_turns[usize::from(seat.player.expect("a seat"))] += seat.turns.len();
        }
        let cards = |trajectory: &Trajectory| {
            trajectory
                .turns
                .iter()
                .map(|turn| turn.prompt.as_bytes()[0])
                .collect::<std::collections::HashSet<_>>()
        };
        assert!(cards(first).len() <= 1 && cards(second).len() <= 1, "a seat sees its own card only");
    }
    assert!(n_turns[0] > 20 && n_turns[1] > 20, "{n_turns:?}");
}
