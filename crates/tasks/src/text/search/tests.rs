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
fn the_search_goes_on_beyond_an_edge_that_is_best_and_not_for_ever() {
    assert_eq!(beyond(&trials(&[(1.0, 3.0), (2.0, 2.0)]), 1.0), Some(4.0));
    assert_eq!(beyond(&trials(&[(1.0, 2.0), (2.0, 3.0)]), 1.0), Some(0.5));
    assert_eq!(beyond(&trials(&[(1.0, 3.0), (2.0, 2.0), (4.0, 2.5)]), 1.0), None);
    assert_eq!(beyond(&trials(&[(100.0, 3.0), (128.0, 2.0)]), 1.0), None);
}
