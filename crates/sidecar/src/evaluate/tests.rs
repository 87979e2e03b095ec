use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use games::rng::RandomState;
use schema::env_api::ResetRequest;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::stub::{Answer, Stub};
use super::{ApiKey, EvaluateRequest, Evaluator, Patience, inner_timeout};
use crate::{Actor, ActorConfig, Error};

const LEDUC: u64 = 200_000_000;

fn evaluator(max_games: usize) -> Evaluator {
    let patience = Patience {
        piece: Duration::from_millis(200),
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(2),
        ..Patience::default()
    };
    let actor = Arc::new(Actor::new(&ActorConfig::default()).unwrap());
    Evaluator::new(actor, Arc::new(Semaphore::new(1)), max_games, patience)
}

fn request(stub: &Stub, seed: u64) -> EvaluateRequest {
    let start = ResetRequest {
        task_id: Some(LEDUC),
        seed: Some(seed),
        opponent: Some("random".to_owned()),
        ..ResetRequest::default()
    };
    EvaluateRequest {
        start,
        model: "m".to_owned(),
        base_url: stub.url().to_owned(),
        timeout: 60.0,
        temperature: Some(0.5),
        api_key: Some(ApiKey("secret".to_owned())),
    }
}

async fn evaluate(stub: &Stub, seed: u64) -> Value {
    let evaluation = evaluator(1).evaluate(request(stub, seed)).await.unwrap();
    serde_json::to_value(evaluation).unwrap()
}

fn text(answer: &str) -> Answer {
    Answer::Text(answer.to_owned())
}

fn roles(result: &Value) -> String {
    let messages = result["extra"]["conversation"].as_array().unwrap();
    messages.iter().map(|message| &message["role"].as_str().unwrap()[..1]).collect()
}

