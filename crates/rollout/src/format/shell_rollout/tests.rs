use schema::TurnFinish;

use super::super::test_support::{FAMILIES, GENERIC, codec};
use super::*;
use crate::PromptPack;

fn format(codec: Arc<dyn Codec>) -> ShellRollout {
    let format = IntercodeFormat::new(codec, Arc::new(PromptPack::builtin())).unwrap();
    ShellRollout::new(Arc::new(format))
}

fn execute(command: &str) -> ShellCall {
    ShellCall::ExecuteBash { command: command.to_owned() }
}

fn turn(tokens: Vec<u32>) -> Turn {
    Turn {
        prompt: String::new(),
        prompt_tokens: Vec::new(),
        completion: String::new(),
        completion_tokens: tokens,
        logprobs: Vec::new(),
        loss_mask: Vec::new(),
        allowed_tokens: Vec::new(),
        finish: TurnFinish::Stop,
        policy_version: 0,
        action: String::new(),
        action_id: None,
        legal_ids: Vec::new(),
        legal: true,
        reward: 0.0,
        env_ms: 0.0,
        generate_ms: 0.0,
    }
}

#[test]
fn a_prompt_is_the_evaluators_with_what_the_sidecar_said() {
    for family in FAMILIES.into_iter().chain([GENERIC]) {
        let format = format(codec(family));
        let answer = format.format.answer("Look.", &execute("grep ü a")).unwrap();
        let mute = format.codec().encode("I do not know.");
        let history = [turn(answer.tokens.clone()), turn(mute)];
        let observation = Observation {
            text: "no call, says the sidecar".to_owned(),
            so_far: ["How many?", "4\n", "no call, says the sidecar"].map(str::to_owned).to_vec(),
            ..Observation::default()
        };
        let view = format.view(&history, &observation);
        let thought = if family.0 == "llama3" { "" } else { "Look." };
        let first = ShellStep {
            thought: thought.to_owned(),
            call: Some(execute("grep ü a")),
            observation: "4\n".to_owned(),
        };
        let second = ShellStep {
            thought: "I do not know.".to_owned(),
            call: None,
            observation: "no call, says the sidecar".to_owned(),
        };
        assert_eq!(
            view,
            ShellView { question: "How many?".to_owned(), steps: vec![first, second] },
            "{}",
            family.0
        );
        let prompt = format.render(&history, &observation).unwrap();
        assert_eq!(prompt, format.format.prompt(&view).unwrap(), "{}", family.0);
        assert_eq!(format.action(&answer.tokens), "grep ü a", "{}", family.0);
    }
}

#[test]
fn actions_are_commands_a_submission_or_nothing() {
    let format = format(codec(GENERIC));
    let sent = |call: &ShellCall| format.action(&format.format.answer("", call).unwrap().tokens);
    assert_eq!(sent(&execute("ls -l")), "ls -l");
    assert_eq!(sent(&execute("\n")), " ");
    assert_eq!(sent(&ShellCall::Submit {}), "submit");
    assert_eq!(format.action(&format.codec().encode("ls")), "");
}
