//! What `croupier rollout serve` is asked.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct RolloutServeArgs {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// Port; 0 takes a free one.
    #[arg(long, default_value_t = 8300)]
    pub(crate) port: u16,
    /// random, first-legal, last-legal or prefer:ID,ID, where no model plays.
    #[arg(long, default_value = "random", conflicts_with_all = ["model", "policy_url"])]
    pub(crate) policy: String,
    /// Model folder: it plays in this process.
    #[arg(long, conflicts_with = "policy_url")]
    pub(crate) model: Option<PathBuf>,
    /// Adapter folder of the model.
    #[arg(long, requires = "model")]
    pub(crate) adapter: Option<PathBuf>,
    /// OpenAI-compatible server whose model plays, e.g. http://127.0.0.1:8000/v1: croupier serve, vLLM or SGLang.
    #[arg(long, value_name = "URL", requires = "tokenizer")]
    pub(crate) policy_url: Option<String>,
    /// The model's name there [default: the first that it lists].
    #[arg(long, value_name = "NAME", requires = "policy_url")]
    pub(crate) policy_model: Option<String>,
    /// Key of that server.
    #[arg(long, value_name = "KEY", env = "POLICY_API_KEY", hide_env_values = true)]
    pub(crate) policy_key: Option<String>,
    /// Seconds for one completion there.
    #[arg(long, default_value_t = 120.0)]
    pub(crate) policy_timeout: f64,
    /// Tokenizer folder of the model at --policy-url, or for policies without a model [default: bytes].
    #[arg(long, conflicts_with = "model")]
    pub(crate) tokenizer: Option<PathBuf>,
    /// Games to offer, comma separated [default: all].
    #[arg(long, value_delimiter = ',')]
    pub(crate) games: Vec<String>,
    /// Sidecars, comma separated [default: ENVIRONMENT_SERVER_URLS, else in-process].
    #[arg(long, env = "ENVIRONMENT_SERVER_URLS")]
    pub(crate) urls: Option<String>,
    /// Episodes at once per sidecar.
    #[arg(long, default_value_t = 4, env = "ROLLOUT_WORKERS")]
    pub(crate) workers: u32,
    /// Deadline of one step of a sidecar in seconds.
    #[arg(long, default_value_t = 60.0)]
    pub(crate) step_timeout: f64,
    /// Folder for groups that no client has acknowledged yet [default: the system's temporary folder].
    #[arg(long, value_name = "DIR")]
    pub(crate) spool: Option<PathBuf>,
    /// Bytes of such groups that one job may have before it pauses, e.g. 512M or 4G.
    #[arg(long, default_value = "1G", value_parser = super::serve::bytes)]
    pub(crate) spool_size: usize,
    /// Jobs that play at once.
    #[arg(long, default_value_t = 4)]
    pub(crate) max_running: usize,
    /// Jobs that are kept until they are deleted.
    #[arg(long, default_value_t = 64)]
    pub(crate) max_jobs: usize,
    /// Where tensors live.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
}
