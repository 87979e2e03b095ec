//! Liar's dice with five dice each: policies of what a turn shows, solved exactly over all pairs of hands.
//!
//! A turn shows the own dice, the seat and the bid that stands, and no earlier bid. On these views the teacher first
//! finds a policy that is hard to exploit, and then the pure policy that takes most from a population: that policy,
//! the bots below, and a model of a searcher that sees both hands. At temperature 0 a model plays one move a view, so
//! the label is one move.

mod cfr;
mod hands;
mod population;
mod response;
mod row;
mod searcher;
mod table;

use std::sync::Arc;

use schema::{MatchMove, MatchView};

use crate::{Error, Player};
use hands::{Hands, STANDINGS, action};
use population::Member;
use searcher::Searcher;
use table::{Rows, legal, likeliest};

const GAME: &str = "liars_dice";
/// Of the searcher in the population; the evaluator's.
const SIMULATIONS: usize = 225;

/// How much is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Of CFR+; each takes about 0.2 s on one core.
    pub iterations: usize,
    /// Moves of a searcher that are watched to model it; about 0.3 ms each.
    pub watched: u32,
}

impl Default for Budget {
    /// About 20 s on one core.
    fn default() -> Self {
        Self { iterations: 20, watched: 10_000 }
    }
}

/// The pure response to the population.
#[derive(Clone, Debug)]
pub struct Teacher {
    hands: Hands,
    policy: [Rows; 2],
    measured: Vec<Measured>,
}

/// An exact score against one member of the population.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The opponent.
    pub opponent: &'static str,
    /// Wins as a share of games, mean of both seats, all pairs of hands.
    pub score: f64,
    /// The same for the policy that is hard to exploit.
    pub average_score: f64,
}

impl Teacher {
    /// Solves within `budget`; the same budget gives the same player.
    pub fn solve(budget: Budget) -> Self {
        let hands = Hands::new();
        let average = cfr::solve(&hands, budget.iterations);
        let population =
            population::reference(&hands, &average, Searcher::watch(SIMULATIONS, budget.watched));
        let start = average.each_ref().map(Rows::purified);
        let policy = [0, 1].map(|seat| response::respond(&hands, seat, &population, &start[seat]));
        let measure = |member: &Member| Measured {
            opponent: member.name,
            score: response::score(&hands, &policy, member),
            average_score: response::score(&hands, &average, member),
        };
        let measured = population.iter().map(measure).collect();
        Self { hands, policy, measured }
    }

    /// Exact scores against the population it was made for.
    pub fn measured(&self) -> &[Measured] {
        &self.measured
    }
}

impl Player for Teacher {
    fn name(&self) -> String {
        "liars_dice/teacher".to_owned()
    }

    fn answer(&self, view: &MatchView, _draw: f64) -> Result<MatchMove, Error> {
        let (hand, standing) = read(&self.hands, view)?;
        let weights = self.policy[view.seat.min(1)].at(hand, standing);
        Ok(MatchMove::plain(action(likeliest(weights, standing))))
    }
}

/// A rule of thumb.
struct Bot {
    name: &'static str,
    hands: Hands,
    policy: Rows,
}

impl Player for Bot {
    fn name(&self) -> String {
        format!("{GAME}/{}", self.name)
    }

    fn answer(&self, view: &MatchView, draw: f64) -> Result<MatchMove, Error> {
        let (hand, standing) = read(&self.hands, view)?;
        let weights = self.policy.at(hand, standing);
        let mut left = draw as f32;
        let drawn = legal(standing).find(|&id| {
            left -= weights[id];
            left < 0.0
        });
        // Rounding may leave a rest.
        Ok(MatchMove::plain(action(drawn.unwrap_or_else(|| likeliest(weights, standing)))))
    }
}

/// The bot of this name, without the game's.
pub(crate) fn bot(name: &str) -> Option<Arc<dyn Player>> {
    let hands = Hands::new();
    let (name, policy) = match name {
        "threshold" => ("threshold", population::threshold(&hands)),
        "public" => ("public", population::public(&hands)),
        _ => return None,
    };
    Some(Arc::new(Bot { name, hands, policy }))
}

/// The own hand, and the number of bids that can no longer be made.
fn read(hands: &Hands, view: &MatchView) -> Result<(usize, usize), Error> {
    let unreadable = |what| Error::Unreadable { game: GAME, what, text: view.state.clone() };
    let dice = view.state.split_once("Your dice: [").and_then(|(_, rest)| rest.split_once(']'));
    let faces =
        dice.map(|(dice, _)| dice.split(',').map_while(|die| die.trim().parse().ok()).collect::<Vec<u8>>());
    let hand = faces.and_then(|faces| hands.find(&faces)).ok_or_else(|| unreadable("five own dice"))?;
    let Some((_, bid)) = view.state.split_once("Current bid: \"") else { return Ok((hand, 0)) };
    let quoted = bid.split_once('"').and_then(|(bid, _)| bid.split_once('-'));
    let bid = quoted.and_then(|(quantity, face)| Some((quantity.parse().ok()?, face.parse().ok()?)));
    let (quantity, face): (usize, usize) = bid.ok_or_else(|| unreadable("the current bid"))?;
    let is_bid = (1..=2 * hands::DICE).contains(&quantity) && (1..=hands::SIDES).contains(&face);
    let standing = (quantity * hands::SIDES + face).checked_sub(hands::SIDES).filter(|_| is_bid);
    let standing = standing.ok_or_else(|| unreadable("a bid that can be"))?;
    debug_assert!(standing < STANDINGS, "the last bid is ten sixes");
    Ok((hand, standing))
}

#[cfg(test)]
mod tests;
