//! Log-probs in the two shapes that OpenAI has for them.

use data::Tokenizer;
use model::Token;
use serde_json::{Value, json};

fn word(tokenizer: &Tokenizer, id: u32) -> String {
    tokenizer.decode_verbatim(&[id])
}

/// `{token, logprob, bytes}`; without bytes where the token holds part of a character.
fn entry(tokenizer: &Tokenizer, id: u32, logprob: f32) -> Value {
    let word = word(tokenizer, id);
    let bytes = (!word.contains(char::REPLACEMENT_CHARACTER)).then(|| word.as_bytes().to_vec());
    json!({"token": word, "logprob": logprob, "bytes": bytes})
}

/// `choice.logprobs` of a chat completion.
pub(crate) fn of_chat(tokenizer: &Tokenizer, tokens: &[Token]) -> Value {
    let content = tokens.iter().map(|token| {
        let mut shown = entry(tokenizer, token.token_id, token.logprob);
        shown["top_logprobs"] =
            token.top_logprobs.iter().map(|&(id, logprob)| entry(tokenizer, id, logprob)).collect();
        shown
    });
    json!({"content": content.collect::<Vec<_>>(), "refusal": null})
}

/// `choice.logprobs` of a completion; `offset` is where in the text the first token begins, and grows by the tokens.
pub(crate) fn of_completion(tokenizer: &Tokenizer, tokens: &[Token], offset: &mut usize) -> Value {
    let mut offsets = Vec::with_capacity(tokens.len());
    let words: Vec<String> = tokens.iter().map(|token| word(tokenizer, token.token_id)).collect();
    for word in &words {
        offsets.push(*offset);
        *offset += word.chars().count();
    }
    let top = tokens.iter().map(|token| {
        let named = token.top_logprobs.iter().map(|&(id, logprob)| (word(tokenizer, id), json!(logprob)));
        Value::Object(named.collect())
    });
    json!({"tokens": words, "token_logprobs": tokens.iter().map(|token| token.logprob).collect::<Vec<_>>(),
           "top_logprobs": top.collect::<Vec<_>>(), "text_offset": offsets})
}
