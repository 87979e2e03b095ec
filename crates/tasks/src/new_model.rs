//! Random models with a tokenizer of their own, for quickstart, tests and benchmarks.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::{DType, Device};
use games::match_play;
use games::rng::FastRng;
use model::{Arch, DecoderConfig, LanguageModel, SaveOptions, Size};
use rollout::{ByteCodec, Compact, Format, MatchFormat, PromptPack, parse_observation};
use schema::{EnvName, MatchMove, MatchView, Memory};
use sidecar::Catalog;

/// Playouts of each game whose texts a tokenizer learns from.
const PLAYOUTS_PER_GAME: u64 = 40;
/// Games whose texts a tokenizer learns from; named, so that it stays the same when games are added.
const GAMES: [EnvName; 4] = [EnvName::LiarsDice, EnvName::LeducPoker, EnvName::GinRummy, EnvName::KuhnPoker];
/// The games' texts have merges enough for about so many entries.
const GAMES_FILL: usize = 2048;
/// Games of match play whose prompts a larger vocabulary learns from, and how many of each.
const MATCH_GAMES: [&str; 6] = match_play::NAMES;
const MATCHES_PER_GAME: u64 = 12;
/// Synthetic words for larger vocabularies.
const SYNTHETIC_WORDS: usize = 60_000;
/// A tokenizer has at most so many entries; q05b's embedding has more rows, as the real one's.
const MAX_TOKENIZER: usize = 16_384;
/// A text of words ends after so many.
const WORDS_PER_TEXT: usize = 64;

/// Makes a model folder: weights of a fresh model, config.json, and a byte-level BPE trained here and now.
///
/// The embedding keeps the size's rows even where the tokenizer found fewer entries worth having.
///
/// # Errors
/// If a file cannot be written, or `vocab` has no room for the bytes.
pub fn new_model(
    dir: &Path,
    arch: Arch,
    size: Size,
    vocab: Option<usize>,
    seed: u64,
) -> anyhow::Result<DecoderConfig> {
    let mut config = DecoderConfig::preset(arch, size);
    if let Some(vocab) = vocab {
        config.vocab_size = vocab;
    }
    let entries = config.vocab_size.min(MAX_TOKENIZER);
    data::train_bpe(texts(entries)?.into_iter(), entries, dir)?;
    let dtype = if size == Size::Q05b { DType::BF16 } else { DType::F32 };
    LanguageModel::fresh(&config, seed, &Device::flex())
        .save(dir, &SaveOptions { dtype, ..SaveOptions::default() })?;
    Ok(config)
}

/// What the games show to players, and made-up words once a vocabulary has room for them.
fn texts(entries: usize) -> anyhow::Result<Vec<String>> {
    let mut rng = FastRng::new(0);
    let catalog = Catalog::new(&GAMES)?;
    let mut texts = Vec::new();
    for name in GAMES {
        for config_id in 0..PLAYOUTS_PER_GAME {
            let first = name.task_ids().map_or(0, |ids| ids.start);
            let variant =
                catalog.variant(first + config_id).ok_or_else(|| anyhow::anyhow!("{name} has no variant"))?;
            playout(variant.game.as_ref(), &mut rng, &mut texts);
        }
    }
    if entries > GAMES_FILL {
        for game in MATCH_GAMES {
            for seed in 1..=MATCHES_PER_GAME {
                match_prompts(game, seed, &mut rng, &mut texts)?;
            }
        }
        for _ in 0..SYNTHETIC_WORDS / WORDS_PER_TEXT {
            let words: Vec<String> = (0..WORDS_PER_TEXT).map(|_| word(&mut rng)).collect();
            texts.push(words.join(" "));
        }
    }
    Ok(texts)
}

fn playout(game: &dyn games::Game, rng: &mut FastRng, texts: &mut Vec<String>) {
    let mut state = game.new_initial_state();
    texts.push(sidecar::text::rules::of(game.name()).to_owned());
    let (mut legal, mut outcomes) = (Vec::new(), Vec::new());
    loop {
        let action = match state.current_player() {
            games::Player::Terminal => return,
            games::Player::Chance => {
                state.chance_outcomes(&mut outcomes);
                outcomes[rng.below(outcomes.len())].0
            }
            games::Player::Seat(seat) => {
                let text = sidecar::text::observation_body(game, state.as_ref(), seat);
                // What small models read most must not fall to pieces.
                let observation = parse_observation(text.clone());
                texts.extend([text, compact(&observation)]);
                state.legal_actions(&mut legal);
                if legal.is_empty() {
                    return;
                }
                legal[rng.below(legal.len())]
            }
        };
        state.apply(action);
    }
}

/// The turns of a random game as match play asks them: the first one whole, of the others what is new.
fn match_prompts(game: &str, seed: u64, rng: &mut FastRng, texts: &mut Vec<String>) -> anyhow::Result<()> {
    let format = MatchFormat::new(Arc::new(ByteCodec), Arc::new(PromptPack::builtin()))?;
    let match_play::Start { mut state, mut chance, .. } = match_play::start(game, seed)?;
    let mut is_first = true;
    loop {
        match_play::play_chance(state.as_mut(), &mut chance);
        let games::Player::Seat(seat) = state.current_player() else { return Ok(()) };
        let legal = match_play::legal(state.as_ref());
        if legal.is_empty() {
            return Ok(());
        }
        let action = legal[rng.below(legal.len())].0;
        let view = MatchView {
            game: game.to_owned(),
            seat,
            state: match_play::state_text(game, state.as_ref(), seat),
            legal,
            memory: Memory::default(),
        };
        texts.push(if is_first { format.prompt(&view)?.text } else { format.request(&view)?.user });
        texts.push(format.answer(&MatchMove::plain(action))?.text);
        is_first = false;
        state.apply(action);
    }
}

/// The same in the compact format; empty where that cannot show it.
fn compact(observation: &rollout::Observation) -> String {
    let format = Compact::new(Arc::new(ByteCodec));
    format.render(&[], observation).map(|prompt| prompt.text).unwrap_or_default()
}

/// Two to four syllables.
fn word(rng: &mut FastRng) -> String {
    const ONSETS: [&str; 16] =
        ["b", "br", "c", "ch", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "st", "t"];
    const NUCLEI: [&str; 8] = ["a", "e", "i", "o", "u", "ai", "ea", "ou"];
    const CODAS: [&str; 8] = ["", "l", "n", "r", "s", "t", "nd", "rk"];
    let syllables = 2 + rng.below(3);
    (0..syllables)
        .flat_map(|_| {
            [ONSETS[rng.below(ONSETS.len())], NUCLEI[rng.below(NUCLEI.len())], CODAS[rng.below(CODAS.len())]]
        })
        .collect()
}
