use expect_test::{Expect, expect};
use serde_json::json;

use super::*;

fn call(name: &str, arguments: Value) -> ToolCall {
    let Value::Object(arguments) = arguments else { panic!("not an object: {arguments}") };
    ToolCall { name: name.to_owned(), arguments }
}

fn action(id: Value) -> ToolCall {
    call(ACTION_TOOL, json!({"action_id": id}))
}

fn check(calls: &[ToolCall], expected: Expect) {
    let legal = [(0, "Fold".to_owned()), (2, "Raise".to_owned())];
    expected.assert_eq(&match move_of(calls, &legal) {
        Ok(MatchMove { edits, action }) => format!("{action} with {} edits", edits.len()),
        Err(forfeit) => forfeit.to_string(),
    });
}

#[test]
fn the_first_legal_id_is_the_move() {
    check(&[action(json!(2))], expect!["2 with 0 edits"]);
    check(&[action(json!(1)), action(json!(2)), action(json!(0))], expect!["2 with 0 edits"]);
    check(&[action(json!(" 2 "))], expect!["2 with 0 edits"]);
    check(&[action(json!("+0"))], expect!["0 with 0 edits"]);
}

#[test]
fn anything_else_is_a_forfeit() {
    check(&[], expect!["the answer calls no tool"]);
    check(&[call("guess", json!({"action_id": 2}))], expect!["the answer does not call game_action"]);
    check(&[action(json!(1))], expect!["1 is no legal action id"]);
    check(&[action(json!(true))], expect!["true is no legal action id"]);
    check(&[action(json!(2.0))], expect!["2.0 is no legal action id"]);
    check(&[action(json!("two"))], expect![[r#""two" is no legal action id"#]]);
    check(&[action(json!(65538))], expect!["65538 is no legal action id"]);
    check(&[action(json!(-2))], expect!["-2 is no legal action id"]);
    check(&[call(ACTION_TOOL, json!({"id": 2}))], expect!["null is no legal action id"]);
}

#[test]
fn memory_calls_count_before_and_after_the_move() {
    let note = |slot: Value| call("working_memory_append", json!({"slot": slot, "content": "x"}));
    check(&[note(json!(1)), action(json!(2)), note(json!("4"))], expect!["2 with 2 edits"]);
    // Slots that are not there, and notes that are no text.
    let number = call("long_term_memory_rewrite", json!({"slot": 8, "content": 3}));
    check(
        &[note(json!(0)), note(json!(5)), note(json!(true)), number, action(json!(0))],
        expect!["0 with 0 edits"],
    );
    let last = call("long_term_memory_rewrite", json!({"slot": 8, "content": "y"}));
    let expected =
        MemoryEdit { notes: Notes::LongTerm, mode: EditMode::Rewrite, slot: 8, content: "y".to_owned() };
    assert_eq!(edits_of(&[last]), [expected]);
}
