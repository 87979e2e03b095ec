//! The Mersenne Twister that numpy's legacy generator and Python's `random` share; they differ in how they seed it.
//!
//! # Source
//! Matsumoto & Nishimura 1998; seeding by a list of words as in their `mt19937ar.c` of 2002.

const N: usize = 624;
const M: usize = 397;
/// The seed from which seeding by words begins.
const WORDS_SEED: u32 = 19_650_218;

/// 624 words, twisted one at a time.
#[derive(Clone)]
pub(super) struct Mt19937 {
    /// On the heap: whoever holds a generator is moved about.
    words: Box<[u32; N]>,
    next: usize,
}

impl std::fmt::Debug for Mt19937 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mt19937").field("next", &self.next).finish_non_exhaustive()
    }
}

impl Mt19937 {
    /// Seeded by one word.
    pub(super) fn new(seed: u32) -> Self {
        let mut words = Box::new([seed; N]);
        for i in 1..N {
            words[i] = mixed(words[i - 1]).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Self { words, next: 0 }
    }

    /// Seeded by several words.
    ///
    /// # Panics
    /// If there are none.
    pub(super) fn from_words(key: &[u32]) -> Self {
        assert!(!key.is_empty(), "a seed has at least one word");
        let Self { mut words, next } = Self::new(WORDS_SEED);
        let mut i = 1;
        let mut step = |word: &dyn Fn(u32, u32, usize) -> u32| {
            words[i] = word(words[i], mixed(words[i - 1]), i);
            i += 1;
            if i == N {
                words[0] = words[N - 1];
                i = 1;
            }
        };
        for k in 0..key.len().max(N) {
            let j = k % key.len();
            step(&|old, before, _| {
                (old ^ before.wrapping_mul(1_664_525)).wrapping_add(key[j]).wrapping_add(j as u32)
            });
        }
        for _ in 1..N {
            step(&|old, before, i| (old ^ before.wrapping_mul(1_566_083_941)).wrapping_sub(i as u32));
        }
        words[0] = 0x8000_0000;
        Self { words, next }
    }

    /// The next 32 random bits. Each word is twisted when it is drawn: most episodes draw a few of the 624.
    pub(super) fn next_u32(&mut self) -> u32 {
        let at = self.next;
        let joined = (self.words[at] & 0x8000_0000) | (self.words[(at + 1) % N] & 0x7fff_ffff);
        let twisted = (joined >> 1) ^ if joined & 1 == 1 { 0x9908_b0df } else { 0 };
        let mut word = self.words[(at + M) % N] ^ twisted;
        self.words[at] = word;
        self.next = (at + 1) % N;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// A number in [0, 1) with 53 random bits.
    pub(super) fn next_double(&mut self) -> f64 {
        let high = self.next_u32() >> 5;
        let low = self.next_u32() >> 6;
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }
}

/// A word as the next one takes it over while seeding.
fn mixed(word: u32) -> u32 {
    word ^ (word >> 30)
}
