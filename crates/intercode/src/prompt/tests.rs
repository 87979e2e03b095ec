use serde_json::json;

use super::*;

fn ran(command: &str, observation: &str) -> PastTurn {
    let call = Some(ToolCall::ExecuteBash { command: command.to_owned() });
    PastTurn { thought: String::new(), call, observation: observation.to_owned() }
}

#[test]
fn the_first_turn_has_no_steps() {
    let expected = "Question: How many?\n\nPrevious steps:\nNo commands have been executed yet.\n\n\
                    Turn 1: call exactly one tool now.";
    assert_eq!(user_message("How many?", &[]), expected);
}

#[test]
fn steps_show_thought_call_and_observation() {
    let mut second = ran("grep \"é\\n\" /testbed/a", "2\n");
    second.thought = "Look closer.".to_owned();
    let failed = PastTurn { thought: "hm".to_owned(), call: None, observation: NO_CALL.to_owned() };
    let expected = "Question: Q\n\nPrevious steps:\n\
        Tool 1: execute_bash(command=\"ls\")\nObservation 1: a\nb\n\n\
        Thought 2: Look closer.\nTool 2: execute_bash(command=\"grep \\\"\\u00e9\\\\n\\\" /testbed/a\")\n\
        Observation 2: 2\n\nThought 3: hm\nTool 3: no valid tool call\n\
        Observation 3: Error executing query: no valid action tool call \
        received; call execute_bash or submit.\n\nTurn 4: call exactly one tool now.";
    assert_eq!(user_message("Q", &[ran("ls", "a\nb\n"), second, failed]), expected);
}

#[test]
fn commands_are_escaped_as_python_escapes_them() {
    // What json.dumps of Python 3.12 writes.
    let check = |command: &str, expected: &str| assert_eq!(json_string(command), expected);
    check("echo ß → 😀", r#""echo \u00df \u2192 \ud83d\ude00""#);
    check("a\tb\nc\r\u{8}\u{c}\u{1}\u{7f}", r#""a\tb\nc\r\b\f\u0001\u007f""#);
    check("\"\\/", r#""\"\\/""#);
}

#[test]
fn observations_are_cut_by_characters() {
    assert_eq!(shortened(&"é".repeat(400)).chars().count(), 350);
    assert_eq!(shortened("short"), "short");
}

#[test]
fn the_tools_have_the_evaluators_keys_in_its_order() {
    let words = ToolWords { execute_bash: "E".to_owned(), command: "C".to_owned(), submit: "S".to_owned() };
    let tools = Prose { system: String::new(), tools: words }.tool_schemas();
    let expected = concat!(
        r#"[{"type":"function","function":{"name":"execute_bash","description":"E","parameters":{"type":"object","#,
        r#""properties":{"command":{"type":"string","description":"C"}},"required":["command"],"additionalProperties":false}}},"#,
        r#"{"type":"function","function":{"name":"submit","description":"S","parameters":{"type":"object","properties":{},"#,
        r#""required":[],"additionalProperties":false}}}]"#
    );
    assert_eq!(serde_json::to_string(&tools).unwrap(), expected);
}

#[test]
fn calls_are_read_by_name_and_a_command_that_is_no_text_is_empty() {
    let run = |command: &str| Some(ToolCall::ExecuteBash { command: command.to_owned() });
    assert_eq!(ToolCall::read("execute_bash", Some(&json!("ls"))), run("ls"));
    assert_eq!(ToolCall::read("execute_bash", Some(&json!(3))), run(""));
    assert_eq!(ToolCall::read("execute_bash", None), run(""));
    assert_eq!(ToolCall::read("submit", None), Some(ToolCall::Submit {}));
    assert_eq!(ToolCall::read("python", Some(&json!("ls"))), None);
}
