use rollout::{Compact, GroupSpec, Player, RandomPolicy, RunInfo, Start, StreamConfig, stream};
use schema::{EnvName, Opponent, OpponentKind};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::Source;

/// Sees whole records: the number of turns, and what the environment gave.
const TURNS: &str = "def turns(completions, trajectories, **kwargs):\n    assert len(completions) == len(trajectories)\n    return [len(t['turns']) + 10 * t['reward'] for t in trajectories]";
const BROKEN: &str = "def broken(completions, **kwargs):\n    raise ValueError('no')";

fn functions() -> Vec<WeightedFunction> {
    let weighted =
        |name: &str, source: &str, weight| WeightedFunction { function: Function::new(name, source), weight };
    vec![weighted("turns.py", TURNS, 0.5), weighted("broken.py", BROKEN, 3.0)]
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_add_to_what_the_environment_gave() {
    let rewards = EnvRewards::start(&functions()).expect("python3");
    let format = Arc::new(Compact::new(Arc::new(rollout::ByteCodec)));
    let mut player = Player::new(Arc::new(RandomPolicy), format, RunInfo::new("r", 1));
    let opponent = Opponent::plain(OpponentKind::Random);
    let start = Start { task_id: 200_000_000, seed: 3, opponent };
    let spec = GroupSpec { group: 0, start, size: 6, over_sample: 0 };
    let source = Source::in_process(&[EnvName::LeducPoker]).expect("a game");
    let play = async |player: Player| {
        let cancel = CancellationToken::new();
        let specs = std::iter::once(spec);
        let mut groups = stream(player, source.envs().clone(), specs, StreamConfig::default(), &cancel);
        groups.next().await.expect("a group")
    };
    let plain = play(player.clone()).await;
    player.judge = Some(Arc::new(rewards.clone()));
    let judged = play(player).await;
    for (before, after) in plain.trajectories.iter().zip(&judged.trajectories) {
        let said = before.turns.len() as f64 + 10.0 * before.reward;
        assert!((after.reward - (before.reward + 0.5 * said)).abs() < 1e-9, "{} {}", before.id, after.reward);
        assert_eq!(after.rewards["turns.py"], 0.5 * said);
        assert_eq!(after.rewards["broken.py"], 0.0);
        assert_eq!(after.scores[0].value, said);
        assert!(after.scores[0].by.starts_with("turns.py#"), "{}", after.scores[0].by);
    }
    assert_eq!(rewards.n_faults(), 6);
    let mean = rewards.means(std::slice::from_ref(&judged))[0];
    let expected = judged.trajectories.iter().map(|one| one.scores[0].value).sum::<f64>() / 6.0;
    assert!((mean - expected).abs() < 1e-9);
}

#[test]
fn what_was_not_played_to_an_end_is_not_judged() {
    let rewards = EnvRewards::start(&functions()).expect("python3");
    assert!(rewards.add(Vec::new()).is_empty());
    assert_eq!(rewards.n_faults(), 0);
}
