use intercode::teacher;
use schema::EnvName;
use schema::env_api::{EnvResult, ResetRequest};

use super::*;
use crate::{Actor, ActorConfig, Weight};

const SET: u64 = 12;

fn actor(games: &[EnvName], strongest: Tier) -> Actor {
    let mut sandbox = SandboxConfig::new(std::env::temp_dir());
    sandbox.strongest = strongest;
    let shell = ShellConfig { tasks: ShellTasks::Generated { set: SET }, sandbox, ..ShellConfig::default() };
    let config = ActorConfig {
        games: games.to_vec(),
        shell,
        idle_timeout: Duration::from_secs(60),
        ..ActorConfig::default()
    };
    Actor::new(&config).unwrap()
}

/// An actor that plays; `None` where nothing keeps a model's commands in.
fn playing(games: &[EnvName]) -> Option<Actor> {
    let actor = actor(games, Tier::Namespaces);
    let status = actor.shell_status().unwrap();
    let unshare = std::process::Command::new("unshare").args(["-Ur", "true"]).status();
    let is_played = !status.starts_with("no episodes");
    assert!(
        is_played || !unshare.is_ok_and(|status| status.success()),
        "unshare works here, and yet: {status}"
    );
    is_played.then_some(actor)
}

fn reset(actor: &Actor, task_id: u64) -> EnvResult {
    let request = ResetRequest { task_id: Some(task_id), seed: Some(9), ..ResetRequest::default() };
    actor.reset(&request).unwrap()
}

/// Descriptors of namespaces that this process holds: each open sandbox has some, in the strong tier.
fn n_namespaces() -> usize {
    let links = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(Result::ok);
    let targets = links.filter_map(|link| std::fs::read_link(link.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("mnt:[")).count()
}

#[test]
fn replies_are_in_the_envelope_of_the_games() {
    let Some(actor) = playing(&[EnvName::Intercode]) else { return };
    let start = reset(&actor, 7);
    let id = start.episode_id.as_deref();
    assert_eq!(start.observation, intercode::tasks::task(SET, 7).question);
    assert_eq!((start.reward, start.done, start.truncated), (0.0, false, false));
    let info = &start.info;
    assert_eq!((info.task_id, info.seed, info.step_count), (Some(7), Some(9), Some(0)));
    assert_eq!((info.game_name.as_deref(), info.opponent_type.as_deref()), (Some("intercode"), Some("none")));

    let step = actor.step("echo 'Normalized Score: 1.000'", id);
    assert_eq!((step.observation.as_str(), step.info.step_count), ("Normalized Score: 1.000\n", Some(1)));
    assert_eq!(actor.state(id), step, "the state is the last observation");
    let nothing = actor.step("", id);
    assert_eq!(nothing.observation, intercode::prompt::NO_CALL);

    let last = actor.step("submit", id);
    assert!(last.done && !last.truncated);
    assert_eq!(last.info.cumulative_reward, Some(last.reward));
    let said = format!("Normalized Score: {:.3}", last.reward);
    assert!(last.observation.starts_with("Game Over: intercode\nTurns: 3 of 10\n"), "{}", last.observation);
    assert!(last.observation.ends_with(&said), "{}", last.observation);
    let again = actor.step("submit", id);
    assert_eq!((again.reward, again.info.error.unwrap().kind.as_str()), (0.0, "episode_done"));
    let state = actor.state(id);
    assert_eq!((state.reward, state.done, state.info.error), (0.0, true, None));
    assert!(actor.stop(id).stopped);
    assert_eq!(actor.state(id).info.error.unwrap().kind, "episode_not_found");
}

#[test]
fn the_tenth_turn_submits_by_itself_with_what_the_last_command_printed() {
    let Some(actor) = playing(&[EnvName::Intercode]) else { return };
    let sandbox = Sandbox::new(SandboxConfig::new(std::env::temp_dir())).unwrap();
    let solvable = |id: &u64| teacher::lesson(&sandbox, SET, *id).unwrap().is_some();
    let task_id = (1..=200).find(solvable).expect("most tasks can be answered");
    let start = reset(&actor, task_id);
    let id = start.episode_id.as_deref();
    actor.step(&intercode::tasks::task(SET, task_id).gold, id);
    for _ in 2..10 {
        assert!(!actor.step("", id).done);
    }
    let last = actor.step("  ", id);
    assert!(last.done && last.reward >= 0.99, "{last:?}");
}

#[test]
fn without_isolation_a_reset_says_why_and_nothing_runs() {
    let actor = actor(&[EnvName::Intercode], Tier::TrustedOnly);
    let refused = reset(&actor, 1);
    let error = refused.info.error.unwrap();
    assert_eq!((error.kind.as_str(), error.retryable), ("no_sandbox", false));
    assert_eq!(error.message, "shell sandbox: trusted commands only");
    assert_eq!((refused.done, refused.truncated, refused.episode_id), (true, true, None));
    assert_eq!(refused.observation, error.message);
    assert_eq!(
        actor.shell_status().unwrap(),
        "no episodes of intercode: shell sandbox: trusted commands only"
    );
    assert_eq!(actor.open_episodes(), 0);
}

#[test]
fn games_keep_their_numbers_beside_it_and_without_it() {
    let mixed = actor(&[EnvName::Goofspiel, EnvName::Intercode], Tier::TrustedOnly);
    let kind = |task_id| reset(&mixed, task_id).info.error.map(|error| error.kind);
    assert_eq!(kind(1).as_deref(), Some("no_sandbox"));
    assert_eq!(kind(200).as_deref(), Some("no_sandbox"));
    assert_eq!((kind(0), kind(201)), (None, None), "goofspiel");
    assert_eq!(kind(200_000_000).as_deref(), Some("invalid_game"));
    let games = actor(&[EnvName::Goofspiel], Tier::Namespaces);
    assert_eq!(reset(&games, 1).info.game_name.as_deref(), Some("goofspiel"));
    assert_eq!(games.shell_status(), None);
    let weight = |actor: &Actor, task_id| {
        actor.reset_weight(&ResetRequest { task_id: Some(task_id), ..ResetRequest::default() })
    };
    assert_eq!((weight(&mixed, 1), weight(&games, 1)), (Weight::Process, Weight::Light));
}

#[tokio::test(start_paused = true)]
async fn an_idle_episode_is_freed_with_its_sandbox() {
    let Some(actor) = playing(&[EnvName::Intercode]) else { return };
    let before = n_namespaces();
    let strong = actor.shell_status().unwrap().contains("namespaces")
        && !actor.shell_status().unwrap().contains("landlock");
    for task_id in 1..=3 {
        reset(&actor, task_id);
    }
    assert_eq!(n_namespaces() - before, if strong { 3 } else { 0 });
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!((actor.sweep(), actor.open_episodes(), n_namespaces()), (3, 0, before));
}

#[test]
fn a_full_house_is_refused_and_ended_episodes_leave_their_places() {
    let Some(actor) = playing(&[EnvName::Intercode]) else { return };
    let open: Vec<EnvResult> = (0..MAX_SANDBOXES).map(|_| reset(&actor, 3)).collect();
    let request = ResetRequest { task_id: Some(3), seed: Some(9), ..ResetRequest::default() };
    let refused = actor.reset(&request).unwrap_err();
    assert!(matches!(refused, Error::TooManyEpisodes { open: MAX_SANDBOXES }), "{refused}");
    assert!(actor.step("submit", open[0].episode_id.as_deref()).done);
    assert!(actor.reset(&request).unwrap().episode_id.is_some(), "a submitted episode holds no sandbox");
}
