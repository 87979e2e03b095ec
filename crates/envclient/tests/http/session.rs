//! When a request is sent again, and what a lost step brings.

use std::time::Duration;

use crate::stub::{Fate, Stub};
use envclient::{ClientConfig, Error, Pool, PoolConfig, Session};
use schema::env_api::ResetRequest;

fn config() -> PoolConfig {
    let client = ClientConfig {
        step_timeout: Duration::from_millis(300),
        backoff: Duration::from_millis(1),
        ..ClientConfig::default()
    };
    PoolConfig { client, ..PoolConfig::default() }
}

async fn session(stub: &Stub) -> (Pool, Session) {
    let pool = Pool::connect(std::slice::from_ref(&stub.url), config()).await.expect("it answers");
    let session = pool.acquire().await.expect("a place");
    (pool, session)
}

/// Plays one step with the given fates of `/step` and gives the requests it took.
async fn step_requests(fates: &[Fate]) -> String {
    let stub = Stub::start().await;
    let (pool, mut session) = session(&stub).await;
    session.reset(&ResetRequest::default()).await.expect("started");
    stub.plan("step", fates);
    let result = session.step("1").await.expect("played");
    assert_eq!(result.info.step_count, Some(1), "played exactly once");
    assert_eq!(pool.stats().sidecars[0].errors.total(), fates.len() as u64);
    stub.log()
}

#[tokio::test]
async fn a_step_whose_reply_was_lost_is_not_sent_again_if_the_state_advanced() {
    assert_eq!(step_requests(&[Fate::CloseAfter]).await, "reset step state");
    assert_eq!(step_requests(&[Fate::HangAfter]).await, "reset step state");
}

#[tokio::test]
async fn a_step_that_was_not_played_is_sent_again() {
    assert_eq!(step_requests(&[]).await, "reset step");
    assert_eq!(step_requests(&[Fate::CloseBefore]).await, "reset step state step");
    assert_eq!(step_requests(&[Fate::Fail(500)]).await, "reset step state step");
    assert_eq!(step_requests(&[Fate::Garbage]).await, "reset step state step");
    assert_eq!(step_requests(&[Fate::Fail(503), Fate::CloseAfter]).await, "reset step state step state");
}

#[tokio::test]
async fn the_state_after_a_lost_step_is_asked_as_often_as_needed() {
    let stub = Stub::start().await;
    let (pool, mut session) = session(&stub).await;
    session.reset(&ResetRequest::default()).await.expect("started");
    stub.plan("step", &[Fate::CloseAfter]);
    stub.plan("state", &[Fate::Fail(500), Fate::CloseBefore]);
    session.step("1").await.expect("played");
    assert_eq!(stub.log(), "reset step state state state");
    assert_eq!(pool.stats().sidecars[0].recovered_steps, 1);
}

#[tokio::test]
async fn the_reward_of_a_lost_last_step_is_read_from_the_terminal_text() {
    let stub = Stub::start().await;
    let (_pool, mut session) = session(&stub).await;
    session.reset(&ResetRequest::default()).await.expect("started");
    session.step("1").await.expect("played");
    session.step("1").await.expect("played");
    stub.plan("step", &[Fate::CloseAfter]);
    let last = session.step("1").await.expect("recovered");
    assert_eq!((last.done, last.reward), (true, 15.0 / 26.0));
}

#[tokio::test]
async fn a_sidecar_that_does_not_count_steps_leaves_a_lost_one_uncertain() {
    let stub = Stub::start_with(true).await;
    let (_pool, mut session) = session(&stub).await;
    session.reset(&ResetRequest::default()).await.expect("started");
    stub.plan("step", &[Fate::HangAfter]);
    let error = session.step("1").await.expect_err("uncertain");
    assert!(matches!(error, Error::Uncertain { .. }) && error.is_timeout(), "{error}");
}

#[tokio::test]
async fn a_reset_is_repeated_until_the_retries_are_used_up() {
    let stub = Stub::start().await;
    let (pool, mut session) = session(&stub).await;
    stub.plan("reset", &[Fate::Fail(500), Fate::CloseAfter]);
    session.reset(&ResetRequest::default()).await.expect("the third try");
    stub.plan("reset", &[Fate::Fail(500), Fate::Fail(429), Fate::Fail(503)]);
    let error = session.reset(&ResetRequest::default()).await.expect_err("three failures");
    assert!(matches!(error, Error::Rejected { status: 503, .. }) && error.is_retryable(), "{error}");
    assert_eq!(pool.stats().sidecars[0].retries, 4);
}

#[tokio::test]
async fn a_request_that_is_wrong_is_not_repeated() {
    let stub = Stub::start().await;
    let (_pool, mut session) = session(&stub).await;
    stub.plan("reset", &[Fate::Fail(422)]);
    let error = session.reset(&ResetRequest::default()).await.expect_err("rejected");
    let expected =
        format!("sidecar `http://{}` gave 422 to `reset`: {{\"detail\":\"planned\"}}", stub.url.authority());
    assert_eq!((error.to_string(), error.is_retryable()), (expected, false));
    assert_eq!(stub.log(), "reset");
}

#[tokio::test]
async fn an_episode_that_the_sidecar_lost_is_gone_whichever_way_it_says_so() {
    for fate in [Fate::Forget, Fate::Fail(404)] {
        let stub = Stub::start().await;
        let (_pool, mut session) = session(&stub).await;
        session.reset(&ResetRequest::default()).await.expect("started");
        stub.plan("step", &[fate]);
        let error = session.step("1").await.expect_err("gone");
        assert!(matches!(error, Error::EpisodeGone { .. }), "{error}");
        assert_eq!(session.episode(), None);
    }
}
