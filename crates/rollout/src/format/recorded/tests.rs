use std::sync::Arc;

use super::super::match_answer::tool_call;
use super::super::test_support::{FAMILIES, GENERIC, codec};
use super::*;

const SYSTEM: &str = "You are playing liars_dice.\n# Game Rules Bid or doubt.\n\n\nWORKING_MEMORY (your notes):\n  [1] (empty)\n  \
                      [8] (empty)\n\nAnswer with a tool.";

fn tools() -> Value {
    json!([{"type": "function", "function": {"name": "game_action", "description": "Play.",
        "parameters": {"type": "object", "properties": {"action_id": {"type": "integer"}}}}}])
}

/// The same turn as four data sets write it.
fn records() -> [Value; 4] {
    let call = json!({"id": "call00001", "type": "function",
        "function": {"name": "game_action", "arguments": {"action_id": 7}}});
    let mut in_words = call.clone();
    in_words["function"]["arguments"] = json!("{\"action_id\": 7}");
    let messages = |call: Value| {
        json!([{"role": "system", "content": SYSTEM}, {"role": "user", "content": "Your dice: 3"},
               {"role": "assistant", "content": null, "tool_calls": [call]}])
    };
    let hermes = "<tool_call>\n{\"name\": \"game_action\", \"arguments\": {\"action_id\": 7}}\n</tool_call>";
    [
        json!({"messages": messages(call), "tools": tools()}),
        json!({"messages": messages(in_words.clone()).to_string(), "tools": tools().to_string()}),
        json!({"conversations": [{"from": "system", "value": SYSTEM}, {"from": "human", "value": "Your dice: 3"},
            {"from": "gpt", "value": hermes}], "tools": tools()}),
        json!({"system": SYSTEM, "user": "Your dice: 3", "assistant": format!("Seven.\n{hermes}"), "tools": tools()}),
    ]
}

#[test]
fn the_same_turn_is_read_from_every_way_of_writing_it() {
    for family in FAMILIES.into_iter().chain([GENERIC]) {
        let chat = ToolChat::new(codec(family)).unwrap();
        let request = ChatRequest {
            system: SYSTEM.to_owned(),
            user: "Your dice: 3".to_owned(),
            tools: tools().as_array().unwrap().clone(),
        };
        let expected = RecordedTurn {
            env: Some("liars_dice".to_owned()),
            prompt: chat.prompt(&request).unwrap(),
            answer: chat.answer("", &[tool_call("game_action", [("action_id", json!(7))])]).unwrap(),
        };
        for record in records() {
            let turns: Vec<RecordedTurn> = chat.recorded(&record).into_iter().map(Result::unwrap).collect();
            assert_eq!(turns, std::slice::from_ref(&expected), "{} of {record}", family.0);
        }
    }
}

#[test]
fn every_call_of_a_longer_conversation_is_a_turn_and_talk_is_none() {
    let call = |command: &str| {
        json!([{"id": "call00001", "type": "function",
        "function": {"name": "execute_bash", "arguments": {"command": command}}}])
    };
    let record = json!({
        "messages": [
            {"role": "system", "content": "A shell."}, {"role": "user", "content": "How many files?"},
            {"role": "assistant", "content": "I look.", "tool_calls": call("ls")},
            {"role": "tool", "tool_call_id": "call00001", "name": "execute_bash", "content": "a\nb"},
            {"role": "assistant", "content": "", "tool_calls": call("ls | wc -l")},
            {"role": "assistant", "content": "Two."},
        ],
        "tools": [{"type": "function", "function": {"name": "execute_bash", "description": "Run.", "parameters": {}}}],
    });
    let chat = ToolChat::new(codec(FAMILIES[0])).unwrap();
    let turns: Vec<RecordedTurn> = chat.recorded(&record).into_iter().map(Result::unwrap).collect();
    assert_eq!(turns.len(), 2);
    assert!(turns.iter().all(|turn| turn.env.as_deref() == Some("intercode")));
    let commands: Vec<Value> =
        turns.iter().map(|turn| chat.read(&turn.answer.text).calls[0].arguments["command"].clone()).collect();
    assert_eq!(commands, ["ls", "ls | wc -l"]);
    assert!(turns[1].prompt.text.starts_with(turns[0].prompt.text.split("assistant").next().unwrap()));
    // Nothing to show a longer conversation with: an error for each turn after the first, never another prompt.
    let generic = ToolChat::new(codec(GENERIC)).unwrap();
    let turns = generic.recorded(&record);
    assert!(turns[0].is_ok() && matches!(turns[1], Err(Error::NoPlace)));
    let bytes = ToolChat::new(Arc::new(crate::ByteCodec)).unwrap();
    assert!(bytes.recorded(&json!({"question": "What?", "answer": "That."})).is_empty());
}
