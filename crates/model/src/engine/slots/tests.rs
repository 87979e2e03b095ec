use super::*;

fn prompt(n: u32) -> Vec<u32> {
    (0..n).collect()
}

/// Reads a prompt into a slot and gives it back.
fn read(slots: &mut Slots, tokens: &[u32]) -> Place {
    let place = slots.take(tokens).unwrap();
    slots.extend(place.slot, &tokens[place.n_shared..]);
    slots.release(place.slot);
    place
}

#[test]
fn a_conversation_continues_in_its_own_slot() {
    let mut slots = Slots::new(3);
    let first = read(&mut slots, &prompt(20));
    assert_eq!(first, Place { slot: 0, copy_from: None, n_shared: 0 });
    assert_eq!(read(&mut slots, &prompt(30)), Place { slot: 0, copy_from: None, n_shared: 20 });
    assert_eq!(slots.held(0), prompt(30));
}

#[test]
fn a_branch_is_copied_and_leaves_the_other_as_it_is() {
    let mut slots = Slots::new(2);
    read(&mut slots, &prompt(20));
    let mut branch = prompt(12);
    branch.extend([90, 91]);
    assert_eq!(read(&mut slots, &branch), Place { slot: 1, copy_from: Some(0), n_shared: 12 });
    assert_eq!((slots.held(0), slots.held(1)), (&prompt(20)[..], &branch[..]));
}

#[test]
fn the_last_token_of_a_prompt_is_always_read() {
    let mut slots = Slots::new(2);
    read(&mut slots, &prompt(20));
    assert_eq!(slots.take(&prompt(20)).unwrap().n_shared, 19);
    let mut tiny = Slots::new(1);
    assert_eq!(tiny.take(&[5]).unwrap().n_shared, 0);
}

#[test]
fn short_beginnings_are_not_worth_a_copy() {
    let mut slots = Slots::new(2);
    read(&mut slots, &prompt(MIN_SHARED as u32 - 1));
    assert_eq!(slots.take(&prompt(20)).unwrap().n_shared, 0);
}

#[test]
fn the_longest_unused_goes_first_and_slots_in_use_never() {
    let mut slots = Slots::new(2);
    let (a, b) = (vec![1; 10], vec![2; 10]);
    read(&mut slots, &a);
    read(&mut slots, &b);
    read(&mut slots, &[1; 11]);
    assert_eq!(slots.take(&[3; 10]).unwrap().slot, 1, "b is the oldest");
    assert_eq!(slots.take(&[4; 10]).unwrap().slot, 0);
    assert_eq!(slots.take(&[5; 10]), None);
    assert_eq!(slots.take_any(), None);
    slots.release(1);
    assert_eq!(slots.take_any(), Some(1));
}

#[test]
fn a_slot_in_use_lends_its_beginning() {
    let mut slots = Slots::new(2);
    let place = slots.take(&prompt(20)).unwrap();
    slots.extend(place.slot, &prompt(16));
    assert_eq!(slots.take(&prompt(20)).unwrap(), Place { slot: 1, copy_from: Some(0), n_shared: 16 });
}

#[test]
fn the_last_free_slot_is_cut_back_to_what_it_shares() {
    let mut slots = Slots::new(1);
    read(&mut slots, &prompt(20));
    let mut branch = prompt(12);
    branch.push(90);
    assert_eq!(slots.take(&branch).unwrap(), Place { slot: 0, copy_from: None, n_shared: 12 });
    assert_eq!(slots.held(0), prompt(12));
}
