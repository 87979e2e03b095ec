//! What `croupier serve` is asked.

use std::path::PathBuf;

use clap::Args;

use super::WeightType;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  croupier serve DIR\n  croupier serve runs/…/base --adapter runs/…/adapter --port 0\n  croupier serve DIR --dtype bf16 --max-context 8192 --kv-memory 8G\n\nThen, with the address that it prints:\n  OpenAI(base_url=\"http://127.0.0.1:8080/v1\", api_key=\"none\")"
)]
pub(crate) struct ServeModelArgs {
    /// Model folder.
    pub(crate) model: PathBuf,
    /// Adapter folder.
    #[arg(long)]
    pub(crate) adapter: Option<PathBuf>,
    /// What clients call the model [default: the folder's name].
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// Port; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// Type of the matrices; on a CPU everything else stays f32.
    #[arg(long, value_enum, default_value_t = WeightType::F32)]
    pub(crate) dtype: WeightType,
    /// Completions at once.
    #[arg(long, default_value_t = 64)]
    pub(crate) max_sequences: usize,
    /// Completions that may wait beyond that; more are answered with 503.
    #[arg(long, default_value_t = 256)]
    pub(crate) max_waiting: usize,
    /// Tokens of a prompt and its completion [default: the model's own, at most 4096].
    #[arg(long)]
    pub(crate) max_context: Option<usize>,
    /// Memory of keys and values, e.g. 512M or 4G.
    #[arg(long, default_value = "2G", value_parser = bytes)]
    pub(crate) kv_memory: usize,
    /// Seconds after which a completion ends as it then is.
    #[arg(long, default_value_t = 600)]
    pub(crate) deadline: u64,
    /// auto, cpu, cuda or cuda:N.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
}

/// A number of bytes with K, M or G.
pub(super) fn bytes(text: &str) -> Result<usize, String> {
    let (number, shift) = match text.trim().to_ascii_uppercase().trim_end_matches("IB").trim_end_matches('B')
    {
        kilo if kilo.ends_with('K') => (kilo.trim_end_matches('K').to_owned(), 10),
        mega if mega.ends_with('M') => (mega.trim_end_matches('M').to_owned(), 20),
        giga if giga.ends_with('G') => (giga.trim_end_matches('G').to_owned(), 30),
        plain => (plain.to_owned(), 0),
    };
    let number: usize = number.trim().parse().map_err(|_| format!("`{text}` is no number of bytes"))?;
    number.checked_mul(1 << shift).filter(|&bytes| bytes > 0).ok_or_else(|| format!("{text} is out of range"))
}

#[cfg(test)]
mod tests;
