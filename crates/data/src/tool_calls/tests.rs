use expect_test::{Expect, expect};

use super::ToolCallStyle::{Hermes, Llama3, Mistral};
use super::*;

/// `content | name arguments; …`
fn check(style: ToolCallStyle, text: &str, expected: Expect) {
    let ToolText { content, calls } = style.parse(text);
    let calls: Vec<String> =
        calls.iter().map(|call| format!("{} {}", call.name, Value::Object(call.arguments.clone()))).collect();
    expected.assert_eq(&format!("{content:?} | {}", calls.join("; ")));
}

#[test]
fn hermes_calls_stand_between_tags_after_the_content() {
    check(
        Hermes,
        "<tool_call>\n{\"name\": \"play\", \"arguments\": {\"card\": \"Ks\", \"n\": 2}}\n</tool_call>",
        expect![[r#""" | play {"card":"Ks","n":2}"#]],
    );
    check(
        Hermes,
        "I will look.\n<tool_call>{\"name\":\"a\"}</tool_call>\n<tool_call>{\"name\":\"b\",\"arguments\":\"{\\\"x\\\":1}\"}",
        expect![[r#""I will look." | a {}; b {"x":1}"#]],
    );
    check(Hermes, "no call at all ", expect![[r#""no call at all " | "#]]);
}

#[test]
fn what_is_no_call_is_content() {
    check(
        Hermes,
        "x <tool_call>{\"name\": }</tool_call>",
        expect![[r#""x <tool_call>{\"name\": }</tool_call>" | "#]],
    );
    check(
        Hermes,
        "<tool_call>{\"arguments\": {}}</tool_call>",
        expect![[r#""<tool_call>{\"arguments\": {}}</tool_call>" | "#]],
    );
    check(Llama3, "{\"answer\": 4}", expect![[r#""{\"answer\": 4}" | "#]]);
    check(Llama3, "{\"name\": \"a\"} and so on", expect![[r#""{\"name\": \"a\"} and so on" | "#]]);
    check(Llama3, "", expect![[r#""" | "#]]);
    check(Mistral, "[TOOL_CALLS][{\"name\": 3}]", expect![[r#""[TOOL_CALLS][{\"name\": 3}]" | "#]]);
    check(Mistral, "[TOOL_CALLS]", expect![[r#""[TOOL_CALLS]" | "#]]);
}

#[test]
fn llama_writes_the_bare_object() {
    check(
        Llama3,
        "{\"name\": \"play\", \"parameters\": {\"card\": \"Ks\"}}",
        expect![[r#""" | play {"card":"Ks"}"#]],
    );
    check(
        Llama3,
        "<|python_tag|>{\"name\": \"a\", \"parameters\": {}}; {\"name\": \"b\", \"arguments\": {\"x\": []}}",
        expect![[r#""" | a {}; b {"x":[]}"#]],
    );
}

#[test]
fn mistral_writes_a_list_or_names_before_arguments() {
    check(
        Mistral,
        "Well.[TOOL_CALLS] [{\"name\": \"a\", \"arguments\": {\"x\": 1}, \"id\": \"abcdefghi\"}, {\"name\": \"b\"}]",
        expect![[r#""Well." | a {"x":1}; b {}"#]],
    );
    check(Mistral, "[TOOL_CALLS]a{\"x\": 1}[TOOL_CALLS]b[ARGS]{}", expect![[r#""" | a {"x":1}; b {}"#]]);
}

#[test]
fn content_is_let_through_as_far_as_it_is_certain() {
    let certain = |style: ToolCallStyle, text: &'static str| &text[..style.content_length(text)];
    assert_eq!(certain(Hermes, "so <tool"), "so ");
    assert_eq!(certain(Hermes, "so <tool_call>{}"), "so ");
    assert_eq!(certain(Hermes, "a < b"), "a < b");
    assert_eq!(certain(Mistral, "so ["), "so ");
    assert_eq!(certain(Llama3, "  "), "");
    assert_eq!(certain(Llama3, " {\"na"), "");
    assert_eq!(certain(Llama3, "<|pyth"), "");
    assert_eq!(certain(Llama3, "words {"), "words {");
}

#[test]
fn an_end_is_held_back_while_it_may_become_a_word() {
    assert_eq!(held_back("abc", ["cde", "bcx"]), 2);
    assert_eq!(held_back("abc", ["abc"]), 0, "the whole word is not a beginning");
    assert_eq!(held_back("a\u{e9}", ["\u{e9}x"]), 2);
    assert_eq!(held_back("", ["x"]), 0);
}

#[test]
fn the_template_says_which_style_it_teaches() {
    assert_eq!(ToolCallStyle::of_template("{% for m in messages %}"), None);
    assert_eq!(ToolCallStyle::of_template("{% if tools %}<tool_call>"), Some(Hermes));
    assert_eq!(ToolCallStyle::of_template("{% if tools %}[TOOL_CALLS]"), Some(Mistral));
    assert_eq!(ToolCallStyle::of_template("{% if tools is not none %}\"parameters\""), Some(Llama3));
}
