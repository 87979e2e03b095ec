use expect_test::{Expect, expect};
use schema::TurnFinish;

use super::*;
use crate::{ByteCodec, parse_observation};

const FIRST: &str = "Game: kuhn_poker\nYou are Player 0.\n\nCurrent State:\nYour card: K\n\nLegal Actions:\n  0 -> Pass\n  1 -> Bet\n\nYour choice (action ID only):";

fn chat() -> SidecarChat {
    SidecarChat::with_instruction(Arc::new(ByteCodec), "Say it.".to_owned())
}

fn turn(prompt: Prompt, completion: &str, finish: TurnFinish) -> Turn {
    Turn {
        prompt: prompt.text,
        prompt_tokens: prompt.tokens,
        completion: completion.to_owned(),
        completion_tokens: ByteCodec.encode(completion),
        logprobs: Vec::new(),
        loss_mask: Vec::new(),
        allowed_tokens: Vec::new(),
        finish,
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

fn check_delta(completion: &str, finish: TurnFinish, refusal: Option<&str>, expected: Expect) {
    let format = chat();
    let mut observation = parse_observation(FIRST.to_owned());
    let first = format.render(&[], &observation).expect("ChatML takes any messages");
    let history = [turn(first, completion, finish)];
    observation.refusal = refusal.map(str::to_owned);
    let next = format.render(&history, &observation).expect("ChatML takes any messages");
    let [last] = &history;
    let kept = [last.prompt_tokens.as_slice(), &last.completion_tokens].concat();
    let new = next.tokens.strip_prefix(kept.as_slice()).expect("tokens are only appended");
    let shown = |tokens: &[u32]| {
        tokens.iter().map(|&id| char::from_u32(id).filter(|_| id < 128).unwrap_or('■')).collect::<String>()
    };
    expected.assert_eq(&shown(new));
}

#[test]
fn the_first_prompt_of_a_chat_is_the_observation_with_the_instruction_glued_to_it() {
    let observation = parse_observation(FIRST.to_owned());
    let prompt = chat().render(&[], &observation).expect("ChatML takes any messages");
    let expected = format!("<|im_start|>user\n{FIRST}Say it.<|im_end|>\n<|im_start|>assistant\n");
    assert_eq!(prompt.text, expected);
    assert_eq!(prompt.tokens, ByteCodec.encode(&expected));
}

#[test]
fn the_next_prompt_appends_to_the_sampled_tokens_and_never_closes_a_turn_twice() {
    check_delta(
        "Action:\n1<|im_end|>",
        TurnFinish::Stop,
        Some("No."),
        expect![[r#"

        <|im_start|>user
        No.■
        <|im_start|>assistant
    "#]],
    );
    check_delta(
        "Action:\n1",
        TurnFinish::Length,
        Some("No."),
        expect![[r#"
        ■
        <|im_start|>user
        No.■
        <|im_start|>assistant
    "#]],
    );
    check_delta(
        "1<|im_end|>",
        TurnFinish::Stop,
        None,
        expect![[r#"

        <|im_start|>user
        Game: kuhn_poker
        You are Player 0.

        Current State:
        Your card: K

        Legal Actions:
          0 -> Pass
          1 -> Bet

        Your choice (action ID only):■
        <|im_start|>assistant
    "#]],
    );
}

#[test]
fn the_action_of_a_chat_is_what_follows_the_last_action_label() {
    let format = chat();
    assert_eq!(format.parse("Thought:\nAction: 1?\n\nAction:\n 2 \n"), "2");
    assert_eq!(format.parse(" 7"), "7");
    assert_eq!(format.parse(""), "");
}

#[test]
fn candidates_are_whole_completions_that_parse_back_to_their_ids() {
    let observation = parse_observation(FIRST.replace("  1 -> Bet", "  1 -> Bet\n  300 -> More"));
    for name in ["compact", "sidecar"] {
        let format = format_by_name(name, Arc::new(ByteCodec)).expect("known");
        let candidates = format.candidates(&observation);
        let ids: Vec<u32> = candidates.iter().map(|candidate| candidate.action_id).collect();
        assert_eq!((format.name(), ids), (name, vec![0, 1, 300]));
        for candidate in candidates {
            assert_eq!(candidate.tokens.last(), Some(&ByteCodec::END_OF_TURN));
            assert_eq!(format.parse(&ByteCodec.decode(&candidate.tokens)), candidate.action_id.to_string());
        }
    }
}

#[test]
fn an_unknown_format_is_named_with_the_choice() {
    let error = format_by_name("verbose", Arc::new(ByteCodec)).err().expect("unknown");
    assert_eq!(error.to_string(), "there is no prompt format `verbose`; known are `compact`, `sidecar`");
}
