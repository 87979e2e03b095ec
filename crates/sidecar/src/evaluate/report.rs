//! The value of `evaluate`, field by field the original's.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::conversation::Message;
use super::game::{Ending, Played, Record, Searches};

/// What is known before the first move.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) game: &'static str,
    pub(super) task_id: u64,
    pub(super) seed: u64,
    pub(super) opponent: String,
    pub(super) seat: usize,
}

/// Value of `evaluate`.
#[derive(Debug, Serialize)]
pub(crate) struct Evaluation {
    task_name: String,
    score: f64,
    success: bool,
    time_taken: f64,
    extra: Extra,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Extra {
    conversation: Vec<Message>,
    action_history: Vec<Played>,
    observation: Option<String>,
    task_type: &'static str,
    game_name: &'static str,
    task_id: u64,
    seed: u64,
    opponent_type: String,
    llm_player_id: usize,
    final_return: Option<f64>,
    all_returns: Option<[f64; 2]>,
    usage: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    mcts_timing: Option<Value>,
}

impl Evaluation {
    /// `score_of` turns a return into a score.
    pub(super) fn new(
        facts: Facts,
        record: Record,
        ending: Ending,
        score_of: impl Fn(f64) -> f64,
        time_taken: Duration,
    ) -> Self {
        let (returns, error) = match ending {
            Ending::Finished(returns) => (Some(returns), None),
            Ending::Unreadable => (None, None),
            Ending::Failed(error) => (None, Some(error)),
        };
        let final_return = returns.map(|returns| returns[facts.seat]);
        let score = final_return.map_or(0.0, score_of);
        let none = json!({ "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0 });
        Self {
            task_name: format!("openspiel:{}", facts.game),
            score,
            success: score > 0.5,
            time_taken: time_taken.as_secs_f64(),
            extra: Extra {
                conversation: record.conversation,
                action_history: record.action_history,
                observation: record.observation,
                task_type: facts.game,
                game_name: facts.game,
                task_id: facts.task_id,
                seed: facts.seed,
                opponent_type: facts.opponent,
                llm_player_id: facts.seat,
                final_return,
                all_returns: returns,
                usage: record.usage.unwrap_or(none),
                mcts_timing: record.searches.map(timing),
            },
            error,
        }
    }
}

fn timing(searches: Searches) -> Value {
    let total = searches.time.as_secs_f64();
    json!({
        "total_mcts_time": total,
        "total_mcts_calls": searches.calls,
        "avg_mcts_time_per_call": total / f64::from(searches.calls.max(1)),
        "num_mcts_bots": 1,
    })
}
