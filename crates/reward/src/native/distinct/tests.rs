use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::*;

/// As many as an ordinary set of the words between single spaces.
fn check(text: &str) {
    let mut words = Words::of(text);
    let mut start = 0;
    for word in text.split(' ') {
        words.push(start, start + word.len());
        start += word.len() + 1;
    }
    let want: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    assert_eq!(words.len(), want.len());
    assert_eq!(words.n_distinct(), want.into_iter().collect::<HashSet<_>>().len(), "{text:?}");
}

#[test]
fn words_of_every_length_are_told_apart() {
    for length in 1..20 {
        let (zeros, letters) = ("\0".repeat(length), "ÿ".repeat(length));
        check(&format!("{zeros} {zeros} \0{zeros} {letters} {letters}a {zeros}\u{10ffff} {letters}"));
    }
}

#[test]
fn few_words_many_words_and_more_than_chairs_are_counted_as_by_a_set() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for n in [0, 1, 2, 200, CHAIRS, MOST_PLAYERS, MOST_PLAYERS + 1] {
        for n_different in [1, 10, 1_000, 1_000_000_000] {
            let words: Vec<String> = (0..n).map(|_| rng.random_range(0..n_different).to_string()).collect();
            check(&words.join(" "));
        }
    }
}

#[test]
fn words_that_all_want_one_chair_are_settled() {
    let words: Vec<u128> = (0..1_000_000).filter(|&word| chair(word) == 7).take(300).collect();
    assert!(words.len() > 100);
    assert_eq!(n_settled(&mut [words.clone(), words.clone()].concat()), words.len());
}
