use burn::tensor::{DType, Device};
use model::{Arch, DecoderConfig, LoraConfig, Size};
use train::Row;

use super::super::ObjectiveKind;
use super::*;
use crate::events::Event;

fn base() -> LanguageModel {
    let config = DecoderConfig { vocab_size: 64, ..DecoderConfig::preset(Arch::Qwen3, Size::Pico) };
    LanguageModel::fresh(&config, 1, &Device::flex())
}

fn examples() -> Vec<Example> {
    (0..12).map(|idx| vec![Row::new(vec![idx, idx + 1], vec![idx + 2, idx + 3])]).collect()
}

fn goal() -> Goal {
    let (kind, activations) = (ObjectiveKind::Sft, train::Activations::Kept);
    Goal { kind, base: base(), token_budget: 1024, activations }
}

/// A gate in a folder of its own, and what happened.
fn with_gate(work: impl FnOnce(&mut Gate<'_>, &mut dyn Observer)) -> Vec<Event> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let publisher = Publisher::new(&dir.path().join("out"), "base").expect("writable");
    let goal = goal();
    let mut gate = Gate::new(&goal, &publisher, examples(), 3).expect("a gate");
    let mut events = Vec::new();
    let mut observer = |event: &Event| events.push(event.clone());
    work(&mut gate, &mut observer);
    events
}

/// The base with an adapter that was trained for `steps` on what the gate judges by.
fn trained(steps: u64) -> LanguageModel {
    let model = LanguageModel::fresh(base().config(), 1, &Device::flex().autodiff());
    let model = model.with_fresh_lora(&LoraConfig::all_linear(8, 16.0), 2);
    let goal = goal();
    let mut learner = super::super::learner(model, &goal);
    for _ in 0..steps {
        let (parts, objective) = goal.step(examples());
        learner.step(&parts, objective.as_ref(), &Default::default(), 5e-3).expect("a step");
    }
    learner.model().clone()
}

fn n_published(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Published { .. })).count()
}

#[test]
fn only_what_beats_base_and_folder_is_published() {
    let events = with_gate(|gate, observer| {
        gate.consider(&trained(0), 1, observer);
        assert!(gate.published().is_none(), "nothing was learnt");
        let good = gate.consider(&trained(20), 2, observer);
        assert!(good < gate.base_loss() && gate.published().is_some_and(|artifact| artifact.step == 2));
        gate.consider(&trained(5), 3, observer);
        assert!(gate.published().is_some_and(|artifact| artifact.step == 2), "the better one stays");
        assert_eq!(gate.best_loss(), good);
    });
    assert_eq!(n_published(&events), 1);
}

#[test]
fn a_mean_is_published_only_if_it_is_better() {
    with_gate(|gate, observer| {
        for steps in [10, 14, 18, 22] {
            gate.consider(&trained(steps), steps, observer);
        }
        let before = gate.best_loss();
        gate.soup(Instant::now() + std::time::Duration::from_secs(60), observer);
        let handed_over = gate.handed_over().expect("published").loss;
        assert!(handed_over <= before, "{handed_over} after {before}");
    });
}

#[test]
fn weights_that_are_not_finite_change_nothing() {
    let events = with_gate(|gate, observer| {
        let broken = trained(3).without_lora().rounded_to(DType::F16);
        let loss = gate.consider(&broken, 1, observer);
        assert!(loss.is_finite());
        assert!(gate.published().is_none(), "rounding alone is no gain");
    });
    assert_eq!(n_published(&events), 0);
}
