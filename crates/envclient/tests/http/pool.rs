//! Placement, limits, breakers, the block list, the reaper.

use std::sync::Arc;
use std::time::Duration;

use crate::stub::{Fate, Stub};
use envclient::{BreakerState, ClientConfig, Error, Pool, PoolConfig};
use futures::future::{join, join_all};
use schema::env_api::ResetRequest;
use url::Url;

fn config() -> PoolConfig {
    let client = ClientConfig {
        step_timeout: Duration::from_millis(300),
        backoff: Duration::from_millis(1),
        ..ClientConfig::default()
    };
    let (cool_down, dead_after) = (Duration::from_millis(20), Duration::from_millis(200));
    PoolConfig { client, workers: 2, trip_after: 2, cool_down, dead_after, ..PoolConfig::default() }
}

fn urls(stubs: &[Arc<Stub>]) -> Vec<Url> {
    stubs.iter().map(|stub| stub.url.clone()).collect()
}

/// Two sidecars, both in use.
async fn pair() -> ([Arc<Stub>; 2], Pool) {
    let stubs = [Stub::start().await, Stub::start().await];
    let pool = Pool::connect(&urls(&stubs), config()).await.expect("they answer");
    until(&pool, |pool| pool.stats().n_used() == 2).await;
    (stubs, pool)
}

async fn until(pool: &Pool, condition: impl Fn(&Pool) -> bool) {
    let poll = async {
        while !condition(pool) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), poll).await.expect("in time");
}

#[tokio::test]
async fn episodes_go_where_there_is_most_room_and_wait_when_there_is_none() {
    let (_stubs, pool) = pair().await;
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(pool.acquire().await.expect("a place"));
    }
    let loads = |pool: &Pool| pool.stats().sidecars.iter().map(|one| one.open_episodes).collect::<Vec<_>>();
    assert_eq!((loads(&pool), pool.capacity()), (vec![2, 2], 4));

    let freed = sessions.swap_remove(1);
    let url = freed.url().clone();
    let waiting = pool.acquire();
    let (session, ()) = join(waiting, async { drop(freed) }).await;
    assert_eq!(*session.expect("a place").url(), url);
}

#[tokio::test]
async fn no_more_requests_are_in_flight_than_allowed() {
    let stub = Stub::start().await;
    let pool = Pool::connect(std::slice::from_ref(&stub.url), PoolConfig { workers: 8, ..config() })
        .await
        .expect("it answers");
    stub.plan("reset", &[Fate::Hold; 8]);
    let play = async || pool.acquire().await.expect("a place").reset(&ResetRequest::default()).await;
    let open_the_gate = async {
        stub.until_in_flight(2).await;
        stub.gate.add_permits(8);
    };
    let (answers, ()) = join(join_all((0..8).map(|_| play())), open_the_gate).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(stub.peak_in_flight(), 2);
}

#[tokio::test]
async fn a_sidecar_that_is_slow_to_answer_is_not_dead_and_joins_when_it_does() {
    let stubs = [Stub::start().await, Stub::start().await];
    stubs[1].plan("health", &[Fate::Hold]);
    let pool = Pool::connect(&urls(&stubs), config()).await.expect("one answers");
    assert_eq!(pool.stats().n_used(), 1);
    stubs[1].gate.add_permits(1);
    until(&pool, |pool| pool.stats().n_used() == 2).await;
}

#[tokio::test]
async fn without_any_living_sidecar_connecting_fails_and_says_why() {
    let stub = Stub::start().await;
    stub.kill().await;
    let error = Pool::connect(std::slice::from_ref(&stub.url), config()).await.expect_err("dead");
    let text = error.to_string();
    assert!(text.starts_with("no sidecar could be used for 200ms: "), "{text}");
    assert!(text.contains(stub.url.authority()) && text.contains("Connection refused"), "{text}");
}

