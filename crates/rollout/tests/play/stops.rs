//! Every stop reason, and what the trajectory says then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use futures::FutureExt;
use futures::future::BoxFuture;
use rollout::{
    Completion, Env, EnvError, EnvSource, Player, Policy, PolicyError, RandomPolicy, Request, ScriptedPolicy,
    play_episode,
};
use schema::{Trajectory, TurnFinish};
use tokio_util::sync::CancellationToken;

use crate::setup::{Answer, Script, player, random_player, spec};

async fn play(player: &Player, source: Arc<dyn EnvSource>) -> Trajectory {
    play_episode(player, &source, spec(1, 2), &CancellationToken::new()).await
}

fn check(trajectory: &Trajectory, expected: Expect) {
    let Trajectory { stop_reason, turns, reward, rewards, raw_return, truncated, error, .. } = trajectory;
    let legal: Vec<bool> = turns.iter().map(|turn| turn.legal).collect();
    expected.assert_eq(&format!("{stop_reason:?} legal={legal:?} reward={reward} {rewards:?} raw={raw_return:?} truncated={truncated} error={error:?}"));
}

#[tokio::test]
async fn a_game_that_ends_is_done_and_the_last_turn_has_the_score() {
    let trajectory =
        play(&random_player(), Script::source([Answer::Go, Answer::Refuse, Answer::Go, Answer::End(0.75)]))
            .await;
    check(
        &trajectory,
        expect![[
            r#"Done legal=[false, true, true] reward=0.74 {"env": 0.75, "illegal": -0.01} raw=Some(2.0) truncated=false error="""#
        ]],
    );
    let rewards: Vec<f64> = trajectory.turns.iter().map(|turn| turn.reward).collect();
    assert_eq!(rewards, [-0.01, 0.0, 0.75]);
    assert_eq!(
        (trajectory.env.as_str(), trajectory.sidecar.as_str(), trajectory.player),
        ("toy", "script", Some(0))
    );
}

