//! Exams: games of the weights as they are, and what they say about handing them over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;
use eval::arena::{
    Contestant, Forfeit, MatchConfig, ModelContestant, Question, ScriptedContestant, Tally, play_match,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use model::LanguageModel;
use rollout::MatchFormat;
use schema::{EnvName, MatchMove, MatchView, Memory, MemoryEdit};
use tokio_util::sync::CancellationToken;

use super::MatchTask;
use super::shell::{Shell, ShellStanding};
use crate::ModelPolicy;
use crate::events::{Event, Observer};
use crate::text::Clock;

/// Longest answer that is waited for. What has not called a tool by then does not at 512 either, as a rule.
const MAX_NEW_TOKENS: u32 = 96;
/// Seeds of exams: never those of lessons.
pub(super) const EXAM_SEEDS: u64 = 900_000_000;
/// Pairs of games against each opponent: bounds.
const PAIRS: (u64, u64) = (4, 256);
/// Pairs of a teacher's own exam, at most: some search for milliseconds a turn.
const TEACHER_PAIRS: u64 = 16;
/// Games that a model may forfeit before its exam in a game is over.
const MAX_FORFEITS: u64 = 10;

/// How weights have played.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    /// Of each game, all opponents together.
    games: Vec<(String, Tally)>,
    /// In the shell, where a model's commands may be run.
    shell: Option<ShellStanding>,
}

impl Standing {
    /// Mean over the games of their scores: what the tournament's weighted mean is, up to ranks.
    pub(super) fn score(&self) -> f64 {
        let scores: Vec<f64> = self
            .games
            .iter()
            .map(|(_, tally)| tally.score())
            .chain(self.shell.map(|shell| shell.score))
            .collect();
        scores.iter().sum::<f64>() / scores.len().max(1) as f64
    }

    /// Whether there was an answer to most of what was asked.
    pub(super) fn speaks(&self) -> bool {
        if self.games.is_empty() { self.acts_in_shell() } else { self.forfeited() <= 0.5 }
    }

    /// Whether any tool was called in the shell.
    pub(super) fn acts_in_shell(&self) -> bool {
        self.shell.is_some_and(|shell| shell.acts)
    }

    /// Whether nothing was played: the states of such play are those of first turns.
    fn is_mute_in(&self, game: &str) -> bool {
        self.games.iter().filter(|(name, _)| name == game).all(|(_, tally)| is_mute(tally))
    }

    /// Share of the games that the model forfeited.
    fn forfeited(&self) -> f64 {
        let (forfeits, games) =
            self.games.iter().fold((0, 0), |(a, b), (_, tally)| (a + tally.forfeits[0], b + tally.games()));
        forfeits as f64 / games.max(1) as f64
    }
}

/// The exam of a run: the same deals against the same opponents each time.
pub(super) struct Exams {
    envs: Vec<(String, Vec<Arc<dyn Contestant>>)>,
    format: Arc<MatchFormat>,
    tokenizer: Arc<data::Tokenizer>,
    pairs: u64,
    /// Whether `pairs` has been fitted to what a game costs.
    is_sized: bool,
    budget_s: f64,
    /// Of the last publication, in seconds.
    pub(super) publish_s: f64,
    next_seed: u64,
    shell: Option<Arc<Shell>>,
    /// Scores of the teachers in the same games, once those are settled.
    reachable: Option<BTreeMap<String, f64>>,
}

impl Exams {
    /// Sized so that `n_exams`, with the games for the model's own states, take the task's share of the time.
    ///
    /// # Errors
    /// If the tokenizer cannot be read.
    pub(super) fn new(
        task: &MatchTask,
        format: Arc<MatchFormat>,
        shell: Option<Arc<Shell>>,
        n_exams: u64,
    ) -> Result<Self> {
        // Where steps are counted and not time, exams are as in a run of an hour.
        let seconds = Clock::new(&task.deadline).seconds().min(if task.steps.is_some() {
            3600.0
        } else {
            f64::INFINITY
        });
        let opponents = |game: &str| -> Result<Vec<Arc<dyn Contestant>>> {
            let contestant = |bot| Arc::new(ScriptedContestant(bot)) as Arc<dyn Contestant>;
            Ok(teach::opponents(game)?.into_iter().map(contestant).collect())
        };
        let env = |env: &EnvName| Ok((env.as_str().to_owned(), opponents(env.as_str())?));
        let games_per_exam = if task.own_states { 2.0 } else { 1.0 };
        Ok(Self {
            envs: task.games().iter().map(env).collect::<Result<_>>()?,
            shell,
            tokenizer: Arc::new(data::Tokenizer::from_dir(&task.model_dir)?),
            format,
            pairs: PAIRS.0,
            is_sized: false,
            budget_s: task.eval_share * seconds / (n_exams as f64 * games_per_exam),
            publish_s: 0.0,
            next_seed: task.seed.wrapping_mul(1_000_003) % EXAM_SEEDS,
            reachable: None,
        })
    }

