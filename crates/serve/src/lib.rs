//! An OpenAI-compatible server on the engine: chat completions with tools, completions, models, health.
//!
//! # Layout
//! - [`serve`], [`Server`]: the socket and its end; `routes`: what is answered where
//! - `chat`, `completions`: one endpoint each, whole or as server-sent events
//! - `sampling`: the fields that both have; `choice`: one completion as text, with its stop strings
//! - `refusal`: errors as OpenAI's clients expect them
//!
//! Beyond OpenAI's fields it takes vLLM's `top_k`, `min_p`, `stop_token_ids`, `guided_choice` and `return_token_ids`.
//! A field that would change the result and is not supported is refused, never ignored; fields that say nothing about
//! the result (`user`, `metadata`, …) are ignored.
//!
//! What it does not know: weights, files, arguments.

mod chat;
mod choice;
mod completions;
mod error;
mod logprobs;
mod refusal;
mod routes;
mod sampling;
mod server;
mod sse;

pub use error::Error;
pub use server::{ServeConfig, Served, Server, serve};
