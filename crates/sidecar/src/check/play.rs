//! Checks that play: deals, leaks, determinism, refusals, results.

use std::sync::Arc;

use games::rng::RandomState;
use games::{Player, State};
use schema::EnvName;
use schema::env_api::EnvResult;

use super::probe::{Probe, Start, body, play};
use super::{CheckOptions, Finding, Problem, ensure};
use crate::text::legal_ids;
use crate::{Catalog, Variant, text};

/// The agent's own cards are those that `RandomState(seed + 100)` deals.
pub(super) async fn deal(probe: &Probe, options: &CheckOptions, game: EnvName) -> Finding {
    let mut n_same = 0;
    for index in 0..options.episodes {
        let start = Start::new(options, game, index);
        let reply = probe.reset(&start).await?;
        probe.stop(&reply).await?;
        let own = Deal::of(&start, game)?.hand((start.seed % 2) as usize);
        n_same += usize::from(body(&reply.observation).contains(&own));
    }
    let seen = format!("{n_same} of {} deals are those of numpy's RandomState(seed + 100)", options.episodes);
    if n_same == options.episodes { Ok(seen) } else { Err(Problem::Warn(seen)) }
}

/// What only the opponent may know is in no observation.
pub(super) async fn hidden(probe: &Probe, options: &CheckOptions, game: EnvName) -> Finding {
    let mut n_observations = 0;
    for index in 0..options.episodes {
        let start = Start::new(options, game, index);
        let seat = (start.seed % 2) as usize;
        let deal = Deal::of(&start, game)?;
        let (own, secret) = (deal.hand(seat), deal.hand(1 - seat));
        let replies = play(probe, &start, options.seed + index as u64).await?;
        for reply in replies.iter().filter(|reply| !reply.done) {
            n_observations += 1;
            let text = body(&reply.observation);
            if game == EnvName::GinRummy {
                ensure(!shows_cards(text, 1 - seat), || format!("the opponent's cards are shown: {text:?}"))?;
            } else if text.contains(&own) {
                ensure(secret == own || !text.contains(&secret), || {
                    format!("{secret:?} is shown to player {seat}")
                })?;
            } else {
                return Err(Problem::Warn("the deal is not the seed's, so leaks cannot be told".to_owned()));
            }
        }
    }
    Ok(format!("nothing of the opponent's in {n_observations} observations"))
}

/// The same start and the same moves give the same replies, also against MCTS; another seed gives another deal.
pub(super) async fn determinism(probe: &Probe, options: &CheckOptions, game: EnvName) -> Finding {
    let mut first_observations = Vec::new();
    for index in 0..options.episodes {
        let start = Start::new(options, game, index);
        // A search is cheap everywhere but in gin_rummy, where the original takes 40 ms a move.
        let start = if index % 2 == 1 && game != EnvName::GinRummy { start.against_mcts() } else { start };
        let seed = options.seed + index as u64;
        let (once, again) = (play(probe, &start, seed).await?, play(probe, &start, seed).await?);
        let differs = once.iter().zip(&again).position(|(one, other)| without_id(one) != without_id(other));
        ensure(once.len() == again.len() && differs.is_none(), || {
            format!(
                "task_id {} seed {} went differently at turn {}",
                start.task_id,
                start.seed,
                differs.unwrap_or(once.len())
            )
        })?;
        first_observations.push(once[0].observation.clone());
    }
    first_observations.sort_unstable();
    first_observations.dedup();
    ensure(first_observations.len() > 1 || options.episodes < 2, || {
        "all seeds give the same deal".to_owned()
    })?;
    Ok(format!("{} episodes went the same way twice", options.episodes))
}

