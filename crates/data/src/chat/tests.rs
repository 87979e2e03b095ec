//! Templates against the strings that transformers renders (`tests/data/chats.json`).

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use schema::{Message, Role};
use serde_json::{Value, json};

use super::ChatTemplate;
use super::date::DateTime;

const CHATS: &str = include_str!("../../tests/data/chats.json");

fn tokens() -> BTreeMap<String, String> {
    let pairs = [("eos_token", "<|im_end|>"), ("pad_token", "<|endoftext|>")];
    pairs.map(|(name, token)| (name.to_owned(), token.to_owned())).into()
}

fn user(text: &str) -> [Message; 1] {
    [Message::new(Role::User, text)]
}

#[test]
fn every_template_renders_as_transformers_renders_it() {
    let chats: Value = serde_json::from_str(CHATS).unwrap();
    let cases = chats["cases"].as_array().unwrap();
    assert!(cases.len() >= 30, "{} cases", cases.len());
    for case in cases {
        let name = case["template"].as_str().unwrap();
        let template = ChatTemplate::compile(chats["templates"][name].as_str().unwrap()).unwrap();
        let messages: Vec<Message> = serde_json::from_value(case["messages"].clone()).unwrap();
        let prompt = case["add_generation_prompt"].as_bool().unwrap();
        let text = template.render(&messages, &[], prompt, &tokens()).unwrap();
        assert_eq!(text, case["text"].as_str().unwrap(), "template {name}, {} messages", messages.len());
    }
}

#[test]
fn a_template_that_refuses_its_input_is_quoted() {
    let template = ChatTemplate::compile("{{ raise_exception('roles must alternate') }}").unwrap();
    let error = template.render(&user("hi"), &[], false, &tokens()).unwrap_err();
    expect!["the chat template failed: roles must alternate (line 1 of the template)"]
        .assert_eq(&error.to_string());
}

#[test]
fn tools_and_calls_reach_the_template_as_they_are() {
    let source = "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}|{{ m.role }}:{{ m.content }}\
                  {% for call in m.tool_calls %}{{ call.function.name }}({{ call.function.arguments | tojson }})\
                  {% endfor %}{% endfor %}{{ tools is none }}";
    let template = ChatTemplate::compile(source).unwrap();
    let tool = json!({"type": "function", "function": {"name": "look", "parameters": {"z": 1, "a": 2}}});
    let call = json!({"id": "1", "function": {"name": "look", "arguments": {"z": 3, "a": 4}}});
    let messages = [
        json!({"role": "user", "content": "hi"}),
        json!({"role": "assistant", "content": "", "tool_calls": [call]}),
        json!({"role": "tool", "content": "a bird", "tool_call_id": "1"}),
    ];
    let text = template.render(&messages, &[tool], false, &tokens()).unwrap();
    expect![[r#"[{"type": "function", "function": {"name": "look", "parameters": {"z": 1, "a": 2}}}]|user:hi|assistant:look({"z": 3, "a": 4})|tool:a birdFalse"#]]
        .assert_eq(&text);
    assert!(template.render(&messages, &[], false, &tokens()).unwrap().ends_with("True"));
}

#[test]
fn a_template_that_is_no_jinja_is_refused_at_load() {
    let reason = ChatTemplate::compile("{% for m in messages %}").unwrap_err();
    assert!(reason.contains("line 1"), "{reason}");
}

#[test]
fn the_time_is_what_the_caller_sets() {
    let mut template = ChatTemplate::compile("{{ strftime_now('%Y-%m-%d %H:%M:%S') }}").unwrap();
    template.set_now(951_782_399);
    assert_eq!(template.render(&user("hi"), &[], false, &tokens()).unwrap(), "2000-02-28 23:59:59");
}

fn check_date(unix_seconds: i64, expected: Expect) {
    expected.assert_eq(&DateTime::from_unix(unix_seconds).strftime("%a %A %d %b %B %m %y %Y %H:%M:%S %% %j"));
}

#[test]
fn dates_are_those_of_the_civil_calendar() {
    check_date(0, expect!["Thu Thursday 01 Jan January 01 70 1970 00:00:00 % %j"]);
    check_date(951_782_400, expect!["Tue Tuesday 29 Feb February 02 00 2000 00:00:00 % %j"]);
    check_date(-1, expect!["Wed Wednesday 31 Dec December 12 69 1969 23:59:59 % %j"]);
    check_date(4_107_542_399, expect!["Sun Sunday 28 Feb February 02 00 2100 23:59:59 % %j"]);
}
