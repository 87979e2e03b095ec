use std::time::Duration;

use super::*;
use crate::sandbox::{SandboxConfig, Tier};
use crate::tasks::FileSystem;
use crate::tree::{Modified, Node, Tree};

/// The strong tier where there is one: these tests write their own commands.
fn sandbox() -> Sandbox {
    let mut config = SandboxConfig::new(std::env::temp_dir());
    config.command_limit = Duration::from_secs(5);
    Sandbox::new(config).unwrap()
}

fn task(gold: &str) -> Arc<Task> {
    let mut tree = Tree::default();
    tree.insert("/testbed", Node::directory(Modified::SecondsAgo(60)));
    tree.insert("/testbed/a.txt", Node::file("alpha\nbeta\n", 0o644, Modified::SecondsAgo(60)));
    Arc::new(Task {
        id: 0,
        template: "by_hand",
        file_system: FileSystem::Testbed,
        question: "?".to_owned(),
        gold: gold.to_owned(),
        attempts: Vec::new(),
        tree: Arc::new(tree),
    })
}

/// The reward for `actions` and a submission.
fn play(gold: &str, actions: &[&str]) -> Reward {
    let (sandbox, task) = (sandbox(), task(gold));
    let gold = Arc::new(Gold::run(&sandbox, &task).unwrap());
    let config = EpisodeConfig { author: Author::Ours, ..EpisodeConfig::EVALUATOR };
    let mut episode = Episode::reset(&sandbox, task, gold, config).unwrap();
    for action in actions {
        assert_eq!(episode.step(Action::from_text(action)).unwrap().reward, None);
    }
    episode.step(Action::Submit).unwrap().reward.unwrap()
}

fn close(reward: Reward, total: f64) {
    assert!((reward.total - total).abs() < 1e-9, "{reward:?}, not {total}");
}

#[test]
fn rewards_are_those_of_the_specification() {
    close(play("wc -l < /testbed/a.txt", &["wc -l < /testbed/a.txt"]), 1.0);
    // The right output, and a file that should not be there: 0.01 + 0.05 + 0.33 + 0.33.
    close(play("cat /testbed/a.txt", &["touch /testbed/b", "cat /testbed/a.txt"]), 0.72);
    // Nothing done where the gold command deletes a file and prints nothing.
    close(play("rm /testbed/a.txt", &[]), 0.72);
    // The same file with another content: 0.01 + 0.33 + 0 + 0.33.
    close(play("echo x > /testbed/a.txt", &["echo y > /testbed/a.txt"]), 0.67);
    // Permissions of a file are not looked at.
    close(play("true", &["chmod 600 /testbed/a.txt"]), 1.0);
    // Both outputs of the gold command count, of the agent's only one: 2 of 3 tokens in common.
    let both = play("echo alpha beta; echo gamma >&2", &["echo alpha beta; echo gamma >&2"]);
    close(both, 0.01 + 0.33 + 0.33 + 0.23);
}

#[test]
fn the_last_turn_submits_by_itself_and_an_invalid_call_costs_a_turn() {
    let (sandbox, task) = (sandbox(), task("echo done"));
    let gold = Arc::new(Gold::run(&sandbox, &task).unwrap());
    let config = EpisodeConfig { author: Author::Ours, ..EpisodeConfig::EVALUATOR };
    let mut episode = Episode::reset(&sandbox, task, gold, config).unwrap();
    let first = episode.step(Action::Execute("echo done".to_owned())).unwrap();
    assert_eq!((first.observation.as_str(), first.reward), ("done\n", None));
    for _ in 1..MAX_TURNS - 1 {
        let step = episode.step(Action::Nothing).unwrap();
        assert_eq!((step.observation.as_str(), step.reward), (NO_CALL, None));
    }
    let last = episode.step(Action::Nothing).unwrap();
    assert!((last.reward.unwrap().total - 1.0).abs() < 1e-9, "the last command's output is the answer");
    assert!(matches!(episode.step(Action::Submit), Err(Error::Over)));
    assert_eq!(episode.history().len(), MAX_TURNS);
}

#[test]
fn a_models_episode_needs_the_strong_tier() {
    let config = SandboxConfig { strongest: Tier::TrustedOnly, ..SandboxConfig::new(std::env::temp_dir()) };
    let (sandbox, task) = (Sandbox::new(config).unwrap(), task("true"));
    let gold = Arc::new(Gold::run(&sandbox, &task).unwrap());
    let mut episode = Episode::reset(&sandbox, task, gold, EpisodeConfig::EVALUATOR).unwrap();
    let refused = episode.step(Action::Execute("ls".to_owned()));
    assert!(matches!(refused, Err(Error::NoSandbox { .. })), "{refused:?}");
    let submitted = episode.step(Action::Submit).unwrap();
    assert!(submitted.reward.is_some(), "submitting runs nothing");
}

#[test]
fn blanks_are_no_command_and_a_command_that_begins_with_submit_submits() {
    let (sandbox, task) = (sandbox(), task("echo done"));
    let gold = Arc::new(Gold::run(&sandbox, &task).unwrap());
    let config = EpisodeConfig { author: Author::Ours, ..EpisodeConfig::EVALUATOR };
    let mut episode = Episode::reset(&sandbox, task, gold, config).unwrap();
    let mut step = |text: &str| episode.step(Action::from_text(text)).unwrap();
    assert_eq!(step("echo done").observation, "done\n");
    assert_eq!(step(" \n").observation, NO_COMMAND);
    assert_eq!(step("").observation, NO_CALL);
    let last = episode.step(Action::Execute("submit the answer".to_owned())).unwrap();
    assert!((last.reward.unwrap().total - 1.0).abs() < 1e-9, "blanks leave the answer as it is");
}

#[test]
fn a_gold_command_that_does_not_end_has_no_output() {
    let mut config = SandboxConfig::new(std::env::temp_dir());
    config.command_limit = Duration::from_millis(300);
    let sandbox = Sandbox::new(config).unwrap();
    let gold = Gold::run(&sandbox, &task("echo begun; sleep 100")).unwrap();
    assert_eq!((gold.outcome().output.as_str(), gold.exit_code()), ("", None));
}
