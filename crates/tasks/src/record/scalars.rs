//! Events as named figures: what curves are drawn of.

use crate::events::{Event, StepEvent};

/// The optimizer step and the figures of an event; none for events without any.
pub(super) fn scalars(event: &Event) -> Option<(u64, Vec<(String, f64)>)> {
    Some(match event {
        Event::WarmUp { step, loss } => (*step, named([("warm_up/loss", *loss)])),
        Event::Step(step) => (step.step, step_scalars(step)),
        Event::TextStep(step) => {
            let figures = [
                ("train/loss", step.loss),
                ("train/lr", step.lr),
                ("train/grad_norm", step.grad_norm),
                ("train/fraction", step.fraction),
                ("train/tokens_per_second", step.tokens_per_second),
                ("train/skipped", f64::from(u8::from(step.skipped))),
            ];
            (step.step, named(figures))
        }
        Event::Rewards { step, names, means, faults } => {
            let mut figures: Vec<(String, f64)> =
                names.iter().map(|name| format!("reward/{name}")).zip(means.iter().copied()).collect();
            figures.push(("reward/faults".to_owned(), *faults as f64));
            (*step, figures)
        }
        Event::Evaluation { step, loss, base, n } => {
            let figures = [
                ("eval/loss", *loss),
                ("eval/base", *base),
                ("eval/gain", base - loss),
                ("eval/n", *n as f64),
            ];
            (*step, named(figures))
        }
        Event::Exam { step, game, against, score, .. } => {
            (*step, vec![(format!("exam/{game}/{against}"), *score)])
        }
        Event::ShellExam { step, score } => (*step, named([("exam/intercode", *score)])),
        Event::Shares { step, shares } => {
            (*step, shares.iter().map(|(name, share)| (format!("lessons/share/{name}"), *share)).collect())
        }
        Event::OwnStates { step, turns } => (*step, named([("lessons/own_turns", *turns as f64)])),
        Event::Plan { .. }
        | Event::Warning { .. }
        | Event::Phase { .. }
        | Event::Rows { .. }
        | Event::LearningRate { .. }
        | Event::Published { .. }
        | Event::Sidecars { .. } => return None,
    })
}

/// Figures of a GRPO step on episodes; exact ones where they were measured.
pub(crate) fn step_scalars(step: &StepEvent) -> Vec<(String, f64)> {
    let mut figures = named([
        ("train/loss", step.loss),
        ("train/lr", step.lr),
        ("train/grad_norm", step.grad_norm),
        ("train/tokens_per_second", step.tokens_per_second),
        ("rollout/mean_return", step.mean_return),
        ("rollout/zero_signal", step.zero_signal),
        ("rollout/illegal_rate", step.illegal_rate),
        ("rollout/turns", step.turns),
        ("rollout/entropy", step.entropy),
        ("rollout/episodes", step.episodes as f64),
    ]);
    let exact = [("exact/nash_conv", step.nash_conv), ("exact/card_sensitivity", step.card_sensitivity)];
    figures.extend(exact.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    figures
}

fn named<const N: usize>(figures: [(&str, f64); N]) -> Vec<(String, f64)> {
    figures.map(|(name, value)| (name.to_owned(), value)).to_vec()
}
