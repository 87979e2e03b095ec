//! How often our MCTS opponent moves as the original's did.

use std::collections::BTreeMap;

use schema::VerifyReport;

use super::record::Record;
use crate::actor::RecordedEpisode;

/// Share of equal moves that is asked for where the search is a faithful copy.
const REQUIRED: f64 = 0.95;
/// Games for which it is asked.
const REQUIRED_FOR: [&str; 2] = ["leduc_poker", "liars_dice"];

/// Counts per game and number of simulations.
#[derive(Debug, Default)]
pub(super) struct MatchRates {
    rows: BTreeMap<(String, u32), Row>,
}

#[derive(Debug, Default)]
struct Row {
    episodes: u64,
    moves: u64,
    equal: u64,
    first_difference: Option<String>,
}

impl MatchRates {
    /// Counts an episode that was played with the recorded moves.
    pub(super) fn add(&mut self, record: &Record, case: &str, episode: &RecordedEpisode) {
        let simulations = record.request.mcts_max_simulations.unwrap_or_default();
        let row = self.rows.entry((episode.game().to_owned(), simulations)).or_default();
        row.episodes += 1;
        for (index, &(ours, recorded)) in episode.opponent_moves().iter().enumerate() {
            row.moves += 1;
            row.equal += u64::from(ours == recorded);
            if ours != recorded && row.first_difference.is_none() {
                row.first_difference =
                    Some(format!("{case}, opponent's move {index}: ours {ours}, recorded {recorded}"));
            }
        }
    }

    /// Adds a case and a note per row; cases below the required share fail.
    pub(super) fn report(&self, report: &mut VerifyReport) {
        for ((game, simulations), row) in &self.rows {
            let case = format!("mcts opponent {game} {simulations} simulations");
            let rate = row.equal as f64 / row.moves.max(1) as f64;
            let difference = row.first_difference.as_deref().unwrap_or("none");
            report.notes.push(format!(
                "{case}: {} of {} moves equal ({:.1} %) in {} episodes, first difference: {difference}",
                row.equal,
                row.moves,
                100.0 * rate,
                row.episodes,
            ));
            if REQUIRED_FOR.contains(&game.as_str()) {
                report.cases += 1;
                if rate < REQUIRED {
                    let got = format!("{rate:.4}");
                    report.fail(
                        &case,
                        "share of equal moves",
                        got,
                        format!("at least {REQUIRED}"),
                        1.0 - rate,
                        1.0 - REQUIRED,
                    );
                }
            }
        }
    }
}
