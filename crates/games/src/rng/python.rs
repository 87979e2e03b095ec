//! Python's `random.Random`, for what match play draws: seeds, variants and opening moves.

use super::mt19937::Mt19937;

/// `random.Random(seed)`: the same numbers from the same calls, as CPython draws them.
#[derive(Clone, Debug)]
pub struct PythonRandom {
    twister: Mt19937,
}

impl PythonRandom {
    /// The generator that Python makes of an integer seed.
    pub fn new(seed: u64) -> Self {
        let words = [seed as u32, (seed >> 32) as u32];
        let n = if words[1] == 0 { 1 } else { 2 };
        Self { twister: Mt19937::from_words(&words[..n]) }
    }

    /// `random()`: a number in [0, 1) with 53 random bits.
    pub fn random(&mut self) -> f64 {
        self.twister.next_double()
    }

    /// `getrandbits(bits)`: the low word is drawn first.
    ///
    /// # Panics
    /// If `bits` is above 64.
    pub fn getrandbits(&mut self, bits: u32) -> u64 {
        assert!(bits <= u64::BITS, "{bits} bits do not fit 64");
        let mut value = 0;
        for low in (0..bits).step_by(32) {
            let wanted = (bits - low).min(32);
            value |= u64::from(self.twister.next_u32() >> (32 - wanted)) << low;
        }
        value
    }

    /// `randint(low, high)`: an integer from `low` to `high`, both included.
    ///
    /// # Panics
    /// If there is none, or if they span 64 bits.
    pub fn randint(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high && high - low < u64::MAX, "no integer can be drawn from {low} to {high}");
        low + self.below(high - low + 1)
    }

    /// The index that `choice` takes of a sequence of `n` items.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn choice(&mut self, n: usize) -> usize {
        self.below(n as u64) as usize
    }

    /// `_randbelow(n)`: as many bits as `n` has, drawn until the number is below it. One choice draws, too.
    fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "nothing to choose from");
        let bits = u64::BITS - n.leading_zeros();
        loop {
            let drawn = self.getrandbits(bits);
            if drawn < n {
                return drawn;
            }
        }
    }
}