    /// Seconds that an exam may take.
    pub(super) fn budget_s(&self) -> f64 {
        self.budget_s
    }

    /// Who plays whom.
    pub(super) fn describe(&self) -> String {
        let games = self.envs.iter().map(|(game, opponents)| {
            let names: Vec<String> = opponents.iter().map(|opponent| opponent.name()).collect();
            format!("{game} against {}", names.join(", "))
        });
        games.collect::<Vec<_>>().join("; ")
    }

    /// Plays `model`, without gradients, against all opponents.
    ///
    /// The first time that it plays at all, a few games show how many there is time for; from then on every exam has the
    /// same ones, so that scores compare.
    ///
    /// # Errors
    /// If a game cannot be played.
    pub(super) async fn examine(
        &mut self,
        model: &LanguageModel,
        step: u64,
        observer: &mut dyn Observer,
        cancel: &CancellationToken,
    ) -> Result<Standing> {
        let contestant = self.contestant(model);
        let shell = match &self.shell {
            Some(shell) => shell.examine(&contestant.policy).await?,
            None => None,
        };
        if let Some(ShellStanding { score, .. }) = shell {
            observer.event(&Event::ShellExam { step, score });
        }
        let side: Arc<dyn Contestant> = Arc::new(contestant);
        let mut report = |game: &str, against: &str, tally: Tally| {
            let (game, against, score) = (game.to_owned(), against.to_owned(), tally.score());
            observer.event(&Event::Exam { step, game, against, tally, score });
        };
        if !self.is_sized {
            let started = Instant::now();
            let mut played = Vec::new();
            let note =
                |game: &str, against: &str, tally| played.push((game.to_owned(), against.to_owned(), tally));
            let probe = self.play(&side, note, cancel).await?;
            if !probe.speaks() {
                // Whoever says nothing does not show what a game costs.
                played.iter().for_each(|(game, against, tally)| report(game, against, *tally));
                return Ok(Standing { shell, ..probe });
            }
            let each = started.elapsed().as_secs_f64() / self.pairs as f64;
            self.pairs = ((self.budget_s / each.max(1e-9)) as u64).clamp(PAIRS.0, PAIRS.1);
            self.is_sized = true;
        }
        Ok(Standing { shell, ..self.play(&side, report, cancel).await? })
    }

    /// How far each environment of an exam is below what its teacher reaches in the same games; 0 if it is not. Empty
    /// until a model has played at all.
    ///
    /// # Errors
    /// If a game cannot be played.
    pub(super) async fn gaps(
        &mut self,
        standing: &Standing,
        teachers: &BTreeMap<String, Arc<dyn teach::Player>>,
        cancel: &CancellationToken,
    ) -> Result<BTreeMap<String, f64>> {
        if !self.is_sized {
            return Ok(BTreeMap::new());
        }
        if self.reachable.is_none() {
            let mut reachable = BTreeMap::new();
            for (game, opponents) in &self.envs {
                let Some(teacher) = teachers.get(game) else { continue };
                let side: Arc<dyn Contestant> = Arc::new(ScriptedContestant(teacher.clone()));
                let pairs = self.pairs.min(TEACHER_PAIRS);
                let played = play_game(game, opponents, &side, pairs, |_, _, _| (), cancel).await?;
                reachable.insert(game.clone(), played.score());
            }
            self.reachable = Some(reachable);
        }
        let reachable = self.reachable.as_ref().expect("set above");
        let of_game = |(game, tally): &(String, Tally)| {
            let most = reachable.get(game).copied()?;
            Some((game.clone(), (most - tally.score()).max(0.0)))
        };
        let shell = standing
            .shell
            .map(|shell| (EnvName::Intercode.as_str().to_owned(), (1.0 - shell.score).max(0.0)));
        Ok(standing.games.iter().filter_map(of_game).chain(shell).collect())
    }

