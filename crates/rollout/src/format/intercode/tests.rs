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

fn execute(command: &str) -> ShellCall {
    ShellCall::ExecuteBash { command: command.to_owned() }
}

#[test]
fn a_request_is_the_evaluators() {
    let format = format(Arc::new(ByteCodec));
    let request = format.request(&view(Vec::new()));
    assert_eq!(
        request.user,
        "Question: Count the lines of a.txt\n\nPrevious steps:\nNo commands have been executed yet.\n\n\
         Turn 1: call exactly one tool now."
    );
    assert_eq!(request.system, PromptPack::builtin().intercode.system);
    let names: Vec<&str> =
        request.tools.iter().map(|tool| tool["function"]["name"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, ["execute_bash", "submit"]);
    let steps = vec![step("Look.", Some(execute("grep ü a.txt")), "4\n"), step("", None, "no call")];
    let history = "Previous steps:\nThought 1: Look.\nTool 1: execute_bash(command=\"grep \\u00fc a.txt\")\n\
                   Observation 1: 4\n\nTool 2: no valid tool call\nObservation 2: no call\n\n\
                   Turn 3: call exactly one tool now.";
    let user = format.request(&view(steps)).user;
    assert!(user.ends_with(history), "{user}");
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
        for call in commands.map(execute).into_iter().chain([ShellCall::Submit {}]) {
            for thought in ["", "I count them."] {
                let answer = format.answer(thought, &call).unwrap();
                let read = format.parse_tokens(&answer.tokens);
                assert_eq!(read.call.as_ref(), Some(&call), "{}", family.0);
                let kept = if family.0 == "llama3" { "" } else { thought };
                assert_eq!(read.thought, kept, "{}", family.0);
            }
        }
        let shown = view(vec![step("", Some(ShellCall::Submit {}), "12")]);
        let rendered = format.chat().prompt(&format.request(&shown)).unwrap();
        assert_eq!(format.prompt(&shown).unwrap(), rendered, "{}", family.0);
    }
}

#[test]
fn the_first_call_of_a_known_tool_counts() {
    let format = format(Arc::new(ByteCodec));
    let call = |text: &str| format.parse(text).call;
    let tag = |json: &str| format!("<tool_call>{json}</tool_call>");
    let list = tag(r#"{"name": "execute_bash", "arguments": {"command": "ls"}}"#);
    let unknown = tag(r#"{"name": "run", "arguments": {"command": "ls"}}"#);
    let broken = tag(r#"{"name": "execute_bash", "arguments": {"command": 3}}"#);
    let submit = tag(r#"{"name": "submit", "arguments": {}}"#);
    assert_eq!(call(&format!("{list}{submit}")), Some(execute("ls")));
    assert_eq!(call(&format!("{unknown}{submit}")), Some(ShellCall::Submit {}));
    assert_eq!(call(&format!("{broken}{submit}")), Some(execute("")), "as the evaluator: a turn is lost");
    assert_eq!(call(&unknown), None);
    assert_eq!(format.parse("ls").thought, "ls");
}