#[tokio::test]
async fn a_dead_sidecar_is_left_with_a_reason_and_its_episodes_start_elsewhere() {
    let (stubs, pool) = pair().await;
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(pool.acquire().await.expect("a place"));
    }
    let dead = 0;
    stubs[dead].kill().await;
    let resets = sessions.iter_mut().map(async |session| {
        session.reset(&ResetRequest::default()).await.expect("on the other one");
        assert!(session.url().contains(stubs[1 - dead].url.authority()));
    });
    join_all(resets).await;
    let stats = &pool.stats().sidecars[dead];
    let (BreakerState::Open { reason } | BreakerState::HalfOpen { reason }) = &stats.state else {
        panic!("{:?} is not open", stats.state)
    };
    assert!(reason.contains("Connection refused"), "{reason}");
    assert_eq!((stats.trips, stats.open_episodes, pool.capacity()), (1, 0, 2));
}

#[tokio::test]
async fn an_opened_breaker_closes_when_the_sidecar_answers_again() {
    let stub = Stub::start().await;
    let pool = Pool::connect(std::slice::from_ref(&stub.url), config()).await.expect("it answers");
    stub.plan("reset", &[Fate::Fail(500); 2]);
    stub.plan("health", &[Fate::Fail(503)]);
    let mut session = pool.acquire().await.expect("a place");
    let started = session.reset(&ResetRequest::default()).await;
    started.expect("it waits until the second probe is answered");
    let stats = &pool.stats().sidecars[0];
    assert_eq!((stats.trips, stats.errors.rejected), (1, 2));
}

#[tokio::test]
async fn an_episode_that_is_open_goes_on_and_its_success_closes_the_breaker() {
    let stub = Stub::start().await;
    let pool = Pool::connect(std::slice::from_ref(&stub.url), config()).await.expect("it answers");
    let mut open = pool.acquire().await.expect("a place");
    open.reset(&ResetRequest::default()).await.expect("started");
    stub.plan("reset", &[Fate::Fail(500); 2]);
    stub.plan("health", &[Fate::Hold]);
    let mut late = pool.acquire().await.expect("a place");
    let request = ResetRequest::default();
    let reset = late.reset(&request);
    let go_on = async {
        until(&pool, |pool| pool.stats().n_used() == 0).await;
        open.step("1").await
    };
    let (started, stepped) = join(reset, go_on).await;
    stepped.expect("an open breaker does not concern it");
    started.expect("closed again, without any probe");
}

#[tokio::test]
async fn a_blocked_sidecar_gets_nothing_until_it_is_unblocked() {
    let stubs = [Stub::start().await, Stub::start().await];
    let config = PoolConfig { blocked: vec![stubs[0].url.clone()], ..config() };
    let pool = Pool::connect(&urls(&stubs), config).await.expect("one is left");
    assert!(pool.block(&stubs[1].url, "maintenance"));
    assert!(!pool.block(&Url::parse("http://nowhere").expect("a URL"), "unknown"));
    let error = pool.acquire().await.expect_err("both are blocked");
    let Error::AllDead { reasons, .. } = &error else { panic!("{error}") };
    assert!(
        reasons[0].ends_with("it is on the block list") && reasons[1].ends_with("maintenance"),
        "{reasons:?}"
    );
    assert!(pool.unblock(&stubs[0].url));
    let session = pool.acquire().await.expect("a place");
    assert!(session.url().contains(stubs[0].url.authority()));
}

#[tokio::test]
async fn everything_that_was_opened_is_stopped_by_the_end_of_a_shutdown() {
    let stub = Stub::start().await;
    let pool = Pool::connect(std::slice::from_ref(&stub.url), config()).await.expect("it answers");
    for how in 0..3 {
        let mut session = pool.acquire().await.expect("a place");
        session.reset(&ResetRequest::default()).await.expect("started");
        match how {
            0 => drop(session),
            1 => session.close().await,
            _ => assert!(session.stop().await.expect("stopped")),
        }
    }
    let stats = pool.shutdown().await;
    assert_eq!((stub.open_episodes(), stats.sidecars[0].stopped), (0, 3));
    assert_eq!(pool.acquire().await.expect_err("shut down"), Error::ShutDown);
}

#[tokio::test]
async fn dropping_the_pool_still_frees_what_was_queued() {
    let stub = Stub::start().await;
    let pool = Pool::connect(std::slice::from_ref(&stub.url), config()).await.expect("it answers");
    let mut session = pool.acquire().await.expect("a place");
    session.reset(&ResetRequest::default()).await.expect("started");
    drop((session, pool));
    let freed = async {
        while stub.open_episodes() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), freed).await.expect("in time");
}
