use expect_test::{Expect, expect};

use super::ToolCallStyle::{Gemma, Hermes, Llama3, Mistral, Olmo};
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
    assert_eq!(ToolCallStyle::of_template("{% if tools %}<|tool_call>call:"), Some(Gemma));
    assert_eq!(ToolCallStyle::of_template("{% if tools %}<function_calls>"), Some(Olmo));
    assert_eq!(ToolCallStyle::of_template("{% if tools is not none %}\"parameters\""), Some(Llama3));
}

#[test]
fn gemma_quotes_strings_with_a_token_of_its_own() {
    check(
        Gemma,
        "Now.<|tool_call>call:play{card:<|\"|>K{s}, or \"so\"<|\"|>,n:2}<tool_call|><|tool_call>call:b{}",
        expect![[r#""Now." | play {"card":"K{s}, or \"so\"","n":2}; b {}"#]],
    );
    check(
        Gemma,
        "<|tool_call>call:a{ok:true,list:[1,<|\"|>x<|\"|>,{<|\"|>k<|\"|>:null}],word:hi there}<tool_call|>",
        expect![[r#""" | a {"ok":true,"list":[1,"x",{"k":null}],"word":"hi there"}"#]],
    );
    check(Gemma, "<|tool_call>play{n:2}<tool_call|>", expect![[r#""<|tool_call>play{n:2}<tool_call|>" | "#]]);
}

#[test]
fn olmo_writes_python_calls() {
    check(
        Olmo,
        "So.\n<function_calls>\nplay(card='K\\'s', n=2, ok=true)\nb()\n</function_calls>",
        expect![[r#""So." | play {"card":"K's","n":2,"ok":true}; b {}"#]],
    );
    check(
        Olmo,
        "<function_calls>[a(x=[1, None], y={'k': \"a\\nb\"}), c(z=-1.5)]</function_calls>",
        expect![[r#""" | a {"x":[1,null],"y":{"k":"a\nb"}}; c {"z":-1.5}"#]],
    );
    check(
        Olmo,
        "<function_calls>play(n=two)</function_calls>",
        expect![[r#""<function_calls>play(n=two)</function_calls>" | "#]],
    );
    check(
        Olmo,
        "<function_calls>play(n=2</function_calls>",
        expect![[r#""<function_calls>play(n=2</function_calls>" | "#]],
    );
}

#[test]
fn every_style_reads_back_what_it_writes() {
    let call = |name: &str, arguments: Value| {
        let Value::Object(arguments) = arguments else { panic!("not an object: {arguments}") };
        ToolCall { name: name.to_owned(), arguments }
    };
    let note = "bids \"3-4\" on {two} fours;\n[bluffs], it's\ta \\ habit — 30 %";
    let calls = [
        call("working_memory_rewrite", serde_json::json!({"slot": 2, "content": note})),
        call("game_action", serde_json::json!({"action_id": 60})),
        call("submit", serde_json::json!({})),
    ];
    for style in [Hermes, Llama3, Mistral, Gemma, Olmo] {
        let found = style.parse(&style.write("Well.", &calls));
        let content = if style == Llama3 { "" } else { "Well." };
        assert_eq!(found.content, content, "{style:?}");
        // Gemma sorts the keys of an object; equality of maps does not look at their order.
        assert_eq!(found.calls, calls, "{style:?}");
        assert_eq!(style.parse(&style.write("Well.", &[])).content, "Well.");
    }
}

#[test]
fn calls_are_written_in_the_spacing_of_the_family() {
    let arguments = Map::from_iter([("action_id".to_owned(), Value::from(2))]);
    let call = [ToolCall { name: "game_action".to_owned(), arguments }];
    let written = |style: ToolCallStyle| style.write("", &call);
    assert_eq!(
        written(Hermes),
        "<tool_call>\n{\"name\": \"game_action\", \"arguments\": {\"action_id\": 2}}\n</tool_call>"
    );
    assert_eq!(written(Llama3), "{\"name\": \"game_action\", \"parameters\": {\"action_id\": 2}}");
    assert_eq!(
        written(Mistral),
        "[TOOL_CALLS] [{\"name\": \"game_action\", \"arguments\": {\"action_id\": 2}}]"
    );
    assert_eq!(written(Gemma), "<|tool_call>call:game_action{action_id:2}<tool_call|>");
    assert_eq!(written(Olmo), "<function_calls>game_action(action_id=2)</function_calls>");
}

#[test]
fn the_configuration_decides_where_the_template_does_not() {
    let vague = "{% if tools %}{{ tools | tojson }}{% endif %}";
    let style = |model_type| ToolCallStyle::of_model(vague, model_type);
    assert_eq!(style(Some("qwen3")), Some(Hermes));
    assert_eq!(style(Some("ministral3")), Some(Mistral));
    assert_eq!(style(Some("gemma4_text")), Some(Gemma));
    assert_eq!(style(Some("olmo3")), Some(Olmo));
    assert_eq!((style(Some("novel")), style(None)), (Some(Llama3), Some(Llama3)));
    // What the template says counts for more.
    assert_eq!(ToolCallStyle::of_model("{{ tools }}<tool_call>", Some("llama")), Some(Hermes));
    assert_eq!(ToolCallStyle::of_model("{{ messages }}", Some("qwen3")), None);
}
