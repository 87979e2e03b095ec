use super::*;

#[test]
fn what_is_kept_begins_anew_when_it_is_full() {
    let kept: Kept<u16, u16> = Kept::new(2);
    for key in [1, 2, 1, 3, 1] {
        assert_eq!(*kept.of(key, |key| key * 2), key * 2);
    }
    assert_eq!(kept.len(), 2);
}

#[test]
fn a_value_is_made_once_and_a_failure_is_not_kept() {
    let kept: Kept<u16, u16> = Kept::new(2);
    assert_eq!(kept.get(9, |_| Err("no")), Err("no"));
    assert_eq!(*kept.of(9, |_| 1), 1);
    assert_eq!(*kept.of(9, |_| 2), 1);
}
