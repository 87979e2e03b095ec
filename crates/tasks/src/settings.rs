//! From `run.toml` to the settings of the crates that do the work; bad names become messages with hints.

use std::fmt::Display;
use std::str::FromStr;

use grpo::advantage::AdvantageKind;
use grpo::{EntropySchedule, GrpoConfig, LossSettings, ZeroSignal};
use model::{LoraConfig, Target};
use schema::{LoraSpec, Opponent, OpponentKind, RunConfig};
use train::{AdamWConfig, LearnerConfig, Schedule, Shape, Warmup};

use crate::BadInput;

/// Share of a run after which the entropy bonus begins to fall (spec/rl.md §6.2: it must outlast the first, card-blind
/// gain and then be annealed).
const ENTROPY_HOLD: f64 = 0.5;
/// What is left of the bonus at the end: with less, play exploits MCTS and is itself exploited (NashConv 2.5 to 2.9 at 0.4).
const ENTROPY_END: f64 = 0.75;
/// From this share of a run on the weights are averaged.
const AVERAGE_FROM: f64 = 0.5;
/// The learning rate does not fall below this share of its peak: a run on the clock learns to its end.
const LR_FLOOR: f64 = 0.1;
/// Weight of keeping unrestricted play legal (docs/adr/0003).
const LEGALITY: f64 = 1.0;
/// A step draws at most so many times its groups to replace those without spread.
const REFILL: usize = 2;

/// Objective, optimizer and schedules of a run.
///
/// # Errors
/// [`BadInput`] naming the setting that has no such value.
pub fn grpo_config(config: &RunConfig) -> Result<GrpoConfig, BadInput> {
    let objective = &config.objective;
    if objective.kind != "grpo" {
        let message = format!("[objective] kind is `{}`", objective.kind);
        return Err(BadInput::new(message, "environment tasks are trained with `grpo`"));
    }
    let loss = LossSettings {
        loss_type: named("[objective] loss_type", &objective.loss_type)?,
        epsilon_low: objective.epsilon_low,
        epsilon_high: objective.epsilon_high,
        beta: objective.beta,
        kl: named("[objective] kl", &objective.kl)?,
        legality_coef: LEGALITY,
        ..LossSettings::default()
    };
    let optimizer = &config.optimizer;
    let entropy = objective.entropy_coef;
    Ok(GrpoConfig {
        loss,
        advantages: named::<AdvantageKind>("[objective] advantages", &objective.advantages)?,
        entropy: EntropySchedule { start: entropy, end: entropy * ENTROPY_END, hold: ENTROPY_HOLD },
        schedule: Schedule {
            peak: optimizer.lr,
            warmup: Warmup::from_setting(optimizer.warmup),
            shape: named::<Shape>("[optimizer] schedule", &optimizer.schedule)?,
            floor: LR_FLOOR,
        },
        learner: LearnerConfig {
            adamw: AdamWConfig { weight_decay: optimizer.weight_decay, ..AdamWConfig::default() },
            max_grad_norm: optimizer.clip,
            ..LearnerConfig::default()
        },
        temperature: f64::from(config.rollout.temperature),
        max_completion_tokens: config.rollout.max_completion_tokens as usize,
        average_from: AVERAGE_FROM,
        ..GrpoConfig::default()
    })
}

/// What becomes of groups without spread: a running-mean baseline learns from them, a group mean cannot.
pub fn zero_signal(advantages: AdvantageKind) -> ZeroSignal {
    match advantages {
        AdvantageKind::RoleMean => ZeroSignal::Keep,
        _ => ZeroSignal::Refill { at_most: REFILL },
    }
}

/// The adapter's shape.
///
/// # Errors
/// [`BadInput`] for a target that is no linear map.
pub fn lora_config(spec: &LoraSpec) -> Result<LoraConfig, BadInput> {
    if spec.r == 0 {
        return Err(BadInput::new("[optimizer] lora.r is 0", "a rank such as 16"));
    }
    let targets = spec.targets.iter().map(|name| {
        let hint = "see examples/quickstart.toml";
        Target::named(name).map_err(|error| BadInput::new(format!("[optimizer] lora.targets: {error}"), hint))
    });
    let targets = targets.collect::<Result<Vec<_>, _>>()?.concat();
    Ok(LoraConfig { rank: spec.r, alpha: spec.alpha as f32, targets })
}

/// The opponent of a run.
///
/// # Errors
/// [`BadInput`] for an unknown name.
pub fn opponent(config: &RunConfig) -> Result<Opponent, BadInput> {
    Ok(match config.env.opponent.as_str() {
        "mcts" => Opponent::mcts(config.env.simulations, 1),
        "random" => Opponent::plain(OpponentKind::Random),
        "cfr" => Opponent::plain(OpponentKind::Cfr),
        "self" => Opponent::plain(OpponentKind::SelfPlay),
        other => {
            return Err(BadInput::new(format!("[env] opponent is `{other}`"), "mcts, random, cfr or self"));
        }
    })
}

fn named<T: FromStr<Err: Display>>(setting: &str, value: &str) -> Result<T, BadInput> {
    value
        .parse()
        .map_err(|error: T::Err| BadInput::new(format!("{setting}: {error}"), "see examples/quickstart.toml"))
}

#[cfg(test)]
mod tests;
