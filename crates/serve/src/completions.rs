//! `POST /v1/completions`: prompts as text or as token ids.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use data::SpecialTokens;
use futures::future::try_join_all;
use futures::stream::{self, StreamExt};
use model::GenerateRequest;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::choice::{Choice, Piece};
use crate::refusal::Refusal;
use crate::routes::App;
use crate::sampling::{Fields, nth};
use crate::{logprobs, sse};

/// OpenAI's default.
const MAX_TOKENS: u32 = 16;

/// The body of a request.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    model: Option<String>,
    prompt: Prompt,
    logprobs: Option<usize>,
    echo: Option<bool>,
    suffix: Option<String>,
    #[serde(flatten)]
    fields: Fields,
}

/// One prompt or several, each as text or as token ids.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Prompt {
    Text(String),
    Tokens(Vec<u32>),
    Texts(Vec<String>),
    Many(Vec<Vec<u32>>),
}

/// What the chunks of a response have in common.
struct Form {
    app: Arc<App>,
    id: String,
    created: u64,
    /// Of each prompt.
    prompts: Vec<Vec<u32>>,
    n: usize,
    with_logprobs: bool,
    with_token_ids: bool,
    with_usage: bool,
    /// What comes before a choice's own text.
    echoes: Vec<String>,
}

pub(crate) async fn complete(app: Arc<App>, request: Request) -> Result<Response, Refusal> {
    let Request { model, prompt, logprobs, echo, suffix, fields } = request;
    app.check_model(model.as_deref())?;
    fields.check(logprobs.unwrap_or(0))?;
    let echo = echo.unwrap_or(false);
    if suffix.is_some_and(|suffix| !suffix.is_empty()) {
        return Err(Refusal::invalid("suffix", "suffixes are not supported"));
    }
    if echo && logprobs.is_some() {
        return Err(Refusal::invalid("echo", "log-probs of a prompt are not supported"));
    }
    let permit = app.admit(prompt.len().saturating_mul(fields.n()))?;
    let prompts = prompt.into_tokens(&app).await?;
    let mut requests: Vec<GenerateRequest> = Vec::new();
    for prompt in &prompts {
        let first = fields.request(&app, prompt.clone(), Some(MAX_TOKENS), logprobs.unwrap_or(0))?;
        requests.extend((0..fields.n()).map(|index| nth(&first, index)));
    }
    let echoes = prompts.iter().map(|prompt| match echo {
        true => app.served.tokenizer.decode(prompt),
        false => String::new(),
    });
    let form = Form {
        id: format!("cmpl-{:032x}", rand::random::<u128>()),
        created: app.unix_seconds(),
        n: fields.n(),
        with_logprobs: logprobs.is_some(),
        with_token_ids: fields.returns_token_ids(),
        with_usage: fields.includes_usage(),
        echoes: echoes.collect(),
        prompts,
        app: Arc::clone(&app),
    };
    let begin = requests
        .into_iter()
        .enumerate()
        .map(|(index, request)| Choice::begin(&app, index, request, fields.stops(), SpecialTokens::LeftAway));
    let mut choices = try_join_all(begin).await?;
    if fields.streams() {
        return Ok(sse::respond(form.stream(choices).boxed(), permit));
    }
    let pieces = try_join_all(choices.iter_mut().map(Choice::rest)).await?;
    drop(permit);
    Ok(Json(form.whole(pieces)).into_response())
}

impl Prompt {
    /// How many prompts there are.
    fn len(&self) -> usize {
        match self {
            Self::Text(_) | Self::Tokens(_) => 1,
            Self::Texts(texts) => texts.len(),
            Self::Many(prompts) => prompts.len(),
        }
    }

    /// Token ids of each prompt; encoding a long text takes too long for the runtime's workers.
    async fn into_tokens(self, app: &App) -> Result<Vec<Vec<u32>>, Refusal> {
        let texts = match self {
            Self::Tokens(ids) => return checked(vec![ids]),
            Self::Many(prompts) => return checked(prompts),
            Self::Text(text) => vec![text],
            Self::Texts(texts) => texts,
        };
        let tokenizer = Arc::clone(&app.served.tokenizer);
        let encode = move || texts.iter().map(|text| tokenizer.encode_document(text)).collect();
        let prompts = tokio::task::spawn_blocking(encode).await;
        checked(prompts.map_err(|error| Refusal::body(format!("the prompt cannot be encoded: {error}")))?)
    }
}

