//! Which prompts are nearly the same, in one pass and without comparing all pairs.
//!
//! A prompt is lower-cased and cut into words; three words in a row are a shingle. The smallest of the shingles' hashes
//! under 32 hash functions form its fingerprint: the share of equal entries of two prints estimates what share of shingles
//! two prompts have in common (Jaccard). Prompts that agree in one of 8 bands of 4 entries are compared (at 0.8 in common
//! that happens with probability 0.98), and are near-equal if 26 of 32 entries are the same. A group is compared by its
//! first row in the band, so that the cost stays linear.
//!
//! Source: Broder, "On the resemblance and containment of documents", 1997; bands after Leskovec, Rajaraman and Ullman,
//! "Mining of Massive Datasets", §3.4.

use std::collections::HashMap;

const N_HASHES: usize = 32;
const BAND: usize = 4;
const N_EQUAL: usize = 26;
const SHINGLE: usize = 3;
/// Longer prompts are told apart by their beginnings.
const MAX_WORDS: usize = 4096;
/// From here on (CJK and its like) scripts do without blanks: each letter is a word.
const FIRST_UNSPACED: char = '\u{2E80}';

/// What is kept of a prompt to compare it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    equal: u64,
    minima: [u32; N_HASHES],
}

impl Fingerprint {
    /// The print of a text; letter case, punctuation and blanks do not count.
    pub(crate) fn of(text: &str) -> Self {
        let mut words = words(text);
        if words.is_empty() {
            words.push(hash(text.bytes()));
        }
        let equal = words.iter().fold(0, |all, word| mixed(all ^ word));
        let mut minima = [u32::MAX; N_HASHES];
        for shingle in words.windows(SHINGLE.min(words.len())) {
            let shingle = shingle.iter().fold(0, |all, word| mixed(all ^ word));
            for (idx, minimum) in minima.iter_mut().enumerate() {
                let hashed = mixed(shingle ^ (idx as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
                *minimum = (*minimum).min((hashed >> 32) as u32);
            }
        }
        Self { equal, minima }
    }

    /// Equal for texts with the same words in the same order.
    pub(crate) fn equal(&self) -> u64 {
        self.equal
    }

    fn is_near(&self, other: &Self) -> bool {
        let same = self.minima.iter().zip(&other.minima).filter(|(a, b)| a == b).count();
        self.equal == other.equal || same >= N_EQUAL
    }
}

/// For each print the index of the first row of its group of near-equal ones.
pub(crate) fn groups(prints: &[Fingerprint]) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..prints.len()).collect();
    let mut firsts: HashMap<(usize, u64), usize> = HashMap::new();
    for (idx, print) in prints.iter().enumerate() {
        for (band, minima) in print.minima.chunks(BAND).enumerate() {
            let key = (band, minima.iter().fold(0, |all, minimum| mixed(all ^ u64::from(*minimum))));
            let first = *firsts.entry(key).or_insert(idx);
            if first != idx && print.is_near(&prints[first]) {
                join(&mut parents, first, idx);
            }
        }
    }
    (0..prints.len()).map(|idx| root(&mut parents, idx)).collect()
}

fn root(parents: &mut [usize], mut idx: usize) -> usize {
    while parents[idx] != idx {
        parents[idx] = parents[parents[idx]];
        idx = parents[idx];
    }
    idx
}

/// The smaller index stays a group's root.
fn join(parents: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parents, a), root(parents, b));
    parents[a.max(b)] = a.min(b);
}

/// Hashes of the first words of `text`.
fn words(text: &str) -> Vec<u64> {
    let mut words = Vec::new();
    let mut word = String::new();
    for char in text.chars() {
        if words.len() >= MAX_WORDS {
            break;
        }
        let unspaced = char >= FIRST_UNSPACED && char.is_alphanumeric();
        if char.is_alphanumeric() && !unspaced {
            word.extend(char.to_lowercase());
            continue;
        }
        if !word.is_empty() {
            words.push(hash(word.bytes()));
            word.clear();
        }
        if unspaced {
            words.push(u64::from(char));
        }
    }
    if !word.is_empty() {
        words.push(hash(word.bytes()));
    }
    words
}

/// FNV-1a.
fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

/// The finaliser of SplitMix64: every bit of the input reaches every bit of the output.
pub(crate) fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
