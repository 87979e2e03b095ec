//! Unit cases of gin rummy's melds: deadwood, legal melds and discards, lay-offs, the table of melds.

use games::gin_rummy::cards::{CARDS, Card, CardSet};
use games::gin_rummy::{deadwood, melds};
use schema::VerifyReport;
use serde::Deserialize;

/// Above any hand's value: every meld may be laid.
const ANY: i32 = 98;
/// Cards of the largest hand, the drawn one included.
const MAX_HAND: usize = 11;

/// A line of the file.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Hand(HandCase),
    Table { meld_table: Vec<(u8, Vec<Card>)> },
}

#[derive(Deserialize)]
struct HandCase {
    hand_size: usize,
    knock_card: i32,
    hand: Vec<Card>,
    min_deadwood: i32,
    legal_melds_knock: Vec<u8>,
    legal_melds_any: Vec<u8>,
    legal_discards: Option<Vec<Card>>,
    layoffs: Option<Layoffs>,
}

#[derive(Deserialize)]
struct Layoffs {
    laid: Vec<u8>,
    /// Cards already laid off, and the cards that may be laid off then.
    chain: Vec<(Vec<Card>, Vec<Card>)>,
}

/// Checks one line.
pub(super) fn check(line: &str, number: usize, report: &mut VerifyReport) {
    let case = format!("line {number}");
    match serde_json::from_str(line) {
        Err(error) => super::malformed(number, &error, report),
        Ok(Line::Hand(hand)) => check_hand(&case, &hand, report),
        Ok(Line::Table { meld_table }) => check_table(&meld_table, report),
    }
}

fn check_hand(case: &str, recorded: &HandCase, report: &mut VerifyReport) {
    report.cases += 1;
    let HandCase { hand_size, knock_card, .. } = *recorded;
    let Some(hand) = hand_of(&recorded.hand) else {
        return report.equal(
            case,
            "hand",
            "at most eleven different cards",
            &*format!("{:?}", recorded.hand),
        );
    };
    report.equal(case, "min_deadwood", &deadwood::min_deadwood(hand, hand_size), &recorded.min_deadwood);
    let legal_melds = |knock_card| deadwood::legal_melds(hand, knock_card).collect::<Vec<_>>();
    report.equal(case, "legal_melds_knock", &legal_melds(knock_card), &recorded.legal_melds_knock);
    report.equal(case, "legal_melds_any", &legal_melds(ANY), &recorded.legal_melds_any);
    if let Some(discards) = &recorded.legal_discards {
        let got: Vec<Card> = deadwood::legal_discards(hand, knock_card, hand_size).iter().collect();
        report.equal(case, "legal_discards", &got, discards);
    }
    if let Some(layoffs) = &recorded.layoffs {
        check_layoffs(case, layoffs, report);
    }
}

fn check_layoffs(case: &str, layoffs: &Layoffs, report: &mut VerifyReport) {
    if layoffs.laid.iter().any(|&meld| usize::from(meld) >= melds::COUNT) {
        return report.equal(case, "laid", "ids below 185", &*format!("{:?}", layoffs.laid));
    }
    for (laid_off, want) in &layoffs.chain {
        let laid_off = laid_off.iter().copied().filter(|&card| card < CARDS).collect();
        let got: Vec<Card> = melds::layoffs(layoffs.laid.iter().copied(), laid_off).iter().collect();
        report.equal(case, "layoffs", &got, want);
    }
}

fn check_table(table: &[(u8, Vec<Card>)], report: &mut VerifyReport) {
    report.cases += 1;
    report.equal("meld table", "length", &melds::COUNT, &table.len());
    for (id, want) in table.iter().filter(|(id, _)| usize::from(*id) < melds::COUNT) {
        report.equal("meld table", "cards", &melds::cards_of(*id).iter().collect::<Vec<_>>(), want);
    }
}

fn hand_of(cards: &[Card]) -> Option<CardSet> {
    let is_deck = cards.iter().all(|&card| card < CARDS);
    let hand: CardSet = cards.iter().copied().filter(|_| is_deck).collect();
    (hand.len() == cards.len() && cards.len() <= MAX_HAND).then_some(hand)
}
