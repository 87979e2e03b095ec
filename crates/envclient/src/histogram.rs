//! Latencies as counts in buckets of about 3 %, lock-free.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Buckets of one doubling.
const PER_OCTAVE: u32 = 32;
const SHIFT: u32 = PER_OCTAVE.trailing_zeros();
/// Doublings from 1 µs; the last bucket also takes what is longer (about 17 minutes).
const OCTAVES: u32 = 30;

/// Distribution of durations.
#[derive(Debug)]
pub struct Histogram {
    counts: Box<[AtomicU64]>,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = ((OCTAVES - SHIFT + 1) * PER_OCTAVE) as usize;
        Self { counts: (0..buckets).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&self, duration: Duration) {
        let bucket = bucket_of(duration.as_micros() as u64).min(self.counts.len() - 1);
        self.counts[bucket].fetch_add(1, Relaxed);
    }

    /// The duration that a share `q` of all recorded ones does not exceed, within 3 %; `None` if there are none.
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let counts: Vec<u64> = self.counts.iter().map(|count| count.load(Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let rank = ((total as f64 * q).ceil() as u64).max(1);
        let mut seen = 0;
        let bucket = counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(Duration::from_micros(upper_end(bucket)))
    }

    /// Adds the counts of `other`.
    pub fn merge(&self, other: &Self) {
        for (mine, theirs) in self.counts.iter().zip(&other.counts) {
            mine.fetch_add(theirs.load(Relaxed), Relaxed);
        }
    }
}

/// Exact below [`PER_OCTAVE`] µs, then [`PER_OCTAVE`] equal parts of each doubling.
fn bucket_of(micros: u64) -> usize {
    let octave = micros.checked_ilog2().unwrap_or(0);
    if octave < SHIFT {
        return micros as usize;
    }
    let part = (micros >> (octave - SHIFT)) & u64::from(PER_OCTAVE - 1);
    ((octave - SHIFT + 1) * PER_OCTAVE) as usize + part as usize
}

fn upper_end(bucket: usize) -> u64 {
    let (octave, part) = (bucket as u32 / PER_OCTAVE, bucket as u64 % u64::from(PER_OCTAVE));
    if octave == 0 {
        return part;
    }
    let width = 1_u64 << (octave - 1);
    (u64::from(PER_OCTAVE) + part + 1) * width - 1
}

#[cfg(test)]
mod tests;