    async fn play(
        &self,
        side: &Arc<dyn Contestant>,
        mut report: impl FnMut(&str, &str, Tally),
        cancel: &CancellationToken,
    ) -> Result<Standing> {
        let mut standing = Standing::default();
        for (game, opponents) in &self.envs {
            let whole = play_game(game, opponents, side, self.pairs, &mut report, cancel).await?;
            standing.games.push((game.clone(), whole));
        }
        Ok(standing)
    }

    /// Turns that `model` sees in games on other deals, as long as its exam may take; not in those in whose exam it had
    /// nothing to say.
    ///
    /// # Errors
    /// If a game cannot be played.
    pub(super) async fn play_for_states(
        &mut self,
        model: &LanguageModel,
        standing: &Standing,
        cancel: &CancellationToken,
    ) -> Result<Vec<MatchView>> {
        let recorder = Arc::new(Recorder { player: self.contestant(model), seen: Mutex::default() });
        let side: Arc<dyn Contestant> = recorder.clone();
        let deadline = Instant::now() + Duration::from_secs_f64(self.budget_s);
        for (game, opponents) in self.envs.iter().filter(|(game, _)| !standing.is_mute_in(game)) {
            for opponent in opponents {
                let config = MatchConfig {
                    deadline: Some(deadline),
                    ..MatchConfig::of_pairs(self.next_seed, self.pairs)
                };
                self.next_seed = (self.next_seed + self.pairs) % EXAM_SEEDS;
                play_match(game, [&side, opponent], &config, cancel).await?;
            }
        }
        let seen = std::mem::take(&mut *recorder.seen.lock().expect("nobody panics with the lock"));
        Ok(seen)
    }

    fn contestant(&self, model: &LanguageModel) -> ModelContestant {
        let policy = ModelPolicy::start(model.clone(), self.tokenizer.clone(), "candidate");
        ModelContestant {
            name: "candidate".to_owned(),
            policy: policy.policy(),
            format: self.format.clone(),
            max_new_tokens: MAX_NEW_TOKENS,
        }
    }
}

/// Whether every game was forfeited on the first turn, before which the other has moved in every second game. Who is caught
/// with an illegal move later does play, and learns from where it was.
fn is_mute(tally: &Tally) -> bool {
    tally.forfeits[0] == tally.games() && 2 * tally.turns <= 3 * tally.games()
}

/// All opponents of a game, on the same deals; of who plays nothing in a pair, no more than that pair: one that calls no
/// tool does not in the others either, and its long answers are what costs most.
async fn play_game(
    game: &str,
    opponents: &[Arc<dyn Contestant>],
    side: &Arc<dyn Contestant>,
    pairs: u64,
    mut report: impl FnMut(&str, &str, Tally),
    cancel: &CancellationToken,
) -> Result<Tally> {
    if let Some(first) = opponents.first() {
        let config = MatchConfig::of_pairs(EXAM_SEEDS, 1);
        let tally = play_match(game, [side, first], &config, cancel).await?;
        if is_mute(&tally) {
            report(game, &first.name(), tally);
            return Ok(tally);
        }
    }
    let mut whole = Tally::default();
    for opponent in opponents {
        let config =
            MatchConfig { max_forfeits: Some(MAX_FORFEITS), ..MatchConfig::of_pairs(EXAM_SEEDS, pairs) };
        let tally = play_match(game, [side, opponent], &config, cancel).await?;
        report(game, &opponent.name(), tally);
        whole.add(&tally);
    }
    Ok(whole)
}

/// Remembers what its player was asked.
struct Recorder {
    player: ModelContestant,
    seen: Mutex<Vec<MatchView>>,
}

impl Contestant for Recorder {
    fn name(&self) -> String {
        self.player.name()
    }

    fn answer<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<MatchMove, Forfeit>> {
        self.seen.lock().expect("nobody panics with the lock").push(question.view.clone());
        self.player.answer(question).boxed()
    }

    fn remember(&self, memory: &mut Memory, edits: &[MemoryEdit]) {
        self.player.remember(memory, edits);
    }
}

#[cfg(test)]
mod tests;
