//! Opponents in liar's dice as tables: rules of thumb, and a model of a searcher that sees both hands.

use std::borrow::Cow;

use super::hands::{BIDS, HANDS, Hands, LIAR, STANDINGS};
use super::searcher::Searcher;
use super::table::{Columns, Rows, legal};

/// Temperatures of the bidders that draw by how likely a bid is to hold.
pub(super) const TEMPERATURES: [f32; 4] = [0.1, 0.2, 0.3, 0.5];

/// How much the searcher counts. The exact scores against searcher, threshold bot, public recipe and average policy are
/// 0.776, 0.776, 0.613, 0.528 for 4; 0.798, 0.748, 0.572, 0.520 for 8; 0.824, 0.676, 0.479, 0.500 for 20; and nothing
/// scores more than 0.836 against the searcher. Rivals are like the others: their score may not be given away for it.
const SEARCHER: f32 = 6.0;

/// An opponent.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    /// How much its score counts where scores are traded off.
    pub(super) weight: f32,
    play: Play,
}

#[derive(Clone, Debug)]
enum Play {
    /// From the own hand; by seat.
    Table(Box<[Columns; 2]>),
    /// From both hands.
    Searcher(Box<Searcher>),
}

impl Member {
    pub(super) fn table(name: &'static str, weight: f32, seats: [&Rows; 2]) -> Self {
        Self { name, weight, play: Play::Table(Box::new(seats.map(Columns::of))) }
    }

    /// Its policy in `seat` against an opponent who holds `hand`.
    pub(super) fn columns(&self, hands: &Hands, seat: usize, hand: usize) -> Cow<'_, Columns> {
        match &self.play {
            Play::Table(seats) => Cow::Borrowed(&seats[seat]),
            Play::Searcher(searcher) => Cow::Owned(searcher.columns(hands, hand)),
        }
    }
}

/// Rules of thumb, `searcher`, and `average` (by seat), the policy that is hard to exploit.
pub(super) fn reference(hands: &Hands, average: &[Rows; 2], searcher: Searcher) -> Vec<Member> {
    let both = |name, weight, rows: &Rows| Member::table(name, weight, [rows, rows]);
    let mut members = vec![
        both("threshold", 1.0, &threshold(hands)),
        both("public", 1.0, &public(hands)),
        Member { name: "searcher", weight: SEARCHER, play: Play::Searcher(Box::new(searcher)) },
        Member::table("average", 2.0, [&average[0], &average[1]]),
    ];
    let names = ["softmax-0.1", "softmax-0.2", "softmax-0.3", "softmax-0.5"];
    for (name, temperature) in names.into_iter().zip(TEMPERATURES) {
        members.push(both(name, 0.5, &softmax(hands, temperature)));
    }
    members
}

/// Calls a bid that is likelier to fail than to hold, given the own dice; else bids what is likeliest to hold.
pub(super) fn threshold(hands: &Hands) -> Rows {
    let chances = hands.match_chances(&hands.prior);
    Rows::by(|hand, standing, weights| {
        let truth = |id| hands.truth(id, hand, &chances);
        let calls = standing == BIDS || (standing > 0 && truth(standing - 1) < 0.5);
        weights[if calls { LIAR } else { first_best(standing..BIDS, truth) }] = 1.0;
    })
}

/// Whatever is likeliest to be right, a bid or calling; the other's dice are guessed from its bid, as if it bid by
/// [`softmax`] with one of the temperatures.
pub(super) fn public(hands: &Hands) -> Rows {
    let likelihood = bid_likelihoods(hands);
    let chances: Vec<_> = (0..STANDINGS)
        .map(|standing| {
            let Some(id) = standing.checked_sub(1) else { return hands.match_chances(&hands.prior) };
            let belief = hands.prior.iter().zip(&likelihood[id]);
            hands.match_chances(&belief.map(|(prior, likelihood)| prior * likelihood).collect::<Vec<f32>>())
        })
        .collect();
    Rows::by(|hand, standing, weights| {
        let right = |id| right(hands, hand, standing, id, &chances[standing]);
        weights[first_best(legal(standing), right)] = 1.0;
    })
}

/// Draws among all actions with weights exp(p / `temperature`), p the probability of being right given the own dice.
pub(super) fn softmax(hands: &Hands, temperature: f32) -> Rows {
    let chances = hands.match_chances(&hands.prior);
    Rows::by(|hand, standing, weights| {
        for id in legal(standing) {
            weights[id] = (right(hands, hand, standing, id, &chances) / temperature).exp();
        }
    })
}

/// How likely an action is right: a bid holds, a called bid does not.
fn right(hands: &Hands, hand: usize, standing: usize, id: usize, chances: &[[f32; 6]; 6]) -> f32 {
    if id == LIAR { 1.0 - hands.truth(standing - 1, hand, chances) } else { hands.truth(id, hand, chances) }
}

/// For each bid, how likely each hand makes it as a first bid, mean of the temperatures.
fn bid_likelihoods(hands: &Hands) -> Vec<Vec<f32>> {
    let mut likelihood = vec![vec![0.0; HANDS]; BIDS];
    for temperature in TEMPERATURES {
        let rows = softmax(hands, temperature);
        for (id, likelihood) in likelihood.iter_mut().enumerate() {
            likelihood.iter_mut().enumerate().for_each(|(hand, sum)| *sum += rows.at(hand, 0)[id]);
        }
    }
    likelihood
}

/// The first of the best.
fn first_best(mut ids: std::ops::Range<usize>, worth: impl Fn(usize) -> f32) -> usize {
    let first = ids.next().expect("there is a legal action");
    ids.fold((first, worth(first)), |best, id| {
        let worth = worth(id);
        if worth > best.1 { (id, worth) } else { best }
    })
    .0
}
