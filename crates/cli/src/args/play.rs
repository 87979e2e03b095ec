//! What `croupier play` is asked.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  croupier play leduc_poker\n  croupier play gin_rummy --opponent random --seat 1 --seed 7 --save hands.jsonl\n  croupier play leduc_poker --opponent model:runs/…/base --adapter runs/…/adapter\n  printf 'call\\ncall\\ncall\\n' | croupier play leduc_poker"
)]
pub(crate) struct PlayArgs {
    /// leduc_poker, kuhn_poker, liars_dice or gin_rummy.
    pub(crate) game: String,
    /// random, mcts, cfr (leduc_poker and kuhn_poker) or model:DIR.
    #[arg(long, default_value = "mcts")]
    pub(crate) opponent: String,
    /// Adapter folder of the model.
    #[arg(long)]
    pub(crate) adapter: Option<PathBuf>,
    /// Model folder that is asked for hints; a model that is the opponent gives them anyway. A model is shown the game as
    /// `train text` would show it: match play's turns, or short ones if it cannot read so much.
    #[arg(long)]
    pub(crate) model: Option<PathBuf>,
    /// MCTS simulations a move.
    #[arg(long, default_value_t = 25)]
    pub(crate) simulations: u32,
    /// A running sidecar, instead of the games of this program.
    #[arg(long, value_name = "URL")]
    pub(crate) sidecar: Option<String>,
    /// Your seat; if it is not the seed's own, the next seed that fits is played [default: seed modulo 2].
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=1))]
    pub(crate) seat: Option<u8>,
    /// Deal and the opponent's draws [default: another one each time].
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// File of trajectories that the hand is added to.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Where the model's tensors live.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
}
