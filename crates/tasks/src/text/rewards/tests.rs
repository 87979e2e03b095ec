use super::*;

fn scores(values: &[f64]) -> Scores {
    Scores { values: values.to_vec(), ..Scores::default() }
}

#[test]
fn every_function_is_heard_by_its_weight_whatever_its_scale() {
    // The second says the opposite, a thousand times as loud.
    let quiet = scores(&[0.0, 1.0, 0.0, 1.0]);
    let loud = scores(&[0.0, -1000.0, 0.0, -1000.0]);
    let same = weighted_advantages(&[quiet.clone(), loud.clone()], &[0.5, 0.5], 2);
    assert!(same.iter().all(|advantage| advantage.abs() < 1e-3), "{same:?}");
    let first = weighted_advantages(&[quiet, loud], &[0.8, 0.2], 2);
    assert!(first[1] > 0.0 && first[0] < 0.0, "{first:?}");
}

#[test]
fn what_says_the_same_of_all_says_nothing() {
    let flat = weighted_advantages(&[scores(&[3.0; 4])], &[1.0], 2);
    assert!(flat.iter().all(|advantage| *advantage == 0.0), "{flat:?}");
}
