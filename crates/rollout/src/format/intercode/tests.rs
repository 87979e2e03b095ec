use super::super::intercode_layout::ShellStep;
use super::super::test_support::{FAMILIES, GENERIC, codec};
use super::*;
use crate::ByteCodec;

fn format(codec: Arc<dyn Codec>) -> IntercodeFormat {
    IntercodeFormat::new(codec, Arc::new(PromptPack::builtin())).unwrap()
}

fn view(steps: Vec<ShellStep>) -> ShellView {
    ShellView { question: "Count the lines of a.txt".to_owned(), steps }
}

fn step(thought: &str, call: Option<ShellCall>, observation: &str) -> ShellStep {
    ShellStep { thought: thought.to_owned(), call, observation: observation.to_owned() }
}

#[test]
fn the_first_turn_has_no_history() {
    let request = format(Arc::new(ByteCodec)).request(&view(Vec::new()));
    assert_eq!(
        request.user,
        "Question: Count the lines of a.txt\n\nPrevious steps:\nNo commands have been executed yet.\n\n\
         Turn 1: call exactly one tool now."
    );
    let names: Vec<&str> =
        request.tools.iter().map(|tool| tool["function"]["name"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, ["execute_bash", "submit"]);
    assert_eq!(request.tools[0]["function"]["parameters"]["required"], serde_json::json!(["command"]));
}

#[test]
fn later_turns_show_thoughts_tools_and_the_beginning_of_observations() {
    let long = "é".repeat(351);
    let steps = vec![
        step("Look first.", Some(ShellCall::Execute("echo \"a\\b\"\nls".to_owned())), "a.txt"),
        step("", None, "no call"),
        step("", Some(ShellCall::Submit), &long),
    ];
    let user = format(Arc::new(ByteCodec)).request(&view(steps)).user;
    let history = format!(
        "Previous steps:\nThought 1: Look first.\nTool 1: execute_bash(command=\"echo \\\"a\\\\b\\\"\\nls\")\n\
         Observation 1: a.txt\nObservation 2: no call\nTool 3: submit()\nObservation 3: {}\n\n\
         Turn 4: call exactly one tool now.",
        "é".repeat(350)
    );
    assert!(user.ends_with(&history), "{user}");
}

#[test]
fn answers_are_read_back_in_every_family() {
    let commands = [
        "find /testbed -name \"*.php\" | xargs wc -l",
        "awk '{s+=$1} END {print s}' a.txt; echo 'it'\\''s'",
        "printf '%s\\n' {a,b}[1] > /tmp/\"x y\" && cat <<E\n1\tzwei ß\nE",
    ];
    for family in FAMILIES.into_iter().chain([GENERIC]) {
        let format = format(codec(family));
        let calls = commands.map(|command| ShellCall::Execute(command.to_owned()));
        for call in calls.into_iter().chain([ShellCall::Submit]) {
            for thought in ["", "I count them."] {
                let answer = format.answer(thought, &call).unwrap();
                let read = format.parse_tokens(&answer.tokens);
                assert_eq!(read.call.as_ref(), Some(&call), "{}", family.0);
                let kept = if family.0 == "llama3" { "" } else { thought };
                assert_eq!(read.thought, kept, "{}", family.0);
            }
        }
        let shown = view(vec![step("", Some(ShellCall::Submit), "12")]);
        let rendered = format.chat().prompt(&format.request(&shown)).unwrap();
        assert_eq!(format.prompt(&shown).unwrap(), rendered, "{}", family.0);
    }
}

#[test]
fn the_first_valid_call_counts() {
    let format = format(Arc::new(ByteCodec));
    let call = |text: &str| format.parse(text).call;
    let tag = |json: &str| format!("<tool_call>{json}</tool_call>");
    let list = tag(r#"{"name": "execute_bash", "arguments": {"command": "ls"}}"#);
    let broken = tag(r#"{"name": "execute_bash", "arguments": {"command": 3}}"#);
    let submit = tag(r#"{"name": "submit", "arguments": {}}"#);
    assert_eq!(call(&format!("{list}{submit}")), Some(ShellCall::Execute("ls".to_owned())));
    assert_eq!(call(&format!("{broken}{submit}")), Some(ShellCall::Submit));
    assert_eq!(call(&tag(r#"{"name": "run"}"#)), None);
    assert_eq!(format.parse("ls").thought, "ls");
}
