use data::ToolCallStyle::{Gemma, Hermes, Llama3, Mistral, Olmo};
use expect_test::{Expect, expect};

use super::super::match_answer::tool_call;
use super::super::test_support::{FAMILIES, GENERIC, codec, tokenizer};
use super::*;
use crate::ByteCodec;

fn calls() -> Vec<ToolCall> {
    let note = json!("calls \"Liar\" early;\n{2} of 3 [bids] — don't bluff \\ fold");
    vec![
        tool_call("working_memory_append", [("slot", json!(3)), ("content", note)]),
        tool_call("game_action", [("action_id", json!(60))]),
    ]
}

#[test]
fn each_family_is_told_by_its_template() {
    let styles = FAMILIES.map(|family| {
        let chat = ToolChat::new(codec(family)).unwrap();
        assert!(chat.has_native_tools(), "{}", family.0);
        chat.style()
    });
    assert_eq!(styles, [Hermes, Hermes, Llama3, Mistral, Gemma, Olmo, Hermes]);
    let generic = ToolChat::new(codec(GENERIC)).unwrap();
    assert_eq!((generic.style(), generic.has_native_tools()), (Hermes, false));
    assert!(!ToolChat::new(Arc::new(ByteCodec)).unwrap().has_native_tools());
}

#[test]
fn every_family_reads_back_what_it_is_made_to_say() {
    for family in FAMILIES.into_iter().chain([GENERIC]) {
        let chat = ToolChat::new(codec(family)).unwrap();
        let calls = calls();
        let calls = if chat.style() == Llama3 { &calls[1..] } else { &calls[..] };
        let answer = chat.answer("I am sure.", calls).unwrap();
        let read = chat.read_tokens(&answer.tokens);
        assert_eq!(read.calls, calls, "{}", family.0);
        let content = if chat.style() == Llama3 { "" } else { "I am sure." };
        assert_eq!(read.content, content, "{}", family.0);
        assert_eq!(answer.tokens.last(), Some(&chat.codec().end_of_turn()), "{}", family.0);
    }
}

#[test]
fn prompt_and_answer_are_the_tokens_of_the_whole_chat() {
    // The others' templates write an answer otherwise than their parser reads it, or not after the open prompt.
    let written = ["qwen", "hermes", "llama3", "mistral"];
    for family in FAMILIES.into_iter().filter(|(name, ..)| written.contains(name)) {
        let tokenizer = tokenizer(family);
        let chat = ToolChat::new(Arc::clone(&tokenizer) as Arc<dyn Codec>).unwrap();
        let request = ChatRequest {
            system: "You are playing othello.\n\nNotes:\n  [1] (empty)".to_owned(),
            user: "Current state:\n- - x\n\nLegal actions:\n19 -> d3\n60 -> pass".to_owned(),
            ..probe()
        };
        let call = &calls()[1..];
        let prompt = chat.prompt(&request).unwrap();
        let answer = chat.answer("", call).unwrap();
        let mut messages = chat.messages(&request);
        messages.push(
            json!({"role": "assistant", "content": "", "tool_calls": [message(FIRST_CALL_ID, &call[0])]}),
        );
        let whole = tokenizer.encode(&tokenizer.render_tool_chat(&messages, &request.tools, false).unwrap());
        let both = [prompt.tokens, answer.tokens].concat();
        assert_eq!(whole[..both.len()], both, "{}", family.0);
        // What is left is a line feed at most: nothing that a model would have to say.
        assert!(tokenizer.decode_verbatim(&whole[both.len()..]).trim().is_empty(), "{}", family.0);
    }
}

fn check_answer(name: &str, expected: Expect) {
    let family = FAMILIES.into_iter().chain([GENERIC]).find(|family| family.0 == name).unwrap();
    let chat = ToolChat::new(codec(family)).unwrap();
    expected.assert_eq(&chat.answer("", &calls()[1..]).unwrap().text);
}

