//! The benchmark's figures add up.

use rollout::Start;
use rollout::bench::{BareConfig, BenchEnvConfig, BenchPlay, bare_loop, bench_env};
use schema::{Opponent, OpponentKind};

use crate::setup::{LEDUC, server};

#[tokio::test]
async fn requests_are_resets_and_steps_and_nothing_is_left_open() {
    let server = server(None).await;
    let config = BenchEnvConfig {
        urls: vec![server.url().parse().expect("a URL")],
        episodes: 50,
        concurrency: 8,
        in_flight: None,
        first: Start { task_id: LEDUC, seed: 1, opponent: Opponent::plain(OpponentKind::Random) },
        play: BenchPlay::Random,
        shares_process: true,
    };
    let figures = bench_env(&config).await.expect("it plays");
    assert_eq!((figures.episodes, figures.errors, figures.requests), (50, 0, figures.steps + 50));
    assert_eq!((figures.client_cpu_us_per_request, figures.server_cpu_us_per_request), (None, None));
    assert!(figures.steps >= 50 && figures.p99_ms >= figures.p50_ms);
    assert_eq!(server.actor().open_episodes(), 0);
}

#[tokio::test]
async fn the_bare_loop_answers_with_a_rate() {
    let config = BareConfig { requests: 200, concurrency: 4, request_bytes: 60, answer_bytes: 800 };
    assert!(bare_loop(config).await.expect("it runs") > 0.0);
}
