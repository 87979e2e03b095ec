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
        Observation 2: 2\n\nThought 3: hm\nObservation 3: Error executing query: no valid action tool call \
        received; call execute_bash or submit.\n\nTurn 4: call exactly one tool now.";
    assert_eq!(user_message("Q", &[ran("ls", "a\nb\n"), second, failed]), expected);
}

#[test]
fn observations_are_cut_by_characters() {
    assert_eq!(shortened(&"é".repeat(400)).chars().count(), 350);
    assert_eq!(shortened("short"), "short");
}
