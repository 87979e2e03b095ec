//! Episodes of the shell environment, in-process and over HTTP, asked as the evaluator asks.

use std::sync::Arc;

use envclient::PoolConfig;
use futures::FutureExt;
use futures::future::BoxFuture;
use intercode::{Sandbox, SandboxConfig, Tier, tasks, teacher};
use rollout::{
    ByteCodec, Codec, Completion, Decoding, EnvSource, InProcessSource, IntercodeFormat, Player, Policy,
    PolicyError, PromptPack, Request, RunInfo, ShellCall, ShellRollout, play_episode,
};
use schema::{EnvName, StopReason, Trajectory, TurnFinish};
use sidecar::{Actor, ActorConfig, ServeConfig, ShellConfig, ShellTasks, serve};
use tokio_util::sync::CancellationToken;

use crate::setup::{over_http, spec};

const SET: u64 = 64;

/// Gives one answer after the other, by the number of the turn in the prompt; the last one again and again.
struct Script {
    answers: Vec<Vec<u32>>,
    finish: TurnFinish,
}

impl Policy for Script {
    fn name(&self) -> String {
        "script".to_owned()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Completion, PolicyError>> {
        assert_eq!((request.decoding, request.candidates.len()), (Decoding::Free, 0));
        let n_turns = request.text.matches("\nObservation ").count() - EXAMPLES;
        let token_ids = self.answers[n_turns.min(self.answers.len() - 1)].clone();
        let n = token_ids.len();
        let completion = Completion {
            token_ids,
            logprobs: vec![0.0; n],
            loss_mask: vec![1; n],
            allowed_tokens: Vec::new(),
            finish: self.finish,
            policy_version: 0,
        };
        std::future::ready(Ok(completion)).boxed()
    }
}

/// Observations in the examples of the built-in system prompt.
const EXAMPLES: usize = 3;

fn format() -> Arc<IntercodeFormat> {
    let format = IntercodeFormat::new(Arc::new(ByteCodec), Arc::new(PromptPack::builtin()));
    Arc::new(format.expect("ChatML"))
}

fn player(answers: Vec<Vec<u32>>, finish: TurnFinish) -> Player {
    let policy = Arc::new(Script { answers, finish });
    let format = Arc::new(ShellRollout::new(format()));
    Player { decoding: Decoding::Free, ..Player::new(policy, format, RunInfo::new("test", 11)) }
}

fn config(strongest: Tier) -> ActorConfig {
    let mut sandbox = SandboxConfig::new(std::env::temp_dir());
    sandbox.strongest = strongest;
    let shell = ShellConfig { tasks: ShellTasks::Generated { set: SET }, sandbox, ..ShellConfig::default() };
    ActorConfig { games: vec![EnvName::Intercode], shell, ..ActorConfig::default() }
}

/// False, with a look at whether that is right, where nothing keeps a model's commands in.
fn is_played(actor: &Actor) -> bool {
    let status = actor.shell_status().expect("it is served");
    let unshare = std::process::Command::new("unshare").args(["-Ur", "true"]).status();
    let is_played = !status.starts_with("no episodes");
    assert!(
        is_played || !unshare.is_ok_and(|status| status.success()),
        "unshare works here, and yet: {status}"
    );
    is_played
}

async fn play(player: &Player, source: &Arc<dyn EnvSource>, task_id: u64) -> Trajectory {
    play_episode(player, source, spec(task_id, 0), &CancellationToken::new()).await
}

fn without_place(mut trajectory: Trajectory) -> Trajectory {
    trajectory.sidecar.clear();
    (trajectory.started_ms, trajectory.elapsed_ms) = (0, 0);
    for turn in &mut trajectory.turns {
        (turn.env_ms, turn.generate_ms) = (0.0, 0.0);
    }
    trajectory
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_is_played_to_its_reward_over_http_as_in_this_process() {
    let actor = Arc::new(Actor::new(&config(Tier::Namespaces)).expect("a game"));
    if !is_played(&actor) {
        return;
    }
    let here: Arc<dyn EnvSource> = Arc::new(InProcessSource::new(actor.clone(), 4));
    let servers = [serve(ServeConfig { actor: config(Tier::Namespaces), ..ServeConfig::default() })
        .await
        .expect("a port")];
    let (pool, http) = over_http(&servers, PoolConfig::default()).await;
    let own = Sandbox::new(SandboxConfig::new(std::env::temp_dir())).expect("bash runs");
    let solvable = (1..=200).filter(|&id| teacher::lesson(&own, SET, id).expect("a sandbox").is_some());
    for task_id in solvable.take(5) {
        let task = tasks::task(SET, task_id);
        let say =
            |thought: &str, call: ShellCall| format().answer(thought, &call).expect("it is readable").tokens;
        let mute = ByteCodec.encode("I have no idea.");
        let look = say("First ü.", ShellCall::ExecuteBash { command: "echo ü".to_owned() });
        let solve = say("", ShellCall::ExecuteBash { command: task.gold.clone() });
        let player = player(vec![mute, look, solve, say("", ShellCall::Submit {})], TurnFinish::Stop);
        let (local, remote) = (play(&player, &here, task_id).await, play(&player, &http, task_id).await);
        assert_eq!(
            (local.stop_reason, local.env.as_str()),
            (StopReason::Done, "intercode"),
            "{}",
            local.error
        );
        assert!(local.reward >= 0.99, "task {task_id}: {}", local.reward);
        assert_eq!((local.turns.len(), local.format.as_str()), (4, "intercode"));
        let legal: Vec<bool> = local.turns.iter().map(|turn| turn.legal).collect();
        assert_eq!(legal, [false, true, true, true]);
        assert!(local.turns.iter().all(|turn| turn.action_id.is_none()));
        let last = &local.turns[3].prompt;
        let steps =
            "\nThought 1: I have no idea.\nTool 1: no valid tool call\nObservation 1: Error executing query";
        assert!(last.contains(&task.question) && last.contains(steps), "{last}");
        let shown = "\nThought 2: First ü.\nTool 2: execute_bash(command=\"echo \\u00fc\")\nObservation 2: ü\n\nTool 3: ";
        assert!(last.contains(shown), "{last}");
        assert_eq!(without_place(local), without_place(remote));
    }
    assert_eq!(
        (actor.open_episodes(), pool.shutdown().await.errors(), servers[0].actor().open_episodes()),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn ten_turns_without_a_call_end_with_what_submitting_at_once_is_worth() {
    let actor = Arc::new(Actor::new(&config(Tier::Namespaces)).expect("a game"));
    if !is_played(&actor) {
        return;
    }
    let source: Arc<dyn EnvSource> = Arc::new(InProcessSource::new(actor, 4));
    // Cut off by its length, which the evaluator does not mind either.
    let mute = play(&player(vec![ByteCodec.encode("Hm")], TurnFinish::Length), &source, 3).await;
    assert_eq!((mute.stop_reason, mute.turns.len()), (StopReason::Done, 10), "{}", mute.error);
    let submit = format().answer("", &ShellCall::Submit {}).expect("it is readable").tokens;
    let idle = play(&player(vec![submit], TurnFinish::Stop), &source, 3).await;
    assert_eq!((idle.turns.len(), idle.reward), (1, mute.reward));
}

#[tokio::test]
async fn without_isolation_the_episode_ends_with_the_reason() {
    let server = ServeConfig { actor: config(Tier::TrustedOnly), ..ServeConfig::default() };
    let servers = [serve(server).await.expect("a port")];
    let (_pool, http) = over_http(&servers, PoolConfig::default()).await;
    let refused = play(&player(vec![Vec::new()], TurnFinish::Stop), &http, 1).await;
    assert_eq!(refused.stop_reason, StopReason::EnvError);
    let reason = "starts no episode: no_sandbox: shell sandbox: trusted commands only";
    assert!(refused.error.contains(reason), "{}", refused.error);
}
