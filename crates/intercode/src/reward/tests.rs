use super::*;
use crate::manifest::State;

/// Changes of the named paths; the number stands for the content.
fn outcome(changes: &[(&str, u64)], output: &str) -> Outcome {
    let state = |size| Some(State::File { size, digest: [0; 32] });
    let changes = changes.iter().map(|(path, size)| (path.as_bytes().to_vec(), state(*size))).collect();
    Outcome { changes, output: output.to_owned() }
}

fn check(agent: &Outcome, gold: &Outcome, total: f64) {
    let reward = reward(agent, gold, Scoring::Continuous);
    assert!((reward.total - total).abs() < 1e-9, "{reward:?} should be {total}");
}

#[test]
fn everything_alike_is_one_and_nothing_alike_is_the_floor_and_what_is_vacuous() {
    check(&outcome(&[], ""), &outcome(&[], ""), 1.0);
    check(&outcome(&[("a", 1)], "12 files"), &outcome(&[("a", 1)], "12 files"), 1.0);
    // Two paths differ, none is common, no token is shared: 0.01 + 0 + 0.33 + 0.
    check(&outcome(&[("a", 1)], "yes"), &outcome(&[("b", 1)], "no"), 0.34);
}

#[test]
fn one_differing_path_leaves_five_hundredths() {
    // 0.33 · (1 − erf(1)) = 0.33 · 0.157299 = 0.0519.
    check(&outcome(&[("a", 1)], ""), &outcome(&[], ""), 0.01 + 0.05 + 0.33 + 0.33);
    // 0.33 · (1 − erf(2)) = 0.33 · 0.004678 = 0.0015.
    check(&outcome(&[("a", 1), ("b", 1)], ""), &outcome(&[], ""), 0.01 + 0.0 + 0.33 + 0.33);
}

#[test]
fn contents_count_by_the_share_of_common_paths() {
    let gold = outcome(&[("a", 1), ("b", 1), ("c", 1)], "");
    // 0.33 · 1/3 = 0.11; 0.33 · 2/3 = 0.22.
    check(&outcome(&[("a", 1), ("b", 2), ("c", 2)], ""), &gold, 0.01 + 0.33 + 0.11 + 0.33);
    check(&outcome(&[("a", 1), ("b", 1), ("c", 2)], ""), &gold, 0.01 + 0.33 + 0.22 + 0.33);
}

#[test]
fn similarity_is_sklearns() {
    let close = |a: &str, b: &str, want: f64| {
        let got = similarity(a, b);
        assert!((got - want).abs() < 1e-6, "`{a}` and `{b}`: {got}, not {want}");
    };
    close("alpha beta", "beta ALPHA", 1.0);
    // One common term (idf 1), one own term each (idf 1.405465): 1 / (1 + 1.405465²) = 0.336097.
    close("aa bb", "aa cc", 0.336_097);
    // Counts: 2·1 / (2 · √(1 + 1.405465²)) = 0.579739.
    close("aa aa", "aa bb", 0.579_739);
    // Single characters are no tokens.
    close("1", "1", 1.0);
    close("1", "2", 0.0);
    close("1 ", "1", 0.0);
    close("", "some words", 0.0);
    close("ß_1 x", "ß_1 y", 1.0);
}

#[test]
fn the_binary_reward_collapses_white_space_and_forgives_nothing_else() {
    let binary = |agent: &Outcome, gold: &Outcome| reward(agent, gold, Scoring::Binary).total;
    let gold = outcome(&[("a", 1)], "3 \n total\n");
    assert_eq!(binary(&outcome(&[("a", 1)], " 3 total"), &gold), 1.0);
    assert_eq!(binary(&outcome(&[("a", 2)], " 3 total"), &gold), 0.0);
    assert_eq!(binary(&outcome(&[], " 3 total"), &gold), 0.0);
    assert_eq!(binary(&outcome(&[("a", 1)], "3 Total"), &gold), 0.0);
}

#[test]
fn rounding_is_pythons() {
    // As Python prints round(x, 2): 2.675 lies just below the tie, 0.125 on it.
    for (value, want) in [(2.675, 2.67), (0.125, 0.12), (0.375, 0.38), (0.165, 0.17), (0.33 * 0.5, 0.17)] {
        assert_eq!(round2(value), want, "{value}");
    }
}
