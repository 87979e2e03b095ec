//! Random numbers: numpy's legacy generator for what must equal the sidecar, Python's for what must equal match
//! play, and a fast one for what need not.
//!
//! # Source
//! The ways of drawing from MT19937 are those of `numpy.random.RandomState`, whose streams numpy has frozen (NEP 19),
//! and of CPython's `Lib/random.py`.

mod mt19937;
mod python;

use mt19937::Mt19937;
pub use python::PythonRandom;

/// `numpy.random.RandomState(seed)`: the same numbers from the same calls.
#[derive(Clone, Debug)]
pub struct RandomState {
    twister: Mt19937,
}

impl RandomState {
    /// The generator that numpy makes of an integer seed.
    pub fn new(seed: u32) -> Self {
        Self { twister: Mt19937::new(seed) }
    }

    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        self.twister.next_u32()
    }

    /// `random_sample()`: a number in [0, 1) with 53 random bits.
    pub fn random_double(&mut self) -> f64 {
        self.twister.next_double()
    }

    /// `choice(n)`: an index below `n`, each as likely. Draws nothing if `n` is 1.
    ///
    /// # Panics
    /// If `n` is 0 or does not fit 32 bits.
    pub fn choice(&mut self, n: usize) -> usize {
        assert!(n > 0, "nothing to choose from");
        self.below_or_equal(u32::try_from(n - 1).expect("no game has 2^32 actions")) as usize
    }

    /// `choice(len(p), p=p)`: an index with the probabilities `p`. Always draws one double.
    ///
    /// # Panics
    /// If `p` is empty.
    pub fn choice_weighted(&mut self, p: &[f64]) -> usize {
        self.choice_weighted_by(p.iter().copied())
    }

    /// [`RandomState::choice_weighted`] for probabilities that lie in no slice.
    ///
    /// # Panics
    /// If there are none.
    pub fn choice_weighted_by(&mut self, p: impl Iterator<Item = f64> + Clone) -> usize {
        // As numpy: the running sum, divided by its last value, searched from the right.
        let total = p.clone().fold(0.0, |sum, p| sum + p);
        let drawn = self.random_double();
        let mut sum = 0.0;
        let mut n = 0;
        for p in p {
            sum += p;
            if drawn < sum / total {
                return n;
            }
            n += 1;
        }
        assert!(n > 0, "nothing to choose from");
        n - 1
    }

    /// `shuffle(items)`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below_or_equal(u32::try_from(i).expect("no game has 2^32 actions"));
            items.swap(i, j as usize);
        }
    }

    /// Masked rejection, as numpy draws bounded integers.
    fn below_or_equal(&mut self, max: u32) -> u32 {
        if max == 0 {
            return 0;
        }
        let mask = u32::MAX >> max.leading_zeros();
        loop {
            let drawn = self.next_u32() & mask;
            if drawn <= max {
                return drawn;
            }
        }
    }
}

/// A small fast generator (SplitMix64) for playouts and property tests; not numpy's.
///
/// # Source
/// Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#[derive(Clone, Debug)]
pub struct FastRng {
    state: u64,
}

impl FastRng {
    /// A generator whose numbers depend on `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// An index below `n`; its bias, n / 2³², is of no account for games.
    pub fn below(&mut self, n: usize) -> usize {
        (((self.next_u64() >> 32) * n as u64) >> 32) as usize
    }

    /// A number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
    }
}

#[cfg(test)]
mod tests;
