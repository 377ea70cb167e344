//! Times in bounded memory: hours of a load take no more than a second of it.

use std::time::Duration;

/// Buckets in each doubling: an answer is off by at most a sixty-fourth.
const STEPS: u64 = 64;
/// Up to 2^36 microseconds, 19 hours.
const DOUBLINGS: usize = 31;

/// How often each time was seen, in microseconds.
#[derive(Debug, Clone)]
pub struct Latencies {
    counts: Vec<u64>,
    total: u64,
    longest: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: vec![0; STEPS as usize * DOUBLINGS], total: 0, longest: 0 }
    }
}

impl Latencies {
    /// Counts one.
    pub fn add(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let last = self.counts.len() - 1;
        self.counts[bucket(micros).min(last)] += 1;
        self.total += 1;
        self.longest = self.longest.max(micros);
    }

    /// Counts all of another.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.longest = self.longest.max(other.longest);
    }

    /// The time that this share of all did not exceed, in microseconds; 0 if there were none.
    pub fn quantile(&self, share: f64) -> u64 {
        let wanted = (self.total as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (place, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper_end(place).min(self.longest);
            }
        }
        self.longest
    }

    /// The longest, in microseconds.
    pub fn longest(&self) -> u64 {
        self.longest
    }
}

/// Single microseconds up to 64, from there 64 buckets for each doubling.
fn bucket(micros: u64) -> usize {
    let doubling = micros.checked_ilog2().unwrap_or(0).saturating_sub(STEPS.ilog2());
    (u64::from(doubling) * STEPS + (micros >> doubling)) as usize
}

fn upper_end(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let doubling = (bucket / STEPS).saturating_sub(1);
    ((bucket - doubling * STEPS + 1) << doubling) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_close() {
        let mut latencies = Latencies::default();
        for micros in 1..=100_000 {
            latencies.add(Duration::from_micros(micros));
        }
        for (share, exact) in [(0.5, 50_000.0), (0.95, 95_000.0), (0.99, 99_000.0)] {
            let found = latencies.quantile(share) as f64;
            assert!(found >= exact && found <= exact * 1.02, "{share}: {found}");
        }
        assert_eq!(latencies.longest(), 100_000);
        assert_eq!(latencies.quantile(1.0), 100_000);
    }

    #[test]
    fn every_time_is_within_its_bucket() {
        for micros in (0..5_000).chain((13..30).map(|power| (1 << power) + 1)) {
            let place = bucket(micros);
            assert!(place >= bucket(micros.saturating_sub(1)), "{micros}");
            assert!(upper_end(place) >= micros && upper_end(place) <= micros + micros / 63, "{micros}");
        }
    }

    #[test]
    fn merged_is_as_if_counted_together() {
        let (mut left, mut right) = (Latencies::default(), Latencies::default());
        left.add(Duration::from_micros(10));
        right.add(Duration::from_secs(3));
        left.merge(&right);
        assert_eq!((left.quantile(0.5), left.quantile(1.0)), (10, 3_000_000));
        assert_eq!(Latencies::default().quantile(0.5), 0);
    }
}