fn checked(prompts: Vec<Vec<u32>>) -> Result<Vec<Vec<u32>>, Refusal> {
    if prompts.is_empty() || prompts.iter().any(Vec::is_empty) {
        return Err(Refusal::invalid("prompt", "a prompt has at least one token"));
    }
    Ok(prompts)
}

impl Form {
    fn whole(&self, pieces: Vec<Piece>) -> Value {
        let n_tokens = pieces.iter().map(|piece| piece.tokens.len()).sum();
        let choices = pieces.into_iter().enumerate().map(|(index, piece)| {
            let mut offset = 0;
            self.choice(index, &piece, &mut offset, true)
        });
        self.envelope(choices.collect(), Some(self.usage(n_tokens)))
    }

    fn stream(self, choices: Vec<Choice>) -> impl stream::Stream<Item = Result<Value, Refusal>> + Send {
        let form = Arc::new(self);
        let pieces = choices.into_iter().map(|choice| {
            let form = Arc::clone(&form);
            let grow = move |(mut choice, mut offset, is_first): (Choice, usize, bool)| {
                let form = Arc::clone(&form);
                async move {
                    let piece = choice.next().await?;
                    let shown = piece.map(|piece| {
                        let chunk = form.choice(choice.index, &piece, &mut offset, is_first);
                        (form.envelope(vec![chunk], None), piece.tokens.len())
                    });
                    Some((shown, (choice, offset, false)))
                }
            };
            stream::unfold((choice, 0, true), grow).boxed()
        });
        with_usage(stream::select_all(pieces).boxed(), form.with_usage, move |n_tokens| {
            form.envelope(Vec::new(), Some(form.usage(n_tokens)))
        })
    }

    fn choice(&self, index: usize, piece: &Piece, offset: &mut usize, is_first: bool) -> Value {
        let prompt = index / self.n;
        let echo = if is_first { self.echoes[prompt].as_str() } else { "" };
        let logprobs = self
            .with_logprobs
            .then(|| logprobs::of_completion(&self.app.served.tokenizer, &piece.tokens, offset));
        let mut choice = json!({"index": index, "text": format!("{echo}{}", piece.text), "logprobs": logprobs,
                                "finish_reason": piece.finish});
        if self.with_token_ids {
            choice["token_ids"] = piece.tokens.iter().map(|token| token.token_id).collect();
            choice["prompt_token_ids"] = if is_first { json!(self.prompts[prompt]) } else { Value::Null };
        }
        choice
    }

    fn envelope(&self, choices: Vec<Value>, usage: Option<Value>) -> Value {
        json!({"id": self.id, "object": "text_completion", "created": self.created,
               "model": self.app.served.name, "choices": choices, "usage": usage})
    }

    fn usage(&self, n_tokens: usize) -> Value {
        usage(self.prompts.iter().map(Vec::len).sum(), n_tokens)
    }
}

pub(crate) fn usage(prompt_tokens: usize, completion_tokens: usize) -> Value {
    json!({"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens,
           "total_tokens": prompt_tokens + completion_tokens})
}

/// Chunks without their counts of tokens, and after the last one, if it is wanted, what `last` makes of their sum.
pub(crate) fn with_usage(
    chunks: stream::BoxStream<'static, Result<(Value, usize), Refusal>>,
    is_wanted: bool,
    last: impl Fn(usize) -> Value + Send + 'static,
) -> impl stream::Stream<Item = Result<Value, Refusal>> + Send {
    let state = (chunks, 0, is_wanted, last);
    stream::unfold(state, async move |(mut chunks, n_tokens, is_wanted, last)| match chunks.next().await {
        Some(Ok((chunk, n))) => Some((Ok(chunk), (chunks, n_tokens + n, is_wanted, last))),
        Some(Err(refusal)) => Some((Err(refusal), (chunks, n_tokens, false, last))),
        None if is_wanted => Some((Ok(last(n_tokens)), (chunks, n_tokens, false, last))),
        None => None,
    })
}
