//! Completions of prompts, and what reward functions say of them: what GRPO learns from, and what its evaluator measures.

use anyhow::Result;
use data::{Prompt, Tokenizer};
use model::{Finish, GenerateRequest, Generation, LanguageModel, Sampling, generate_batch};
use reward::{Batch, Function, Pool, PoolConfig, Scores, weighted_sum};
use schema::{GrpoType, Opponent, OpponentKind, StopReason, TRAJECTORY_SCHEMA, Trajectory, Turn, TurnFinish};
use serde_json::{Value, json};
use train::{Direction, sequence_divergences};

use super::examples::mean_and_error;
use crate::BadInput;

/// Longest completion, as the evaluator draws them.
pub(super) const MAX_NEW_TOKENS: u32 = 256;
/// As many tokens of a prompt the evaluator compares the distributions on, from its start.
const COMPARED: usize = 512;
/// Share of the memory for keys and values of completions.
const KV_SHARE: f64 = 0.15;

/// A tokenizer, reward functions and their workers.
pub(super) struct Judge {
    tokenizer: Tokenizer,
    pool: Pool,
    functions: Vec<Function>,
    weights: Vec<f64>,
    /// Completions that are drawn at once.
    n_drawn: usize,
}

/// Completions, in the order of their prompts, with what each function says of them.
pub(super) struct Played {
    pub(super) drawn: Vec<Drawn>,
    pub(super) scores: Vec<Scores>,
}

/// A prompt's tokens and a completion of it.
pub(super) struct Drawn {
    pub(super) prompt: Vec<u32>,
    pub(super) text: String,
    pub(super) generation: Generation,
}

impl Judge {
    /// # Errors
    /// [`BadInput`] without Python.
    pub(super) fn new(
        card: &GrpoType,
        tokenizer: Tokenizer,
        config: &model::DecoderConfig,
        memory: u64,
    ) -> Result<Self> {
        let pool = Pool::start(PoolConfig::default())
            .map_err(|error| BadInput::new(error.to_string(), "reward functions need python3"))?;
        let column = 2 * 4 * config.n_layers * config.n_kv_heads * config.head_dim;
        let each = column * (COMPARED + MAX_NEW_TOKENS as usize);
        Ok(Self {
            tokenizer,
            pool,
            functions: card.reward_functions.iter().enumerate().map(function).collect(),
            weights: card.reward_functions.iter().map(|entry| entry.reward_weight).collect(),
            n_drawn: ((KV_SHARE * memory as f64) as usize / each.max(1)).max(1),
        })
    }

    /// Which functions there are and how they are computed, in lines.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("rewards    in workers isolated by {}", self.pool.isolation().tier)];
        for (function, weight) in self.functions.iter().zip(&self.weights) {
            let how = self.pool.native_name(function).unwrap_or("Python");
            lines.push(format!("           {} × {weight}: {how}", function.name()));
        }
        lines
    }

    /// What the functions are called.
    pub(super) fn names(&self) -> Vec<String> {
        self.functions.iter().map(|function| function.name().to_owned()).collect()
    }

    /// What each function's rewards count.
    pub(super) fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// `group` completions of each prompt, drawn by the low half of `seed`, judged; `model` without gradients.
    ///
    /// # Errors
    /// If the model cannot read a prompt.
    pub(super) fn play(
        &self,
        model: &LanguageModel,
        prompts: &[&Prompt],
        group: usize,
        seed: u64,
    ) -> Result<Played> {
        let sampling = Sampling { max_new_tokens: MAX_NEW_TOKENS, ..Sampling::default() };
        let request = |(row, prompt): (usize, &&Prompt)| {
            let mut request =
                GenerateRequest::new(prompt.token_ids.clone(), sampling, seed << 32 | row as u64);
            // As the evaluator's trainer: the tokenizer's own end and no other, whatever a server would stop at.
            request.stop_tokens = vec![self.tokenizer.eos()];
            request
        };
        let asked: Vec<&Prompt> = prompts.iter().flat_map(|prompt| vec![*prompt; group]).collect();
        let requests: Vec<GenerateRequest> = asked.iter().enumerate().map(request).collect();
        let drawn = requests.chunks(self.n_drawn).flat_map(|part| generate_batch(model, part, 0));
        let drawn = drawn.collect::<model::Result<Vec<_>>>()?;
        let prompts = requests.into_iter().map(|request| request.prompt);
        let with_text = |(prompt, generation): (Vec<u32>, Generation)| Drawn {
            prompt,
            text: self.tokenizer.decode(&generation.token_ids),
            generation,
        };
        let drawn: Vec<Drawn> = prompts.zip(drawn).map(with_text).collect();
        let scores = self.pool.score(&self.functions, &batch(&drawn, &asked)?.in_groups_of(group));
        Ok(Played { drawn, scores })
    }

    /// Completions as records of text tasks: one turn, the data set's columns as `extra`.
    pub(super) fn trajectories(
        &self,
        played: &Played,
        prompts: &[Prompt],
        run: &str,
        step: u64,
    ) -> Vec<Trajectory> {
        let sums = weighted_sum(&played.scores, &self.weights);
        let group = played.drawn.len() / prompts.len().max(1);
        let of = |(idx, drawn): (usize, &Drawn)| {
            let prompt = &prompts[idx / group.max(1)];
            let parts = self.functions.iter().zip(&played.scores);
            Trajectory {
                run: run.to_owned(),
                id: format!("{run}-s{step}-{idx}"),
                group: step << 20 | (idx / group.max(1)) as u64,
                rollout: (idx % group.max(1)) as u32,
                tokenizer: self.tokenizer.sha256(),
                rewards: parts
                    .map(|(function, scores)| (function.name().to_owned(), scores.values[idx]))
                    .collect(),
                extra: prompt.columns.clone(),
                ..text_trajectory(turn(prompt, drawn, step), sums[idx])
            }
        };
        played.drawn.iter().enumerate().map(of).collect()
    }
}

