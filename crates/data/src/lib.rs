//! Text to tokens and back: tokenizers, chat templates, tool calls, and the training of small tokenizers.
//!
//! Light and synchronous. Reads the files of an HF model folder (`tokenizer.json`, `tokenizer_config.json`,
//! `chat_template.jinja`, `generation_config.json`) as transformers 4 and 5 write them; weights are `model`'s.

mod bpe;
mod chat;
mod error;
mod files;
mod text_stream;
mod tokenizer;
mod tool_calls;

pub use bpe::{END_OF_TEXT, IM_END, IM_START, train_bpe};
pub use error::Error;
pub use text_stream::{SpecialTokens, TextStream};
pub use tokenizer::Tokenizer;
pub use tool_calls::{ToolCall, ToolCallStyle, ToolText, held_back};