/// Illegal and unreadable actions cost 0.01, leave the game as it is, and name the error.
pub(super) async fn illegal(probe: &Probe, options: &CheckOptions, game: EnvName) -> Finding {
    let reset = probe.reset(&Start::new(options, game, 0)).await?;
    let before = probe.state(&reset).await?;
    for action in ["99999", "I do not know", "", "9999 then 1"] {
        let reply = probe.step(&reset, action).await?;
        let kind = reply.info.error.as_ref().map_or("", |error| error.kind.as_str());
        ensure(reply.reward == -0.01 && !reply.done && kind == "invalid_action", || {
            format!("action {action:?}: reward {}, done {}, error {kind:?}", reply.reward, reply.done)
        })?;
        ensure(reply.observation.starts_with(&format!("Invalid action: \"{action}\"")), || {
            format!("action {action:?} is answered with {:?}", reply.observation)
        })?;
    }
    let after = probe.state(&reset).await?;
    ensure(before == after, || "the game has changed after refused actions".to_owned())?;
    let legal = legal_ids(&reset.observation);
    let action = format!("I choose -{}, not 99999.", legal.first().copied().unwrap_or_default());
    let reply = probe.step(&reset, &action).await?;
    probe.stop(&reset).await?;
    ensure(reply.info.error.is_none(), || {
        format!("{action:?} is refused, though its first number is legal")
    })?;
    Ok("-0.01 and invalid_action; the first run of digits counts".to_owned())
}

/// The last reward is the normalised return of the text; afterwards it is not repeated.
pub(super) async fn terminal(probe: &Probe, options: &CheckOptions, game: EnvName) -> Finding {
    let mut scores = Vec::new();
    for index in 0..options.episodes {
        let start = Start::new(options, game, index);
        let replies = play(probe, &start, options.seed + index as u64).await?;
        let last = &replies[replies.len() - 1];
        ensure(last.done && !last.truncated, || format!("not over after {} turns", replies.len() - 1))?;
        ensure(replies[..replies.len() - 1].iter().all(|reply| reply.reward == 0.0), || {
            "a move before the last has a reward".to_owned()
        })?;
        let value = value_of(&last.observation, "Your Return: ")?;
        let score = value / (2.0 * game.half_range()) + 0.5;
        ensure((last.reward - score).abs() < 1e-9, || {
            format!("return {value} is rewarded with {}", last.reward)
        })?;
        scores.push(score);
    }
    Ok(format!("scores {scores:.3?}"))
}

/// What a start deals, before the first decision.
struct Deal {
    game: EnvName,
    variant: Arc<Variant>,
    state: Box<dyn State>,
}

impl Deal {
    fn of(start: &Start, game: EnvName) -> Result<Self, Problem> {
        let catalog = Catalog::new(&[game])?;
        let variant =
            catalog.variant(start.task_id).ok_or_else(|| Problem::Fail(format!("{game} has no task ids")))?;
        let mut state = variant.game.new_initial_state();
        let mut random = RandomState::new((start.seed + 100) as u32);
        let mut outcomes = Vec::new();
        while state.current_player() == Player::Chance {
            state.chance_outcomes(&mut outcomes);
            let drawn = random.choice_weighted_by(outcomes.iter().map(|&(_, probability)| probability));
            state.apply(outcomes[drawn].0);
        }
        Ok(Self { game, variant: Arc::clone(variant), state })
    }

    /// How the hand of a seat is written in its observations.
    fn hand(&self, seat: usize) -> String {
        let text = text::state_text(self.variant.game.as_ref(), self.state.as_ref(), seat);
        if self.game == EnvName::GinRummy {
            return box_rows(&text, seat).join("\n");
        }
        // The card or the dice of the first line, without the words around them.
        let line = text.lines().next().unwrap_or_default();
        let shown = line.split_once(": ").map_or(line, |(_, shown)| shown);
        shown.split_once(" (").map_or(shown, |(dice, _)| dice).to_owned()
    }
}

/// Rows of a player's box of cards in gin_rummy.
fn box_rows(text: &str, seat: usize) -> Vec<String> {
    let section = text.split_once(&format!("Player{seat}:")).map_or("", |(_, section)| section);
    section.lines().filter(|line| line.starts_with('|')).take(4).map(str::to_owned).collect()
}

fn shows_cards(text: &str, seat: usize) -> bool {
    box_rows(text, seat).iter().any(|row| row.chars().any(|c| c != '|' && c != ' '))
}

fn without_id(reply: &EnvResult) -> EnvResult {
    EnvResult { episode_id: None, ..reply.clone() }
}

fn value_of(text: &str, label: &str) -> Result<f64, Problem> {
    let value =
        text.split_once(label).and_then(|(_, rest)| rest.lines().next()).and_then(|value| value.parse().ok());
    value.ok_or_else(|| Problem::Fail(format!("no {label:?} in {text:?}")))
}