#[tokio::test]
async fn the_bound_on_turns_ends_an_endless_game() {
    let mut player = random_player();
    player.limits.max_turns = 2;
    check(
        &play(&player, Script::source([])).await,
        expect![[r#"TurnLimit legal=[true, true] reward=0 {} raw=None truncated=true error="""#]],
    );
}

#[tokio::test]
async fn refused_actions_end_it_only_in_a_row() {
    let refusals = [
        Answer::Go,
        Answer::Refuse,
        Answer::Refuse,
        Answer::Go,
        Answer::Refuse,
        Answer::Refuse,
        Answer::Refuse,
    ];
    let trajectory = play(&random_player(), Script::source(refusals)).await;
    check(
        &trajectory,
        expect![[
            r#"InvalidLimit legal=[false, false, true, false, false, false] reward=-0.05 {"illegal": -0.05} raw=None truncated=true error="""#
        ]],
    );
}

#[tokio::test]
async fn a_completion_without_end_and_a_prompt_without_room_are_token_limits() {
    let trajectory = play(&player(Odd::Long), Script::source([])).await;
    check(&trajectory, expect![[r#"TokenLimit legal=[false] reward=0 {} raw=None truncated=true error="""#]]);
    let mut player = random_player();
    player.limits.max_context = Some(20);
    check(
        &play(&player, Script::source([])).await,
        expect![[r#"TokenLimit legal=[] reward=0 {} raw=None truncated=true error="""#]],
    );
}

#[tokio::test]
async fn failures_of_the_environment_keep_the_turns_before() {
    let trajectory = play(&random_player(), Script::source([Answer::Go, Answer::Go, Answer::Fail])).await;
    check(
        &trajectory,
        expect![[
            r#"EnvError legal=[true, true] reward=0 {} raw=None truncated=true error="the environment failed: broken""#
        ]],
    );
    let trajectory = play(&random_player(), Script::source([Answer::Late])).await;
    check(
        &trajectory,
        expect![[
            r#"EnvTimeout legal=[] reward=0 {} raw=None truncated=true error="the environment did not answer in time: late""#
        ]],
    );
    let trajectory = play(&random_player(), Arc::new(NoPlace)).await;
    check(
        &trajectory,
        expect![[
            r#"EnvError legal=[] reward=0 {} raw=None truncated=true error="the environment failed: all dead""#
        ]],
    );
}

#[tokio::test(start_paused = true)]
async fn an_episode_that_takes_too_long_blames_whom_it_waits_for() {
    let mut hurried = random_player();
    hurried.limits.episode_timeout = Some(Duration::from_secs(5));
    check(
        &play(&hurried, Script::source([Answer::Go, Answer::Hang])).await,
        expect![[
            r#"EnvTimeout legal=[true] reward=0 {} raw=None truncated=true error="the episode did not end within 5s""#
        ]],
    );
    hurried.policy = Arc::new(Odd::Silent);
    check(
        &play(&hurried, Script::source([])).await,
        expect![[
            r#"PolicyError legal=[] reward=0 {} raw=None truncated=true error="the episode did not end within 5s""#
        ]],
    );
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_run_is_a_deadline() {
    let mut late = random_player();
    late.limits.deadline = Some(Instant::now() + Duration::from_secs(3));
    late.limits.episode_timeout = Some(Duration::from_secs(60));
    check(
        &play(&late, Script::source([Answer::Go, Answer::Hang])).await,
        expect![[r#"Deadline legal=[true] reward=0 {} raw=None truncated=true error="""#]],
    );
}

#[tokio::test]
async fn a_cancelled_episode_is_accounted_for() {
    let cancel = CancellationToken::new();
    let (player, source) = (player(Odd::Silent), Script::source([]));
    let playing = play_episode(&player, &source, spec(1, 2), &cancel);
    let (trajectory, ()) = futures::join!(playing, async { cancel.cancel() });
    check(&trajectory, expect![[r#"Cancelled legal=[] reward=0 {} raw=None truncated=true error="""#]]);
}

#[tokio::test]
async fn a_policy_that_fails_ends_its_episode() {
    check(
        &play(&player(Odd::Stopped), Script::source([])).await,
        expect![[
            r#"PolicyError legal=[] reward=0 {} raw=None truncated=true error="the policy has stopped: gone""#
        ]],
    );
}

#[tokio::test]
async fn what_is_no_action_is_sent_as_it_is_and_recorded() {
    let codec = Arc::new(rollout::ByteCodec);
    let speaker = player(ScriptedPolicy::says(codec, |_| "I fold 9".to_owned()));
    let trajectory = play(&speaker, Script::source([Answer::Go, Answer::Refuse, Answer::End(0.0)])).await;
    let [first, _] = trajectory.turns.as_slice() else { panic!("two turns") };
    assert_eq!((first.action.as_str(), first.action_id, first.legal), ("I fold 9", Some(9), false));
    assert_eq!(first.legal_ids, [0, 1]);
}

/// Policies that misbehave.
enum Odd {
    Long,
    Silent,
    Stopped,
}

impl Policy for Odd {
    fn name(&self) -> String {
        "odd".to_owned()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Completion, PolicyError>> {
        async move {
            match self {
                Self::Silent => std::future::pending().await,
                Self::Stopped => Err(PolicyError::Stopped("gone".to_owned())),
                Self::Long => {
                    let mut completion = RandomPolicy.generate(request).await?;
                    completion.finish = TurnFinish::Length;
                    completion.token_ids[0] = u32::from(b'?');
                    Ok(completion)
                }
            }
        }
        .boxed()
    }
}

/// A source without places.
struct NoPlace;

impl EnvSource for NoPlace {
    fn acquire(&self) -> BoxFuture<'_, Result<Box<dyn Env>, EnvError>> {
        std::future::ready(Err(EnvError::Failed("all dead".to_owned()))).boxed()
    }
}
