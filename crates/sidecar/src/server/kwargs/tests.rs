use expect_test::{Expect, expect};
use schema::env_api::ResetRequest;
use serde_json::{Value, json};

use super::{Arguments, CallBody, Method, StepKwargs};

#[test]
fn a_body_is_keywords_unless_it_says_args_or_kwargs() {
    let read = |body: &str| {
        let Arguments { args, kwargs } = Arguments::from_body(body.as_bytes());
        json!([args, kwargs])
    };
    assert_eq!(read(""), json!([[], {}]));
    assert_eq!(read("{ not json"), json!([[], {}]));
    assert_eq!(read("[1, 2]"), json!([[], {}]));
    assert_eq!(read(r#"{"action": "2"}"#), json!([[], {"action": "2"}]));
    assert_eq!(read(r#"{"args": [1], "other": 2}"#), json!([[1], {}]));
    assert_eq!(read(r#"{"kwargs": {"seed": 1}, "other": 2}"#), json!([[], {"seed": 1}]));
}

#[test]
fn arguments_that_do_not_fit_are_refused_as_python_refuses_them() {
    let check = |method: Method, body: Value, want: Expect| {
        let arguments = Arguments::from_body(body.to_string().as_bytes());
        let refused = match method {
            Method::Step => arguments.bind::<StepKwargs>(method).map(|_| ()),
            _ => arguments.bind::<ResetRequest>(method).map(|_| ()),
        };
        want.assert_eq(&refused.unwrap_err());
    };
    check(
        Method::Reset,
        json!({ "sims": 25 }),
        expect!["Actor.reset() got an unexpected keyword argument 'sims'"],
    );
    check(
        Method::Step,
        json!({ "episode_id": "x" }),
        expect!["Actor.step() missing 1 required positional argument: 'action'"],
    );
    check(
        Method::Step,
        json!({ "args": ["1", "x", "y"] }),
        expect!["Actor.step() takes 3 positional arguments but 4 were given"],
    );
    check(
        Method::Reset,
        json!({ "args": [200_000_000], "kwargs": { "task_id": 1 } }),
        expect!["Actor.reset() got multiple values for argument 'task_id'"],
    );
    check(
        Method::Reset,
        json!({ "seed": -1 }),
        expect!["Actor.reset() got a wrong value: invalid value: integer `-1`, expected u64"],
    );
}

#[test]
fn positions_and_nulls_are_understood() {
    let body = br#"{"args": [200000001, 7], "kwargs": {"opponent": "random", "mcts_max_simulations": null}}"#;
    let request: ResetRequest = Arguments::from_body(body).bind(Method::Reset).unwrap();
    let opponent = Some("random".to_owned());
    assert_eq!(
        request,
        ResetRequest { task_id: Some(200_000_001), seed: Some(7), opponent, ..Default::default() }
    );
}

#[test]
fn a_call_without_a_method_is_malformed() {
    for (body, want) in [
        (r#"{"args": []}"#, "Field required"),
        (r#"{"method": 3}"#, "Input should be a valid string"),
        (r#"{"method": "reset", "args": {}}"#, "Input should be a valid list"),
        (r#"{"method": "reset", "kwargs": []}"#, "Input should be a valid dictionary"),
        ("3", "Input should be a valid dictionary"),
    ] {
        let problems = CallBody::from_body(body.as_bytes()).unwrap_err();
        assert_eq!(problems[0]["msg"], want, "{body}");
    }
}
