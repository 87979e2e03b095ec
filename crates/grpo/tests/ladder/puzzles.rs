//! T1 and T2: one-turn problems over a tiny vocabulary, played with the engine's own batch sampler.

use burn::module::Module;
use burn::tensor::Device;
use grpo::advantage::{group_advantages, is_zero_signal};
use grpo::{Alarm, CollapseWatch, EntropySchedule, GrpoConfig, GrpoTrainer};
use model::{Arch, DecoderConfig, GenerateRequest, LanguageModel, Sampling, Size, generate_batch};
use train::{Progress, Row, Schedule, named_parameters};

/// Digits 0–9 are tokens 0–9.
const ASK: u32 = 10;
const VOCABULARY: usize = 16;
const GROUP_SIZE: usize = 8;
const GROUPS: usize = 32;

struct Puzzle {
    n_symbols: u32,
    n_given: usize,
    n_answer: u32,
    reward: fn(&[u32], &[u32]) -> f32,
}

/// Say six digits backwards; the reward is the share of right places.
const REVERSE: Puzzle = Puzzle {
    n_symbols: 10,
    n_given: 6,
    n_answer: 6,
    reward: share_reversed,
};

/// Say whether the number of ones among four bits is odd.
const PARITY: Puzzle = Puzzle {
    n_symbols: 2,
    n_given: 4,
    n_answer: 1,
    reward: is_parity,
};

fn share_reversed(given: &[u32], answer: &[u32]) -> f32 {
    let right = given.iter().rev().zip(answer).filter(|(a, b)| a == b).count();
    right as f32 / given.len() as f32
}

fn is_parity(given: &[u32], answer: &[u32]) -> f32 {
    f32::from(u8::from(answer == [given.iter().sum::<u32>() % 2]))
}

struct Setup {
    seed: u64,
    n_steps: u64,
    entropy_coef: f64,
}

#[derive(Debug, Default, PartialEq)]
struct Curve {
    rewards: Vec<f32>,
    alarm_at: Option<(usize, Alarm)>,
    /// Largest share of tokens outside the clip range: 0 on policy.
    worst_clip: f64,
    final_weights: Vec<Vec<f32>>,
}

impl Curve {
    /// Mean reward of the last ten steps.
    fn end(&self) -> f32 {
        self.rewards.iter().rev().take(10).sum::<f32>() / 10.0
    }
}

