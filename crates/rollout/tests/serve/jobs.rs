//! Jobs: what is posted, streamed, resumed, refused and freed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use rollout::RandomPolicy;
use rollout::server::JobState;
use serde_json::{Value, json};

use crate::setup::{Broken, Gated, House, line, until};

#[tokio::test]
async fn a_job_gives_every_group_once_in_the_order_of_its_cursor() {
    let house = House::open(Arc::new(RandomPolicy)).await;
    let id = house.start(json!({"groups": 30, "envs": ["leduc_poker", "kuhn_poker"]})).await;
    let lines = house.pull(&id, 0).await;
    let cursors: Vec<u64> = lines.iter().map(|(cursor, _)| *cursor).collect();
    assert_eq!(cursors, (1..=30).collect::<Vec<_>>());
    let numbers: BTreeSet<u64> = lines.iter().map(|(_, group)| group[0].group).collect();
    assert_eq!(numbers, (0..30).collect(), "each group number once");
    for (_, group) in &lines {
        assert_eq!(group.len(), 4);
        assert!(group.iter().all(|one| one.group == group[0].group && one.seed == group[0].seed));
        let name = if group[0].group % 2 == 0 { "leduc_poker" } else { "kuhn_poker" };
        assert_eq!((group[0].env.as_str(), group[0].policy.as_str()), (name, "random"));
    }
    let status = house.end(&id).await;
    assert_eq!((status.state, status.counts.ready, status.counts.episodes), (JobState::Done, 30, 120));
    assert!(status.counts.turns >= 120 && status.counts.tokens >= 2 * status.counts.turns);
    assert_eq!((status.groups, status.acknowledged, status.error.as_str()), (30, 0, ""));
}

#[tokio::test]
async fn the_same_seed_plays_the_same_groups() {
    let house = House::open(Arc::new(RandomPolicy)).await;
    let mut played = Vec::new();
    for _ in 0..2 {
        let id = house.start(json!({"groups": 6, "seed": 9})).await;
        let mut groups: Vec<_> = house.pull(&id, 0).await.into_iter().map(|(_, group)| group).collect();
        groups.sort_by_key(|group| group[0].group);
        let actions = groups.iter().flatten().map(|one| {
            (one.id.clone(), one.seed, one.turns.iter().map(|turn| turn.action_id).collect::<Vec<_>>())
        });
        played.push(actions.collect::<Vec<_>>());
    }
    assert_eq!(played[0], played[1]);
}

