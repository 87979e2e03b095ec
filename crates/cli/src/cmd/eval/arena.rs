//! `croupier eval arena`: everybody meets everybody, game by game, and the tournament's arithmetic on top.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use eval::arena::{
    Contestant, MatchConfig, MctsContestant, ModelContestant, ScriptedContestant, Tally, elo_ratings,
    play_match, rank_quantiles,
};
use rollout::{MatchFormat, PromptPack};
use serde_json::json;
use tasks::ModelPolicy;
use teach::Utility;

use super::open;
use crate::args::ArenaArgs;
use crate::failure::Failure;
use crate::interrupt;

/// Longest answer of a model, as the evaluator has it.
const MAX_NEW_TOKENS: u32 = 512;
/// Simulations of the evaluator's own opponent.
const SIMULATIONS: usize = 50;
const SIMULATIONS_LIARS_DICE: usize = 225;

/// A player, by game: bots are of one game, models of all.
type Player = BTreeMap<String, Arc<dyn Contestant>>;

pub(super) async fn run(args: ArenaArgs) -> Result<()> {
    let players = players(&args)?;
    let cancel = interrupt::token();
    let n = players.len();
    let mut standing = Standing { points: vec![vec![0.0; n]; n], scores: Vec::new() };
    for game in &args.games {
        if !args.json {
            println!("{game}");
        }
        let mut points = vec![(0.0, 0.0); n];
        for a in 0..n {
            for b in a + 1..n {
                let config = MatchConfig {
                    bar: args.bar,
                    deadline: args.budget.map(|s| Instant::now() + Duration::from_secs_f64(s.max(0.0))),
                    ..MatchConfig::of_pairs(args.seed, args.pairs)
                };
                let sides = [&players[a][game], &players[b][game]];
                let tally = play_match(game, sides, &config, &cancel).await?;
                if cancel.is_cancelled() {
                    return Err(Failure::interrupted("the arena was stopped").into());
                }
                print_match(&args, game, [a, b], &tally);
                let (won, games) = (tally.score() * tally.games() as f64, tally.games() as f64);
                standing.points[a][b] += won;
                standing.points[b][a] += games - won;
                points[a] = (points[a].0 + won, points[a].1 + games);
                points[b] = (points[b].0 + games - won, points[b].1 + games);
            }
        }
        standing.scores.push(points.iter().map(|(won, games)| won / games.max(1.0)).collect());
    }
    standing.print(&args);
    Ok(())
}

/// What the tournament makes of the matches.
struct Standing {
    /// What i took from j, all games together.
    points: Vec<Vec<f64>>,
    /// For each game the score of each player against all others.
    scores: Vec<Vec<f64>>,
}

impl Standing {
    fn print(&self, args: &ArenaArgs) {
        let ratings = elo_ratings(&self.points);
        let quantiles: Vec<Vec<f64>> = self.scores.iter().map(|scores| rank_quantiles(scores)).collect();
        let mean = |player: usize| {
            quantiles.iter().map(|game| game[player]).sum::<f64>() / quantiles.len().max(1) as f64
        };
        let mut order: Vec<usize> = (0..args.players.len()).collect();
        order.sort_by(|a, b| mean(*b).total_cmp(&mean(*a)).then(ratings[*b].total_cmp(&ratings[*a])));
        if args.json {
            let rows = order.iter().map(|&player| {
                let scores: BTreeMap<&String, f64> =
                    args.games.iter().zip(&self.scores).map(|(game, scores)| (game, scores[player])).collect();
                json!({"player": args.players[player], "quantile": mean(player), "elo": ratings[player], "scores": scores})
            });
            println!("{}", json!({"event": "standing", "players": rows.collect::<Vec<_>>()}));
            return;
        }
        println!("\n{:>8}  {:>6}  player, mean of its rank quantiles over the games", "quantile", "elo");
        for player in order {
            println!("{:>8.3}  {:>+6.0}  {}", mean(player), ratings[player], args.players[player]);
        }
    }
}

fn print_match(args: &ArenaArgs, game: &str, [a, b]: [usize; 2], tally: &Tally) {
    let interval = tally.interval();
    if args.json {
        println!(
            "{}",
            json!({"event": "match", "game": game, "a": args.players[a], "b": args.players[b], "games": tally.games(),
                   "score": tally.score(), "low": interval.low, "high": interval.high, "tally": tally})
        );
        return;
    }
    println!(
        "  {:.3}  ({:.3} to {:.3})  {} games  {}+{} forfeited  {} against {}",
        tally.score(),
        interval.low,
        interval.high,
        tally.games(),
        tally.forfeits[0],
        tally.forfeits[1],
        args.players[a],
        args.players[b]
    );
}

fn players(args: &ArenaArgs) -> Result<Vec<Player>> {
    for game in &args.games {
        if !games::match_play::NAMES.contains(&game.as_str()) {
            let known = games::match_play::NAMES.join(", ");
            return Err(Failure::bad_input(format!("`{game}` is no game of match play"), known).into());
        }
    }
    let pack = crate::cmd::prompts::pack(args.pack.as_deref(), &[])?;
    let pack = Arc::new(pack);
    args.players.iter().map(|name| player(name, args, &pack)).collect()
}

fn player(name: &str, args: &ArenaArgs, pack: &Arc<PromptPack>) -> Result<Player> {
    if let Some(place) = name.strip_prefix("model:") {
        let model: Arc<dyn Contestant> = Arc::new(model(name, place, args, pack)?);
        return Ok(args.games.iter().map(|game| (game.clone(), model.clone())).collect());
    }
    let of_game = |game: &String| Ok((game.clone(), scripted(name, game)?));
    args.games.iter().map(of_game).collect()
}

fn model(name: &str, place: &str, args: &ArenaArgs, pack: &Arc<PromptPack>) -> Result<ModelContestant> {
    let (dir, adapter) = match place.split_once('+') {
        Some((dir, adapter)) => (dir, Some(Path::new(adapter))),
        None => (place, None),
    };
    let loaded = ModelPolicy::load(Path::new(dir), adapter, &open(&args.device)?.device);
    let loaded = loaded.with_context(|| format!("loading `{place}`"))?;
    let format = MatchFormat::new(loaded.tokenizer().clone(), pack.clone())?;
    Ok(ModelContestant {
        name: name.to_owned(),
        policy: loaded.policy(),
        format: Arc::new(format),
        max_new_tokens: MAX_NEW_TOKENS,
    })
}

fn scripted(name: &str, game: &str) -> Result<Arc<dyn Contestant>> {
    let bad = |error: teach::Error| {
        let known =
            "model:DIR, teacher, mcts, random, or a bot of every game that is played (--help lists them)";
        Failure::bad_input(error.to_string(), known)
    };
    if name == "teacher" {
        return Ok(Arc::new(ScriptedContestant(teach::teacher(game, Utility::Outcome).map_err(bad)?)));
    }
    if let Some(rest) = name.strip_prefix("mcts") {
        let default = if game == "liars_dice" { SIMULATIONS_LIARS_DICE } else { SIMULATIONS };
        let simulations = match rest.strip_prefix(':') {
            Some(number) => number.parse().map_err(|_| {
                Failure::bad_input(format!("`{name}` names no number of simulations"), "mcts:50")
            })?,
            None => default,
        };
        return Ok(Arc::new(MctsContestant { simulations, rollouts: 1 }));
    }
    let bot = if name == "random" { name.to_owned() } else { format!("{game}/{name}") };
    Ok(Arc::new(ScriptedContestant(teach::bot(&bot).map_err(bad)?)))
}
