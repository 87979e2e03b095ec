//! Text to tokens and back: tokenizers, chat templates, tool calls, data sets, and the training of small tokenizers.
//!
//! [`load_instruct`] and its siblings read a data file and give what the evaluator of the tournament would score, token
//! for token: what is learnt is what is asked.
//!
//! Light and synchronous. Reads the files of an HF model folder (`tokenizer.json`, `tokenizer_config.json`,
//! `chat_template.jinja`, `generation_config.json`) as transformers 4 and 5 write them; weights are `model`'s.

mod bpe;
mod chat;
mod dataset;
mod encoded;
mod error;
mod files;
mod python_format;
mod records;
mod rows;
mod sequence_limit;
mod split;
mod text_stream;
mod tokenizer;
mod tool_calls;
mod verify;

pub use bpe::{END_OF_TEXT, IM_END, IM_START, train_bpe};
pub use dataset::{Counts, Dataset, Reason, Source};
pub use encoded::Encoded;
pub use error::Error;
pub use records::read_records;
pub use rows::{Pair, Prompt, load_chat, load_dpo, load_grpo, load_instruct};
pub use sequence_limit::SequenceLimit;
pub use split::{Split, VALIDATION_SHARE};
pub use text_stream::{SpecialTokens, TextStream};
pub use tokenizer::Tokenizer;
pub use tool_calls::{ToolCall, ToolCallStyle, ToolText, held_back};
pub use verify::verify_rows;
