//! `POST /v1/chat/completions`: messages and tools through the model's own template, tool calls back.

mod messages;
mod reply;

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use data::{SpecialTokens, ToolCallStyle};
use futures::future::try_join_all;
use futures::stream::{self, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};

use self::messages::normalized;
use self::reply::{Growth, ReplyText};
use crate::choice::{Choice, Piece};
use crate::completions::{usage, with_usage};
use crate::refusal::Refusal;
use crate::routes::App;
use crate::sampling::{Fields, nth};
use crate::{logprobs, sse};

/// The body of a request.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    model: Option<String>,
    messages: Vec<Value>,
    tools: Option<Vec<Value>>,
    tool_choice: Option<Value>,
    logprobs: Option<bool>,
    top_logprobs: Option<usize>,
    #[serde(flatten)]
    fields: Fields,
}

/// What the chunks of a response have in common.
struct Form {
    app: Arc<App>,
    id: String,
    created: u64,
    prompt: Vec<u32>,
    /// How calls are written, if there are tools to call.
    tool_calls: Option<ToolCallStyle>,
    with_logprobs: bool,
    with_token_ids: bool,
    with_usage: bool,
}

pub(crate) async fn complete(app: Arc<App>, request: Request) -> Result<Response, Refusal> {
    let Request { model, messages, tools, tool_choice, logprobs, top_logprobs, fields } = request;
    app.check_model(model.as_deref())?;
    fields.check(top_logprobs.unwrap_or(0))?;
    let tools = chosen(tools.unwrap_or_default(), tool_choice)?;
    let tool_calls = tool_calls(&app, &tools)?;
    let messages = normalized(messages)?;
    let permit = app.admit(fields.n())?;
    let prompt = prompt(&app, messages, tools).await?;
    let with_logprobs = logprobs.unwrap_or(false);
    let n_top = if with_logprobs { top_logprobs.unwrap_or(0) } else { 0 };
    let first = fields.request(&app, prompt.clone(), None, n_top)?;
    // Calls begin with tokens that are no text in some families.
    let specials = if tool_calls.is_some() { SpecialTokens::WrittenOut } else { SpecialTokens::LeftAway };
    let begin =
        (0..fields.n()).map(|idx| Choice::begin(&app, idx, nth(&first, idx), fields.stops(), specials));
    let mut choices = try_join_all(begin).await?;
    let form = Form {
        id: format!("chatcmpl-{:032x}", rand::random::<u128>()),
        created: app.unix_seconds(),
        prompt,
        tool_calls,
        with_logprobs,
        with_token_ids: fields.returns_token_ids(),
        with_usage: fields.includes_usage(),
        app: Arc::clone(&app),
    };
    if fields.streams() {
        return Ok(sse::respond(form.stream(choices).boxed(), permit));
    }
    let pieces = try_join_all(choices.iter_mut().map(Choice::rest)).await?;
    drop(permit);
    Ok(Json(form.whole(pieces)).into_response())
}

/// The tools that may be called.
fn chosen(tools: Vec<Value>, choice: Option<Value>) -> Result<Vec<Value>, Refusal> {
    match choice {
        None => Ok(tools),
        Some(choice) if choice == "auto" => Ok(tools),
        Some(choice) if choice == "none" => Ok(Vec::new()),
        Some(_) => Err(Refusal::invalid("tool_choice", "only `auto` and `none` are supported")),
    }
}

fn tool_calls(app: &App, tools: &[Value]) -> Result<Option<ToolCallStyle>, Refusal> {
    if tools.is_empty() {
        return Ok(None);
    }
    let style = app.served.tokenizer.tool_call_style();
    style.map(Some).ok_or_else(|| Refusal::invalid("tools", "the chat template of this model knows no tools"))
}

/// Rendering and encoding a long chat takes too long for the runtime's workers.
async fn prompt(app: &App, messages: Vec<Value>, tools: Vec<Value>) -> Result<Vec<u32>, Refusal> {
    let tokenizer = Arc::clone(&app.served.tokenizer);
    let render = move || {
        let text = tokenizer.render_tool_chat(&messages, &tools, true)?;
        Ok::<_, data::Error>(tokenizer.encode(&text))
    };
    let rendered = tokio::task::spawn_blocking(render).await;
    let rendered = rendered.map_err(|error| Refusal::body(format!("the chat cannot be encoded: {error}")))?;
    rendered.map_err(|error| Refusal::invalid("messages", error.to_string()))
}

