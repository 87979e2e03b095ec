use super::*;

#[test]
fn who_is_caught_later_is_not_mute() {
    let tally = |forfeits, turns| Tally { losses: 2, forfeits: [forfeits, 0], turns, ..Tally::default() };
    assert!(is_mute(&tally(2, 3)), "first turns of both seats");
    assert!(!is_mute(&tally(2, 5)), "one legal move");
    assert!(!is_mute(&tally(1, 3)), "one game was lost at the table");
}