#[tokio::test]
async fn a_legal_player_gets_the_score_of_the_game() {
    let stub = Stub::start(|_| text("1")).await;
    let result = evaluate(&stub, 6).await;
    let extra = &result["extra"];
    let value = extra["final_return"].as_f64().unwrap();
    assert_eq!(result["score"].as_f64().unwrap(), (value + 13.0) / 26.0);
    assert_eq!(result["success"], json!(value > 0.0));
    assert!(result.get("error").is_none() && extra.get("mcts_timing").is_none());
    assert_eq!(extra["all_returns"], json!([value, 0.0 - value]), "even seeds play seat 0");
    assert_eq!(extra["usage"]["total_tokens"], 8);
    assert_eq!(extra["llm_player_id"], 0);

    let requests = stub.requests();
    let n_turns = requests.len();
    assert_eq!(roles(&result), format!("s{}", "ua".repeat(n_turns)));
    let (head, body) = &requests[n_turns - 1];
    assert_eq!(head["authorization"], "Bearer secret");
    assert_eq!(body["messages"].as_array().unwrap().len(), 2 * n_turns);
    let mut body = body.clone();
    body.as_object_mut().unwrap().remove("messages");
    expect![[r#"{"max_new_tokens":20,"model":"m","seed":6,"stream":true,"stream_options":{"include_usage":true},"temperature":0.5}"#]]
        .assert_eq(&sorted(&body));
}

/// With keys in order, whatever the map behind a `Value`.
fn sorted(value: &Value) -> String {
    let map: std::collections::BTreeMap<_, _> = value.as_object().unwrap().iter().collect();
    serde_json::to_string(&map).unwrap()
}

#[tokio::test]
async fn prompts_have_the_layout_of_the_original() {
    let stub = Stub::start(|_| text("1")).await;
    let result = evaluate(&stub, 6).await;
    let messages = &result["extra"]["conversation"];
    let system = messages[0]["content"].as_str().unwrap();
    assert!(system.starts_with("You are playing leduc_poker.\n\n# Game Rules\nLEDUC POKER\n"), "{system}");
    assert!(system.contains("\n\n\n# Output Format\n"), "{system}");
    expect![[r#"
        Current State:
        Your card: K♥
        Current round: 1/2
        Pot size: 2 chips
        Your chips: 99
        Opponent chips: 99
        Your turn to act

        You are Player 0.
        Legal Actions:
        1 -> Call
        2 -> Raise

        Your choice (ID only):"#]]
    .assert_eq(messages[1]["content"].as_str().unwrap());
}

#[tokio::test]
async fn the_deal_is_of_the_seed_itself_and_the_opponent_of_its_seat() {
    let stub = Stub::start(|_| text("1")).await;
    let result = evaluate(&stub, 7).await;
    let history = result["extra"]["action_history"].as_array().unwrap();
    let mut chance = RandomState::new(7);
    let first = chance.choice_weighted(&[1.0 / 6.0; 6]);
    assert_eq!((&history[0]["action"], &history[0]["player_id"]), (&json!(first), &json!(-1)));
    // Seat 0 is the opponent's: base 7 + 2 + 0, of which a random player takes another 2.
    let drawn = RandomState::new(7 + 2 + 2).choice(2);
    assert_eq!(
        (&history[2]["player_id"], &history[2]["action"], &history[2]["is_llm"]),
        (&json!(0), &json!(drawn + 1), &json!(false))
    );
    assert!(history.iter().any(|played| played["player_id"] == 1 && played["is_llm"] == true));
}

#[tokio::test]
async fn thoughts_and_one_unreadable_answer_do_no_harm() {
    let stub =
        Stub::start(|turn| text(if turn == 0 { "hm" } else { "<think>2 would be bold</think>\n\nCall." }))
            .await;
    let result = evaluate(&stub, 6).await;
    assert!(result["extra"]["final_return"].is_number());
    assert!(roles(&result).starts_with("suaua"));
    assert_eq!(result["extra"]["conversation"][4]["content"], "Call.");
}

#[tokio::test]
async fn three_unreadable_answers_score_nothing_without_an_error() {
    let stub = Stub::start(|_| text("<think>never ends 1")).await;
    let result = evaluate(&stub, 6).await;
    assert_eq!(
        (&result["score"], &result["success"], result.get("error")),
        (&json!(0.0), &json!(false), None)
    );
    assert_eq!(roles(&result), "suauauau");
    assert_eq!(stub.requests().len(), 3);
    assert!(result["extra"]["final_return"].is_null() && result["extra"]["all_returns"].is_null());
}

#[tokio::test]
async fn failing_and_stuck_endpoints_are_asked_again() {
    let stub = Stub::start(|turn| match turn {
        0 => Answer::Status(500),
        1 => Answer::Stuck,
        2 => Answer::Slow(Duration::from_secs(5), "2".to_owned()),
        _ => text("1"),
    })
    .await;
    let result = evaluate(&stub, 6).await;
    assert!(result.get("error").is_none(), "{result}");
    assert!(result["extra"]["final_return"].is_number());
}

#[tokio::test]
async fn an_endpoint_that_always_fails_is_an_error_after_ten_tries_and_a_refusal_at_once() {
    for (status, n_tries) in [(503, 10), (400, 1)] {
        let stub = Stub::start(move |_| Answer::Status(status)).await;
        let result = evaluate(&stub, 6).await;
        let error = result["error"].as_str().unwrap();
        assert!(error.starts_with("[API_ERROR] ") && error.contains(&status.to_string()), "{error}");
        assert_eq!(stub.requests().len(), n_tries);
        assert_eq!(roles(&result), "su");
    }
    let nowhere =
        EvaluateRequest { base_url: "no url".to_owned(), ..request(&Stub::start(|_| text("1")).await, 6) };
    let evaluation = evaluator(1).evaluate(nowhere).await.unwrap();
    assert!(serde_json::to_value(evaluation).unwrap()["error"].as_str().unwrap().contains("builder error"));
}

#[tokio::test]
async fn a_timeout_keeps_what_was_played() {
    let stub = Stub::start(|_| Answer::Stuck).await;
    let request = EvaluateRequest { timeout: 0.1, ..request(&stub, 6) };
    let result = serde_json::to_value(evaluator(1).evaluate(request).await.unwrap()).unwrap();
    assert!(result["error"].as_str().unwrap().starts_with("Game incomplete: timeout after 0."));
    assert_eq!((roles(&result).as_str(), result["score"].as_f64()), ("su", Some(0.0)));
    assert_eq!(result["extra"]["action_history"].as_array().unwrap().len(), 2, "both cards were dealt");
}

#[tokio::test]
async fn games_beyond_the_cap_wait_within_their_timeout() {
    let stub = Stub::start(|_| Answer::Stuck).await;
    let evaluator = evaluator(1);
    let first = evaluator.evaluate(EvaluateRequest { timeout: 0.4, ..request(&stub, 6) });
    let second = evaluator.evaluate(EvaluateRequest { timeout: 0.1, ..request(&stub, 6) });
    let (_, second) = tokio::join!(first, second);
    let second = serde_json::to_value(second.unwrap()).unwrap();
    assert!(second["error"].as_str().unwrap().contains("timeout"), "{second}");
    assert_eq!(roles(&second), "", "it never began");
}

#[tokio::test]
async fn a_searching_opponent_is_timed_and_an_unknown_game_is_an_error() {
    let stub = Stub::start(|_| text("0 or 1")).await;
    let mut asked = request(&stub, 7);
    asked.start = ResetRequest {
        opponent: None,
        mcts_max_simulations: Some(3000),
        mcts_num_rollouts: Some(1),
        ..asked.start
    };
    let result = serde_json::to_value(evaluator(1).evaluate(asked).await.unwrap()).unwrap();
    assert!(result.get("error").is_none(), "{result}");
    assert_eq!(result["extra"]["opponent_type"], "mcts");
    assert!(result["extra"]["mcts_timing"]["total_mcts_calls"].as_u64().unwrap() > 0);

    let mut asked = request(&stub, 7);
    asked.start.task_id = Some(500_000_000);
    let result = serde_json::to_value(evaluator(1).evaluate(asked).await.unwrap()).unwrap();
    assert_eq!(result["task_name"], "openspiel:unknown");
    assert!(result["error"].as_str().unwrap().contains("500000000"));
}

#[test]
fn a_timeout_leaves_twenty_seconds_or_a_tenth_for_the_reply() {
    assert_eq!(inner_timeout(1800.0).unwrap(), Duration::from_secs(1780));
    assert_eq!(inner_timeout(100.0).unwrap(), Duration::from_secs(90));
    for wrong in [-1.0, f64::NAN, f64::INFINITY, 1e6] {
        assert!(matches!(inner_timeout(wrong), Err(Error::Timeout(_))));
    }
}

#[test]
fn a_key_does_not_show() {
    assert_eq!(format!("{:?}", ApiKey("secret".to_owned())), "ApiKey(..)");
}