#[tokio::test]
async fn a_stream_waits_for_groups_and_goes_on_from_any_cursor() {
    let (policy, gate) = Gated::new(40);
    let house = House::open(policy).await;
    let id = house.start(json!({"groups": 20})).await;
    let mut stream = house.stream(&id, 0).await;
    let first = stream.chunk().await.expect("it goes on").expect("a line");
    let first = line(String::from_utf8_lossy(&first).lines().next().expect("a line"));
    assert_eq!((first.0, house.status(&id).await.state), (1, JobState::Running), "more are being played");
    drop(stream);
    gate.send(u64::MAX).expect("it is waited for");
    let rest = house.pull(&id, 1).await;
    assert_eq!(rest.iter().map(|(cursor, _)| *cursor).collect::<Vec<_>>(), (2..=20).collect::<Vec<_>>());
    assert!(rest.iter().all(|(_, group)| group[0].group != first.1[0].group));
    assert_eq!(house.status(&id).await.acknowledged, 1);
    assert!(house.pull(&id, 20).await.is_empty(), "at the end there is nothing to wait for");
    let (status, answer) = house.get(&format!("/v1/jobs/{id}/groups?after=21")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
}

#[tokio::test]
async fn a_job_pauses_until_its_groups_are_acknowledged() {
    let house = House::with(Arc::new(RandomPolicy), |config| config.max_unacknowledged = 1).await;
    let id = house.start(json!({"groups": 12})).await;
    let (mut after, mut pulls) = (0, 0);
    while after < 12 {
        let lines = house.pull(&id, after).await;
        let expected = (after + 1..).take(lines.len());
        assert!(lines.iter().map(|(cursor, _)| *cursor).eq(expected), "without loss or repeat");
        assert!(lines.len() <= 1, "one group is as much as may lie there");
        after += lines.len() as u64;
        pulls += 1;
        assert!(house.status(&id).await.counts.ready <= after + 1);
    }
    assert!(pulls >= 12);
    assert_eq!(house.end(&id).await.state, JobState::Done);
}

#[tokio::test]
async fn a_deleted_job_is_stopped_and_freed() {
    let (policy, _gate) = Gated::new(30);
    let house = House::open(policy).await;
    let id = house.start(json!({"groups": 1000})).await;
    until(async || (house.status(&id).await.counts.ready > 0).then_some(())).await;
    let folder = house.spool.path().read_dir().expect("listed").next().expect("one").expect("read").path();
    assert!(folder.join(&id).is_dir());
    let (status, answer) = house.delete(&format!("/v1/jobs/{id}")).await;
    assert_eq!((status, answer["id"].as_str()), (StatusCode::OK, Some(id.as_str())));
    until(async || (!folder.join(&id).exists()).then_some(())).await;
    for path in [format!("/v1/jobs/{id}"), format!("/v1/jobs/{id}/groups?after=0")] {
        let (status, answer) = house.get(&path).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(answer["error"]["hint"].as_str().is_some_and(|hint| hint.contains("post the job again")));
    }
    house.server.shutdown().await;
    assert!(!folder.exists(), "the server takes its spool with it");
}

#[tokio::test]
async fn a_policy_that_fails_fails_the_job_with_its_reason() {
    let house = House::open(Arc::new(Broken)).await;
    let id = house.start(json!({"groups": 1000})).await;
    assert!(house.pull(&id, 0).await.is_empty());
    let status = house.end(&id).await;
    assert_eq!((status.state, status.counts.ready, status.counts.dropped), (JobState::Failed, 0, 17));
    assert!(status.error.contains("PolicyError") && status.error.contains("no weights"), "{}", status.error);
}

#[tokio::test]
async fn a_deadline_ends_a_job_that_waits() {
    let (policy, _gate) = Gated::new(0);
    let house = House::open(policy).await;
    let id = house.start(json!({"limits": {"deadline_s": 0.05}})).await;
    assert!(house.pull(&id, 0).await.is_empty(), "the stream ends with the job");
    let status = house.end(&id).await;
    assert_eq!(status.state, JobState::Failed);
    assert_eq!(status.error, "the job's deadline of 0.05 s has passed");
}

#[tokio::test]
async fn what_cannot_be_played_is_refused_with_a_hint() {
    let house = House::with(Arc::new(RandomPolicy), |config| config.max_body = 600).await;
    let job = json!({"envs": ["leduc_poker"], "groups": 1, "group_size": 1, "seed": 0});
    let changes = [
        (json!({"envs": ["chess"]}), "no game `chess`"),
        (json!({"envs": ["gin_rummy"]}), "no game `gin_rummy`"),
        (json!({"envs": []}), "`envs` is empty"),
        (json!({"groups": 0}), "`groups` is 0"),
        (json!({"group_size": 5000}), "`group_size` is 5000"),
        (json!({"format": "prose"}), "no prompt format `prose`"),
        (json!({"decoding": "greedy"}), "no decoding `greedy`"),
        (json!({"sampling": {"temperature": -1.0}}), "`sampling.temperature` is -1"),
        (json!({"sampling": {"heat": 1.0}}), "unknown field `heat`"),
        (json!({"limits": {"deadline_s": 0.0}}), "`limits.deadline_s` is 0"),
        (json!({"seed": "x"}), "the job cannot be read"),
        (json!({"envs": ["x".repeat(600)]}), "the body is larger than 600 bytes"),
    ];
    for (change, expected) in changes {
        let mut body = job.clone();
        body.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        let (status, answer) = house.post(&body).await;
        assert!(status.is_client_error(), "{status} {answer}");
        let said = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(said.contains(expected), "{said}");
        assert!(answer["error"]["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{answer}");
    }
    let (status, answer) = house.post(&json!({"envs": ["leduc_poker"], "groups": 1, "group_size": 1})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "a seed has no default: {answer}");
    for path in ["/v1/jobs/x/groups?before=1", "/v1/jobs/x/groups?after=x"] {
        assert_eq!(house.get(path).await.0, StatusCode::BAD_REQUEST);
    }
    assert_eq!(house.get("/v2").await.0, StatusCode::NOT_FOUND);
    assert_eq!(house.delete("/v1/jobs").await.0, StatusCode::METHOD_NOT_ALLOWED);
    let (status, health) = house.get("/healthz").await;
    assert_eq!((status, &health["jobs"], &health["policy"]), (StatusCode::OK, &json!(0), &json!("random")));
}

#[tokio::test]
async fn only_so_many_jobs_are_played_and_kept() {
    let (policy, gate) = Gated::new(0);
    let house = House::with(policy, |config| {
        (config.max_running, config.max_jobs, config.idle_timeout) = (1, 2, Duration::ZERO);
    })
    .await;
    let first = house.start(json!({"groups": 1})).await;
    let job = json!({"envs": ["leduc_poker"], "groups": 1, "group_size": 1, "seed": 0});
    let refused = async |expected: &str| {
        let (status, answer) = house.post(&job).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
        let said = answer["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert!(said.contains(expected), "{said}");
    };
    refused("1 jobs are being played already").await;
    gate.send(u64::MAX).expect("it is waited for");
    house.end(&first).await;
    let second = house.start(json!({"groups": 1})).await;
    house.end(&second).await;
    let third = house.start(json!({"groups": 1})).await;
    house.end(&third).await;
    assert_eq!(
        house.get(&format!("/v1/jobs/{first}")).await.0,
        StatusCode::NOT_FOUND,
        "forgotten for the third"
    );
    let ids = BTreeSet::from([first, second, third]);
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_shutdown_ends_streams_between_two_lines() {
    let (policy, _gate) = Gated::new(40);
    let house = House::open(policy).await;
    let id = house.start(json!({"groups": 1000})).await;
    until(async || (house.status(&id).await.counts.ready > 0).then_some(())).await;
    let stream = house.stream(&id, 0).await;
    let House { server, .. } = house;
    let (text, ()) = tokio::join!(stream.text(), server.shutdown());
    let text = text.expect("the stream ends in order");
    assert!(text.ends_with('\n') && text.lines().all(|text| serde_json::from_str::<Value>(text).is_ok()));
}
