use super::*;

fn trials(losses: &[(f64, f64)]) -> Vec<Trial> {
    losses.iter().map(|(lr, loss)| Trial { lr: *lr, loss: *loss }).collect()
}

#[test]
fn the_highest_rate_that_is_as_good_as_the_best_wins_except_for_preferences() {
    let tried = trials(&[(1e-4, 2.00), (2e-4, 1.90), (4e-4, 1.92), (8e-4, f64::INFINITY)]);
    assert_eq!(chosen(&tried, ObjectiveKind::Sft), Some(4e-4));
    assert_eq!(chosen(&tried, ObjectiveKind::Dpo), Some(2e-4));
    assert_eq!(chosen(&trials(&[(1e-4, f64::INFINITY)]), ObjectiveKind::Sft), None);
}

#[test]
fn a_base_that_knows_no_language_begins_at_its_own_rate() {
    let config = DecoderConfig::preset(model::Arch::Qwen2, model::Size::Pico);
    let uniform = (config.vocab_size as f64).ln();
    assert_eq!(first_rate(1e-4, uniform, &config), RATE_FROM_NOTHING);
    assert_eq!(first_rate(1e-4, 0.3 * uniform, &config), 1e-4);
    assert_eq!(first_rate(5e-3, uniform, &config), 5e-3);
}

#[test]
fn the_search_goes_outward_while_it_gets_better_and_then_looks_between() {
    assert_eq!(next(&[], 1.0), Some(1.0));
    assert_eq!(next(&trials(&[(1.0, 3.0)]), 1.0), Some(3.0));
    assert_eq!(next(&trials(&[(1.0, 3.0), (3.0, 2.0)]), 1.0), Some(9.0));
    assert_eq!(next(&trials(&[(1.0, 2.0), (3.0, 3.0)]), 1.0), Some(1.0 / 3.0));
    let between = next(&trials(&[(1.0, 3.0), (3.0, 2.0), (9.0, f64::INFINITY)]), 1.0);
    assert_eq!(between, Some(3.0_f64.sqrt() * 3.0));
    let far = trials(&[(1.0, 3.0), (100.0, 2.0)]);
    assert!(next(&far, 1.0).is_some_and(|lr| lr < 300.0), "not for ever");
}
