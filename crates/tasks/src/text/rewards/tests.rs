use super::*;

fn scores(values: &[f64]) -> Scores {
    Scores { values: values.to_vec(), ..Scores::default() }
}

#[test]
fn a_quiet_function_is_heard_beside_a_loud_one() {
    // The second says the opposite, a thousand times as loud.
    let quiet = scores(&[0.0, 1.0, 0.0, 1.0]);
    let loud = scores(&[0.0, -1000.0, 0.0, -1000.0]);
    let both = weighted_advantages(&[quiet.clone(), loud.clone()], &[0.5, 0.5], 2);
    let alone = weighted_advantages(std::slice::from_ref(&loud), &[1.0], 2);
    // By weight they say nothing together; by their sum only the loud one is heard.
    both.iter().zip(&alone).for_each(|(both, alone)| assert!((both - 0.5 * alone).abs() < 1e-3, "{both}"));
    let first = weighted_advantages(&[quiet, loud], &[0.8, 0.2], 2);
    assert!(first[1].abs() < both[1].abs() && first[0] > 0.0, "{first:?}");
}

#[test]
fn what_says_the_same_of_all_says_nothing() {
    let flat = weighted_advantages(&[scores(&[3.0; 4])], &[1.0], 2);
    assert!(flat.iter().all(|advantage| *advantage == 0.0), "{flat:?}");
}