impl Form {
    fn whole(&self, pieces: Vec<Piece>) -> Value {
        let n_tokens = pieces.iter().map(|piece| piece.tokens.len()).sum();
        let choices = pieces.into_iter().enumerate().map(|(index, piece)| {
            let mut text = ReplyText::new(self.tool_calls);
            let Growth { content, calls } = text.grow(&piece.text, piece.finish.is_some());
            let mut message = json!({"role": "assistant", "content": content, "refusal": null});
            if !calls.is_empty() {
                message["content"] = if content.is_empty() { Value::Null } else { json!(content) };
                message["tool_calls"] = calls.iter().map(reply::call).collect();
            }
            self.choice(index, ("message", message), &piece, &text)
        });
        let mut whole = self.envelope("chat.completion", choices.collect(), Some(self.usage(n_tokens)));
        if self.with_token_ids {
            whole["prompt_token_ids"] = json!(self.prompt);
        }
        whole
    }

    fn stream(self, choices: Vec<Choice>) -> impl stream::Stream<Item = Result<Value, Refusal>> + Send {
        let form = Arc::new(self);
        let heads: Vec<_> = (0..choices.len()).map(|index| Ok((form.head(index), 0))).collect();
        let pieces = choices.into_iter().map(|choice| {
            let form = Arc::clone(&form);
            let text = ReplyText::new(form.tool_calls);
            let grow = move |(mut choice, mut text): (Choice, ReplyText)| {
                let form = Arc::clone(&form);
                async move {
                    let piece = choice.next().await?;
                    let shown =
                        piece.map(|piece| (form.chunk(choice.index, &piece, &mut text), piece.tokens.len()));
                    Some((shown, (choice, text)))
                }
            };
            stream::unfold((choice, text), grow).boxed()
        });
        let chunks = stream::iter(heads).chain(stream::select_all(pieces));
        with_usage(chunks.boxed(), form.with_usage, move |n_tokens| {
            form.envelope("chat.completion.chunk", Vec::new(), Some(form.usage(n_tokens)))
        })
    }

    /// The first chunk of a choice: who speaks.
    fn head(&self, index: usize) -> Value {
        let delta = json!({"role": "assistant", "content": ""});
        let choice = json!({"index": index, "delta": delta, "logprobs": null, "finish_reason": null});
        let mut head = self.envelope("chat.completion.chunk", vec![choice], None);
        if self.with_token_ids {
            head["prompt_token_ids"] = json!(self.prompt);
        }
        head
    }

    fn chunk(&self, index: usize, piece: &Piece, text: &mut ReplyText) -> Value {
        let Growth { content, calls } = text.grow(&piece.text, piece.finish.is_some());
        let mut delta = json!({});
        if !content.is_empty() {
            delta["content"] = json!(content);
        }
        if !calls.is_empty() {
            let shown = calls.iter().enumerate().map(|(at, call)| {
                let mut shown = reply::call(call);
                shown["index"] = json!(at);
                shown
            });
            delta["tool_calls"] = shown.collect();
        }
        let choice = self.choice(index, ("delta", delta), piece, text);
        self.envelope("chat.completion.chunk", vec![choice], None)
    }

    fn choice(&self, index: usize, (name, said): (&str, Value), piece: &Piece, text: &ReplyText) -> Value {
        let logprobs =
            self.with_logprobs.then(|| logprobs::of_chat(&self.app.served.tokenizer, &piece.tokens));
        let finish = piece.finish.map(|finish| if text.has_calls() { "tool_calls" } else { finish });
        let mut choice = json!({"index": index, "logprobs": logprobs, "finish_reason": finish});
        choice[name] = said;
        if self.with_token_ids {
            choice["token_ids"] = piece.tokens.iter().map(|token| token.token_id).collect();
        }
        choice
    }

    fn envelope(&self, object: &str, choices: Vec<Value>, usage: Option<Value>) -> Value {
        json!({"id": self.id, "object": object, "created": self.created, "model": self.app.served.name,
               "choices": choices, "usage": usage})
    }

    fn usage(&self, n_tokens: usize) -> Value {
        usage(self.prompt.len(), n_tokens)
    }
}