impl Played {
    /// Mean of each function, unweighted.
    pub(super) fn means(&self) -> Vec<f64> {
        self.scores.iter().map(|scores| mean_and_error(&scores.values).0).collect()
    }

    /// Completions that a function failed on.
    pub(super) fn n_faults(&self) -> usize {
        self.scores.iter().map(|scores| scores.n_faulty).sum()
    }
}

/// How far `model` has moved from `base` on each prompt's own tokens, as the evaluator measures it, in nats.
pub(super) fn prompt_divergences(
    model: &LanguageModel,
    base: &LanguageModel,
    prompts: &[Prompt],
    token_budget: usize,
) -> Vec<f64> {
    let compared = COMPARED.min(base.config().max_position_embeddings.div_ceil(2));
    let begin = |prompt: &Prompt| prompt.token_ids.iter().copied().take(compared).collect();
    let read: Vec<Vec<u32>> = prompts.iter().map(begin).collect();
    sequence_divergences(model, base, &read, Direction::ToBase, token_budget)
}

/// Called by its id where that is a file's name, else by its number.
fn function((idx, entry): (usize, &schema::RewardEntry)) -> Function {
    let named = entry.reward_id.clone().filter(|id| id.ends_with(".py"));
    Function::new(named.unwrap_or_else(|| format!("reward {}", idx + 1)), entry.reward_func.clone())
}

/// What reward functions are given, as TRL gives it: prompts, completion ids, and the columns of the data set.
fn batch(drawn: &[Drawn], asked: &[&Prompt]) -> Result<Batch> {
    let ids = drawn.iter().map(|drawn| json!(drawn.generation.token_ids)).collect();
    let texts_of = asked.iter().map(|prompt| json!(prompt.text)).collect();
    let texts = drawn.iter().map(|drawn| drawn.text.clone()).collect();
    let mut batch = Batch::new(texts).with_column("prompts", texts_of)?.with_column("completion_ids", ids)?;
    let names = asked.iter().flat_map(|prompt| prompt.columns.keys());
    let names: std::collections::BTreeSet<&String> = names.collect();
    for name in names {
        let of = |prompt: &&Prompt| prompt.columns.get(name).cloned().unwrap_or(Value::Null);
        batch = batch.with_column(name.clone(), asked.iter().map(of).collect())?;
    }
    Ok(batch)
}

fn turn(prompt: &Prompt, drawn: &Drawn, step: u64) -> Turn {
    let Drawn { prompt: prompt_tokens, text, generation } = drawn;
    Turn {
        prompt: prompt.text.clone(),
        prompt_tokens: prompt_tokens.clone(),
        completion: text.clone(),
        completion_tokens: generation.token_ids.clone(),
        logprobs: generation.logprobs.clone(),
        loss_mask: generation.loss_mask.clone(),
        allowed_tokens: generation.allowed_tokens.clone(),
        finish: if generation.finish == Finish::Stop { TurnFinish::Stop } else { TurnFinish::Length },
        policy_version: step,
        action: text.clone(),
        action_id: None,
        legal_ids: Vec::new(),
        legal: true,
        reward: 0.0,
        env_ms: 0.0,
        generate_ms: 0.0,
    }
}

/// Nobody sits on the other side of a text; the field has no word for that.
fn text_trajectory(mut turn: Turn, reward: f64) -> Trajectory {
    turn.reward = reward;
    let cut = turn.finish == TurnFinish::Length;
    let version = turn.policy_version;
    Trajectory {
        schema: TRAJECTORY_SCHEMA.to_owned(),
        id: String::new(),
        run: String::new(),
        group: 0,
        rollout: 0,
        env: "text".to_owned(),
        sidecar: String::new(),
        task_id: 0,
        seed: 0,
        player: None,
        opponent: Opponent::plain(OpponentKind::Random),
        policy: "engine".to_owned(),
        format: "raw".to_owned(),
        tokenizer: String::new(),
        sampling: schema::Sampling { max_new_tokens: MAX_NEW_TOKENS, ..schema::Sampling::default() },
        turns: vec![turn],
        reward,
        raw_return: None,
        rewards: std::collections::BTreeMap::new(),
        stop_reason: if cut { StopReason::TokenLimit } else { StopReason::Done },
        truncated: cut,
        policy_versions: [version, version],
        started_ms: 0,
        elapsed_ms: 0,
        scores: Vec::new(),
        extra: serde_json::Map::new(),
        error: String::new(),
    }
}
