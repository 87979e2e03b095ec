use std::sync::Arc;

use schema::Opponent;

use super::*;
use crate::episode::{Stop, unplayed};
use crate::{ByteCodec, Compact, EpisodeSpec, Player, RandomPolicy, RunInfo, Start};

fn trajectory(rollout: u32) -> Trajectory {
    let format = Arc::new(Compact::new(Arc::new(ByteCodec)));
    let player = Player::new(Arc::new(RandomPolicy), format, RunInfo::new("r", 1));
    let start = Start { task_id: 200_000_000, seed: 3, opponent: Opponent::mcts(25, 1) };
    unplayed(&player, EpisodeSpec { group: 0, rollout, start }, Stop::new(schema::StopReason::Cancelled))
}

#[test]
fn a_file_has_its_name_only_when_it_is_finished() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deep/R.jsonl");
    let mut writer = Writer::create(&path).expect("created");
    let written = [trajectory(0), trajectory(1)];
    written.iter().for_each(|one| writer.append(one).expect("written"));
    assert!(!path.exists());
    writer.finish().expect("finished");
    assert_eq!(read(&path).expect("readable"), written);
    assert_eq!(fs::read_dir(path.parent().expect("a folder")).expect("readable").count(), 1);
}

#[test]
fn a_line_that_is_no_trajectory_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("R.jsonl");
    fs::write(&path, "{\"a\":1}\n").expect("written");
    let error = read(&path).expect_err("no trajectory").to_string();
    assert!(error.contains("R.jsonl` line 1: missing field"), "{error}");
}
