use expect_test::{Expect, expect};

use super::*;

fn check(message: Value, expected: Expect) {
    let shown = match normalized(vec![message]) {
        Ok(messages) => messages[0].to_string(),
        Err(refusal) => refusal.to_json()["error"]["message"].to_string(),
    };
    expected.assert_eq(&shown);
}

#[test]
fn messages_reach_the_template_in_its_form() {
    check(
        json!({"role": "developer", "content": "be brief"}),
        expect![[r#"{"role":"system","content":"be brief"}"#]],
    );
    check(
        json!({"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
        expect![[r#"{"role":"user","content":"ab"}"#]],
    );
    let call = json!({"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"b\": 1, \"a\": 2}"}});
    check(
        json!({"role": "assistant", "content": null, "tool_calls": [call]}),
        expect![[
            r#"{"role":"assistant","content":"","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":{"b":1,"a":2}}}]}"#
        ]],
    );
    check(
        json!({"role": "assistant", "tool_calls": null}),
        expect![[r#"{"role":"assistant","content":""}"#]],
    );
}

#[test]
fn what_no_template_could_render_is_refused() {
    check(json!("hello"), expect![[r#""a message is an object""#]]);
    check(
        json!({"role": "narrator", "content": ""}),
        expect![[r#""role Some(\"narrator\") is none of system, user, assistant, tool""#]],
    );
    check(
        json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}),
        expect![[r#""parts of a content other than text""#]],
    );
    check(
        json!({"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}),
        expect![[
            r#""the arguments of a tool call are no JSON: EOF while parsing an object at line 1 column 1""#
        ]],
    );
}
