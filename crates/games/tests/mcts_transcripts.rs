//! MCTS plays the moves that the original sidecar's opponent played in the recorded episodes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use flate2::read::GzDecoder;
use games::mcts::{MctsBot, MctsConfig};
use games::rng::RandomState;
use games::{Action, Player, load_game};
use serde_json::Value;

#[test]
fn mcts_moves_equal_the_recorded_ones() {
    let Some(path) = reference("data/traces/sidecar_transcripts.jsonl.gz") else {
        eprintln!("skipped: no reference data");
        return;
    };
    let file = std::fs::File::open(path).unwrap();
    let mut tally: BTreeMap<(String, usize), (u32, u32)> = BTreeMap::new();
    for line in BufReader::new(GzDecoder::new(file)).lines() {
        let episode: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let Some(simulations) = episode["request"]["mcts_max_simulations"].as_u64() else {
            continue;
        };
        let game = episode["game"].as_str().unwrap();
        let name = game.split('(').next().unwrap().to_owned();
        let counts = tally.entry((name, simulations as usize)).or_default();
        replay(&episode, game, simulations as usize, counts);
    }
    println!("{tally:?}");
    for ((name, simulations), (moves, equal)) in tally {
        assert!(moves > 0);
        assert_eq!(moves, equal, "{name} at {simulations} simulations");
    }
}

fn replay(episode: &Value, game: &str, simulations: usize, (moves, equal): &mut (u32, u32)) {
    let game = load_game(game).unwrap();
    let seed = episode["request"]["seed"].as_u64().unwrap() as u32;
    let opponent = 1 - seed as usize % 2;
    let n_rollouts = episode["request"]["mcts_num_rollouts"].as_u64().unwrap() as usize;
    let config = MctsConfig { uct_c: 1.414, max_simulations: simulations, n_rollouts, solve: true };
    let mut bot = MctsBot::new(game.as_ref(), config, RandomState::new(seed + 3), RandomState::new(seed + 4));
    let mut state = game.new_initial_state();
    for action in episode["history"].as_array().unwrap() {
        let action = action.as_u64().unwrap() as Action;
        if state.current_player() == Player::Seat(opponent) {
            *moves += 1;
            *equal += u32::from(bot.step(state.as_ref()) == action);
        }
        state.apply(action);
    }
}

fn reference(name: &str) -> Option<PathBuf> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("CROUPIER_SHARED").map_or(workspace.join("../shared"), PathBuf::from);
    Some(shared.join(name)).filter(|path| path.exists())
}
