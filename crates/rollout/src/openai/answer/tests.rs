use schema::{Sampling, TurnFinish};
use serde_json::{Value, json};

use super::Answer;
use crate::{Candidate, Completion, Decoding, Request};

fn request(decoding: Decoding) -> Request {
    let candidates = [(1, [49, 256].to_vec()), (11, [49, 49, 256].to_vec())];
    let candidates = candidates.map(|(action_id, tokens)| Candidate { action_id, tokens }).to_vec();
    let (sampling, stop_tokens) = (Sampling::default(), vec![256]);
    Request { prompt: vec![1], text: String::new(), candidates, decoding, sampling, stop_tokens, seed: 0 }
}

fn read(decoding: Decoding, choice: Value) -> Result<Completion, String> {
    Answer::read(json!({"choices": [choice]})).and_then(|answer| answer.completion(&request(decoding)))
}

#[test]
fn ids_come_from_their_field_or_from_the_log_probs() {
    let plain = json!({"finish_reason": "stop", "token_ids": [49, 256],
                       "logprobs": {"tokens": ["1", "</s>"], "token_logprobs": [-0.5, -0.1]}});
    let free = read(Decoding::Free, plain.clone()).expect("a completion");
    assert_eq!((free.token_ids.as_slice(), free.finish), (&[49, 256][..], TurnFinish::Stop));
    assert_eq!((free.logprobs.as_slice(), free.loss_mask.as_slice()), (&[-0.5, -0.1][..], &[1, 1][..]));
    assert!(free.allowed_tokens.is_empty());
    let mut as_words = plain;
    as_words["token_ids"] = Value::Null;
    as_words["logprobs"]["tokens"] = json!(["token_id:49", "token_id:256"]);
    assert_eq!(read(Decoding::Free, as_words).expect("a completion"), free);
}

#[test]
fn a_constrained_completion_says_where_there_was_a_choice() {
    let long = json!({"finish_reason": "stop", "token_ids": [49, 49, 256], "logprobs": {"token_logprobs": [0.0, -0.7, 0.0]}});
    let completion = read(Decoding::Constrained, long).expect("a legal action");
    assert_eq!(completion.loss_mask, [0, 1, 0]);
    assert_eq!(completion.allowed_tokens, [vec![49], vec![49, 256], vec![256]]);
}

#[test]
fn what_cannot_be_trained_on_is_refused_with_a_reason() {
    let refused = |decoding, choice: Value| read(decoding, choice).expect_err("nothing to train on");
    let logprobs = json!({"tokens": ["1"], "token_logprobs": [-0.5]});
    let no_ids = refused(Decoding::Free, json!({"finish_reason": "stop", "text": "1", "logprobs": logprobs}));
    assert!(no_ids.contains("no token ids") && no_ids.contains("return_token_ids"), "{no_ids}");
    let no_logprobs = refused(Decoding::Free, json!({"finish_reason": "stop", "token_ids": [49]}));
    assert!(no_logprobs.contains("1 token ids and 0 log-probs"), "{no_logprobs}");
    let aborted =
        refused(Decoding::Free, json!({"finish_reason": "abort", "token_ids": [49], "logprobs": logprobs}));
    assert!(aborted.contains("`abort`"), "{aborted}");
    let illegal = json!({"finish_reason": "stop", "token_ids": [50], "logprobs": logprobs});
    let illegal = refused(Decoding::Constrained, illegal);
    assert!(illegal.contains("no legal action") && illegal.contains("guided_choice"), "{illegal}");
    assert!(Answer::read(json!({"choices": []})).is_err() && Answer::read(json!({"error": "x"})).is_err());
}