/// A counter-based draw (SplitMix64), so that a run is a function of its seed.
fn mix(key: u64) -> u64 {
    let mut z = key
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn fresh_model(seed: u64) -> LanguageModel {
    let mut config = DecoderConfig::preset(Arch::Qwen2, Size::Pico);
    config.vocab_size = VOCABULARY;
    config.initializer_range = knob("INIT", 0.02);
    config.rope.theta = knob("THETA", 1e6);
    config.tie_word_embeddings = knob("TIE", 1.0) > 0.5;
    LanguageModel::fresh(&config, seed, &Device::flex().autodiff())
}

fn train(puzzle: &Puzzle, setup: &Setup) -> Curve {
    let config = GrpoConfig {
        schedule: Schedule::constant(knob("LR", 1e-3)),
        entropy: EntropySchedule::constant(setup.entropy_coef),
        ..GrpoConfig::default()
    };
    let mut trainer = GrpoTrainer::new(fresh_model(setup.seed), config);
    let mut watch = CollapseWatch::default();
    let mut curve = Curve::default();
    for step in 0..setup.n_steps {
        let played = play(puzzle, &trainer.model().valid(), mix(setup.seed) ^ mix(step));
        let report = trainer
            .step_rows(played.rows, Progress::of_steps(step, setup.n_steps))
            .unwrap();
        curve.rewards.push(played.mean_reward);
        curve.worst_clip = curve.worst_clip.max(report.metrics["clip_ratio/region_mean"]);
        let alarm = watch.observe(played.zero_signal_share, report.metrics["entropy"]);
        curve.alarm_at = curve
            .alarm_at
            .take()
            .or_else(|| alarm.map(|alarm| (step as usize, alarm)));
    }
    curve.final_weights = named_parameters(trainer.model())
        .into_iter()
        .map(|named| named.values)
        .collect();
    curve
}

struct Played {
    rows: Vec<Row>,
    mean_reward: f32,
    zero_signal_share: f64,
}

fn play(puzzle: &Puzzle, model: &LanguageModel, key: u64) -> Played {
    let given = |group: usize, place: usize| {
        (mix(key ^ mix((group * 64 + place) as u64)) % u64::from(puzzle.n_symbols)) as u32
    };
    let prompts: Vec<Vec<u32>> = (0..GROUPS)
        .map(|group| (0..puzzle.n_given).map(|place| given(group, place)).collect())
        .collect();
    let n_turns = puzzle.n_answer as usize;
    let requests: Vec<GenerateRequest> = (0..GROUPS * GROUP_SIZE * n_turns)
        .map(|idx| {
            let (episode, turn) = (idx / n_turns, idx % n_turns);
            GenerateRequest {
                prompt: prompts[episode / GROUP_SIZE].iter().copied().chain([ASK + turn as u32]).collect(),
                candidates: None,
                sampling: Sampling { max_new_tokens: 1, ..Sampling::default() },
                stop_tokens: Vec::new(),
                seed: mix(key ^ mix((1 << 32) + idx as u64)),
            }
        })
        .collect();
    let answers: Vec<_> = generate_batch(model, &requests, 0).into_iter().map(Result::unwrap).collect();
    let rewards: Vec<f32> = answers
        .chunks(n_turns)
        .enumerate()
        .map(|(episode, turns)| {
            let said: Vec<u32> = turns.iter().map(|turn| turn.token_ids[0]).collect();
            (puzzle.reward)(&prompts[episode / GROUP_SIZE], &said)
        })
        .collect();
    let flat = rewards.chunks(GROUP_SIZE).filter(|group| is_zero_signal(group)).count();
    let advantages: Vec<f32> = rewards.chunks(GROUP_SIZE).flat_map(group_advantages).collect();
    let rows = requests.into_iter().zip(answers).enumerate().map(|(idx, (request, answer))| {
        Row::new(request.prompt, answer.token_ids)
            .with_old_logprobs(answer.logprobs)
            .with_advantage(advantages[idx / n_turns])
    });
    Played {
        rows: rows.collect(),
        mean_reward: rewards.iter().sum::<f32>() / rewards.len() as f32,
        zero_signal_share: flat as f64 / GROUPS as f64,
    }
}

fn reverse_is_learnt(seed: u64) {
    let curve = train(
        &REVERSE,
        &Setup {
            seed,
            n_steps: 150,
            entropy_coef: 0.0,
        },
    );
    assert!(
        curve.rewards[0] < 0.3,
        "seed {seed} starts at {}",
        curve.rewards[0]
    );
    assert!(
        curve.end() >= 0.9,
        "seed {seed} ends at {}: {:?}",
        curve.end(),
        curve.rewards
    );
    assert_eq!(curve.worst_clip, 0.0, "every ratio is 1 on policy");
}

fn parity_is_learnt_with_an_entropy_bonus(seed: u64) {
    let curve = train(
        &PARITY,
        &Setup {
            seed,
            n_steps: 400,
            entropy_coef: 0.02,
        },
    );
    assert!(curve.end() >= 0.85, "seed {seed} ends at {}", curve.end());
}

fn parity_without_a_bonus_trips_the_alarm(seed: u64) {
    let curve = train(
        &PARITY,
        &Setup {
            seed,
            n_steps: 300,
            entropy_coef: 0.0,
        },
    );
    let alarm = curve.alarm_at.map(|(_, alarm)| alarm);
    assert!(
        matches!(alarm, Some(Alarm::ZeroSignal { .. })),
        "seed {seed}: {alarm:?}, ends at {}",
        curve.end()
    );
}

#[test]
fn ladder_t1_reverse_is_learnt_by_step_150() {
    reverse_is_learnt(0);
}

#[test]
fn ladder_t1_a_run_repeats_to_the_bit() {
    let run = || {
        train(
            &REVERSE,
            &Setup {
                seed: 0,
                n_steps: 5,
                entropy_coef: 0.01,
            },
        )
    };
    assert_eq!(run(), run());
}

#[test]
fn ladder_t2_parity_is_learnt_with_an_entropy_bonus() {
    parity_is_learnt_with_an_entropy_bonus(0);
}

#[test]
fn ladder_t2_parity_without_a_bonus_trips_the_zero_signal_alarm() {
    parity_without_a_bonus_trips_the_alarm(0);
}

#[test]
fn ladder_all_seeds_t1() {
    (0..3).for_each(reverse_is_learnt);
}

#[test]
fn ladder_all_seeds_t2() {
    (0..3).for_each(parity_is_learnt_with_an_entropy_bonus);
    (0..3).for_each(parity_without_a_bonus_trips_the_alarm);
}

fn knob(name: &str, default: f64) -> f64 {
    std::env::var(name).ok().map_or(default, |v| v.parse().unwrap())
}
#[test]
fn explore() {
    let seed = knob("SEED", 0.0) as u64;
    if knob("T", 1.0) < 1.5 {
        let c = train(
            &REVERSE,
            &Setup {
                seed,
                n_steps: 150,
                entropy_coef: knob("ENT", 0.0),
            },
        );
        eprintln!(
            "reverse seed {seed} {:?} end {}",
            c.rewards.iter().step_by(15).collect::<Vec<_>>(),
            c.end()
        );
    } else {
        let c = train(
            &PARITY,
            &Setup {
                seed,
                n_steps: 400,
                entropy_coef: knob("ENT", 0.02),
            },
        );
        eprintln!(
            "parity seed {seed} {:?} end {} alarm {:?}",
            c.rewards.iter().step_by(40).collect::<Vec<_>>(),
            c.end(),
            c.alarm_at
        );
    }
}
