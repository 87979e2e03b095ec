//! A person at the table: plays a hand line by line, in a terminal or through a pipe.
//!
//! The person is a [`crate::Policy`] like any other, asked through a [`Console`], so that a hand is an episode with its
//! trajectory. The other seat is the environment's own opponent, or another [`Player`]: then the environment's opponent
//! must be [`schema::OpponentKind::SelfPlay`].

mod advisor;
mod console;
mod person;
mod sheet;
mod words;

use std::sync::Arc;

use schema::{StopReason, Trajectory};
use tokio_util::sync::CancellationToken;

pub use self::advisor::{Advice, Advisor, CfrAdvisor};
pub use self::console::Console;
use self::person::Person;
use self::sheet::Sheet;
use crate::{EnvSource, EpisodeSpec, Player, RunInfo, Start, play_each_other, play_episode};

/// Turns of a hand at most: far beyond the longest game.
const MAX_TURNS: u32 = 1000;

/// A hand to play.
#[derive(Clone)]
pub struct Hand {
    /// Game, deal, opponent.
    pub start: Start,
    /// Number of the hand in its file.
    pub group: u64,
    /// Who sits on the other seat, if it is not the environment's own opponent, and the seat that is the person's.
    pub against: Option<(Player, u8)>,
    /// Who is asked for hints, in this order.
    pub advisors: Vec<Arc<dyn Advisor>>,
}

/// Plays a hand and returns its trajectories, the person's first. If the person leaves, or the input ends, it is
/// [`StopReason::Cancelled`].
///
/// Dropping the future frees the episode and loses the trajectories.
pub async fn play_hand(
    hand: &Hand,
    source: &dyn EnvSource,
    console: &Console,
    cancel: &CancellationToken,
) -> Vec<Trajectory> {
    let left = cancel.child_token();
    let person = Person::new(console.clone(), hand.advisors.clone(), left.clone());
    let run = RunInfo::new("play", hand.start.seed);
    let mut player = Player::new(Arc::new(person), Arc::new(Sheet::default()), run);
    player.limits.max_turns = MAX_TURNS;
    let spec = EpisodeSpec { group: hand.group, rollout: 0, start: hand.start };
    let trajectories = match &hand.against {
        None => vec![play_episode(&player, source, spec, &left).await],
        Some((other, seat)) => {
            let other = Player { run: player.run.clone(), ..other.clone() };
            let is_first = *seat == 0;
            let players = if is_first { [&player, &other] } else { [&other, &player] };
            let [first, second] = play_each_other(players, source, spec, &left).await;
            if is_first { vec![first, second] } else { vec![second, first] }
        }
    };
    console.tell(ending(&trajectories[0])).await;
    trajectories
}

/// How it ended, from the person's side.
fn ending(own: &Trajectory) -> String {
    match (own.stop_reason, own.raw_return) {
        (StopReason::Done, Some(value)) => {
            let verdict = match value {
                _ if value > 0.0 => "you win",
                _ if value < 0.0 => "you lose",
                _ => "a draw",
            };
            format!(
                "\nThe hand is over: {verdict}. Your return is {value:+}, your score {:.3}.\n",
                own.reward
            )
        }
        (StopReason::Cancelled, _) => "\nYou left the table.\n".to_owned(),
        (reason, _) => format!("\nThe hand ended early ({reason:?}) {}\n", own.error),
    }
}
