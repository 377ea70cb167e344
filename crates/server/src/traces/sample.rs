//! Which of many like things are traced: evenly spread, without a die.

use std::sync::atomic::{AtomicU64, Ordering};

pub(super) struct Sample {
    share: f64,
    so_far: AtomicU64,
}

impl Sample {
    /// A share from 0 to 1.
    pub(super) fn of(share: f64) -> Self {
        Self { share: share.clamp(0.0, 1.0), so_far: AtomicU64::new(0) }
    }

    /// Whether the next one is among them.
    pub(super) fn takes_next(&self) -> bool {
        let number = self.so_far.fetch_add(1, Ordering::Relaxed) as f64;
        ((number + 1.0) * self.share).floor() > (number * self.share).floor()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_taken_evenly() {
        for (share, expected) in [(0.0, 0), (0.01, 100), (0.3, 3_000), (1.0, 10_000), (7.0, 10_000)] {
            let sample = Sample::of(share);
            let taken: Vec<bool> = (0..10_000).map(|_| sample.takes_next()).collect();
            assert_eq!(taken.iter().filter(|taken| **taken).count(), expected, "{share}");
            let first_half = taken[..5_000].iter().filter(|taken| **taken).count();
            assert_eq!(first_half, expected / 2, "{share}");
        }
    }
}