#[test]
fn answers_are_written_as_the_template_does_where_the_parser_reads_that() {
    check_answer(
        "hermes",
        expect![[r#"
        <tool_call>
        {"arguments": {"action_id": 60}, "name": "game_action"}
        </tool_call><|im_end|>"#]],
    );
    check_answer(
        "mistral",
        expect![[
            r#"[TOOL_CALLS] [{"name": "game_action", "arguments": {"action_id": 60}, "id": "100000000"}]<|im_end|>"#
        ]],
    );
    check_answer(
        "llama3",
        expect![[r#"{"name": "game_action", "parameters": {"action_id": 60}}<|im_end|>"#]],
    );
    check_answer("gemma", expect![[r#"<|tool_call>call:game_action{action_id:60}<tool_call|><|im_end|>"#]]);
    check_answer("olmo", expect!["<function_calls>game_action(action_id=60)</function_calls><|im_end|>"]);
    // The prompt has begun a thought, and the family's parser knows no XML.
    check_answer(
        "thinking",
        expect![[r#"

        </think>

        <tool_call>
        {"name": "game_action", "arguments": {"action_id": 60}}
        </tool_call><|im_end|>"#]],
    );
}

#[test]
fn an_answer_that_would_be_misread_is_refused() {
    let chat = ToolChat::new(codec(GENERIC)).unwrap();
    let hidden = tool_call("execute_bash", [("command", json!("echo '<tool_call>'"))]);
    let error = chat.answer("", &[hidden]).unwrap_err();
    assert!(matches!(&error, Error::AnswerNotReadable { .. }), "{error}");
    let ended = tool_call("execute_bash", [("command", json!("echo '<|im_end|>'"))]);
    assert!(chat.answer("", &[ended]).is_err());
}

#[test]
fn thoughts_are_no_content() {
    let chat = ToolChat::new(codec(GENERIC)).unwrap();
    let content = |text: &str| chat.read(text).content;
    assert_eq!(content("<think>a\nb</think>\n\nFold. <think>c</think>"), "Fold.");
    assert_eq!(content("begun before</think> Fold."), "Fold.");
    assert_eq!(content("Fold. <think>and then"), "Fold.");
    let read = chat.read("<think>1?</think><tool_call>{\"name\": \"game_action\"}</tool_call>");
    assert_eq!((read.content.as_str(), read.calls.len()), ("", 1));
}

#[test]
fn a_template_that_refuses_system_messages_gets_all_in_the_users() {
    let refusing = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}\
                    [{{ m.role }}]{{ m.content }}<|im_end|>{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";
    let chat = ToolChat::new(codec(("refusing", refusing, &[]))).unwrap();
    let text = chat.prompt(&probe()).unwrap().text;
    assert!(text.starts_with("[user]croupier-system\n\nTOOLS"), "{text}");
    assert!(text.ends_with("\n\ncroupier-user<|im_end|>[assistant]"), "{text}");
    assert!(!chat.has_native_tools());
}

#[test]
fn frames_give_the_text_that_rendering_gives() {
    for family in FAMILIES.into_iter().chain([GENERIC]) {
        let chat = ToolChat::new(codec(family)).unwrap();
        let request = ChatRequest {
            system: "Rules.\n\n  [1] \"x\"".to_owned(),
            user: "State <b>\n1 -> é".to_owned(),
            ..probe()
        };
        let frame = chat.frame(&request.tools).unwrap().expect("our templates put contents as they are");
        let filled = frame.filled(&request.system, &request.user).expect("trimmed");
        assert_eq!(filled, chat.prompt(&request).unwrap().text, "{}", family.0);
        assert_eq!(frame.filled("Rules.\n", &request.user), None);
    }
    let rewriting = "{% for m in messages %}{{ m.content | upper }}{{ tools }}{% endfor %}";
    let chat = ToolChat::new(codec(("rewriting", rewriting, &[]))).unwrap();
    assert!(chat.frame(&probe().tools).unwrap().is_none());
}
