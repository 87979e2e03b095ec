//! Shares, lengths and copies of generated data sets.

use std::collections::BTreeSet;

use super::{Fingerprint, VALIDATION_SHARE, groups, keys, mixed, split};

/// A prompt of words drawn from a large vocabulary.
fn prompt(seed: u64, n_words: u64) -> String {
    (0..n_words).map(|idx| format!("w{}", mixed(seed * 1000 + idx) % 5000)).collect::<Vec<_>>().join(" ")
}

fn split_prompts(prompts: &[String], lengths: &[usize], seed: u64) -> super::Split<usize> {
    let prints: Vec<Fingerprint> = prompts.iter().map(|prompt| Fingerprint::of(prompt)).collect();
    let keys = keys(lengths, &groups(&prints), &prints);
    split((0..prompts.len()).collect(), &keys, VALIDATION_SHARE, seed)
}

#[test]
fn near_copies_are_found_and_strangers_are_not() {
    let long = prompt(1, 60);
    let near = |other: &str| Fingerprint::of(&long).is_near_to(other);
    assert!(near(&long.to_uppercase().replace(' ', ",  ")));
    assert!(near(&format!("{long} please")));
    assert!(!near(&prompt(2, 60)));
    assert!(!near(""));
    assert!(Fingerprint::of("!!").is_near_to("!!") && !Fingerprint::of("!!").is_near_to("??"));
    assert!(!Fingerprint::of("请把这句话翻译成英文").is_near_to("今天的天气非常好啊啊"));
}

impl Fingerprint {
    fn is_near_to(&self, text: &str) -> bool {
        groups(&[self.clone(), Self::of(text)]) == [0, 0]
    }
}

#[test]
fn a_twentieth_of_every_length_is_set_apart() {
    let prompts: Vec<String> = (0..2000).map(|seed| prompt(seed, 12)).collect();
    let lengths: Vec<usize> = (0..2000).map(|idx| 10 + (mixed(idx) % 990) as usize).collect();
    let halves = split_prompts(&prompts, &lengths, 7);
    assert!((95..=105).contains(&halves.validation.len()), "{}", halves.validation.len());
    assert_eq!(halves.train.len() + halves.validation.len(), 2000);
    for quarter in 0..4 {
        let range = 10 + quarter * 248..10 + (quarter + 1) * 248;
        let n = |rows: &[usize]| rows.iter().filter(|idx| range.contains(&lengths[**idx])).count();
        let all = n(&halves.train) + n(&halves.validation);
        let share = n(&halves.validation) as f64 / all as f64;
        assert!((0.035..0.065).contains(&share), "quarter {quarter}: {share}");
    }
    assert!(halves.validation.is_sorted() && halves.train.is_sorted());
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let prompts: Vec<String> = (0..400).map(|seed| prompt(seed, 12)).collect();
    let lengths = vec![20; 400];
    assert_eq!(split_prompts(&prompts, &lengths, 1), split_prompts(&prompts, &lengths, 1));
    assert_ne!(split_prompts(&prompts, &lengths, 1), split_prompts(&prompts, &lengths, 2));
}

#[test]
fn near_copies_stay_on_one_side() {
    // Each prompt three times: as it is, in other letters, and with a word more.
    let prompts: Vec<String> = (0..600)
        .map(|idx| {
            let text = prompt(idx / 3, 40);
            match idx % 3 {
                0 => text,
                1 => text.to_uppercase(),
                _ => format!("{text} thanks"),
            }
        })
        .collect();
    let halves = split_prompts(&prompts, &vec![50; 600], 3);
    let sides = |rows: &[usize]| rows.iter().map(|idx| idx / 3).collect::<BTreeSet<_>>();
    assert!((20..=40).contains(&halves.validation.len()), "{}", halves.validation.len());
    assert!(sides(&halves.train).is_disjoint(&sides(&halves.validation)));
}

#[test]
fn one_template_for_all_rows_still_gives_a_validation_side() {
    let frame = prompt(9, 80);
    let prompts: Vec<String> = (0..400).map(|idx| format!("{frame} {}", idx / 2)).collect();
    let halves = split_prompts(&prompts, &vec![90; 400], 3);
    assert!((15..=25).contains(&halves.validation.len()), "{}", halves.validation.len());
    let pairs = |rows: &[usize]| rows.iter().map(|idx| idx / 2).collect::<BTreeSet<_>>();
    assert!(pairs(&halves.train).is_disjoint(&pairs(&halves.validation)));
}

#[test]
fn few_rows_are_all_for_training() {
    let prompts: Vec<String> = (0..8).map(|seed| prompt(seed, 12)).collect();
    let halves = split_prompts(&prompts, &[5; 8], 0);
    assert_eq!((halves.train.len(), halves.validation.len()), (8, 0));
}
