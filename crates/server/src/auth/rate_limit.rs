//! How often somebody may ask.
//!
//! Of each key one moment is kept: when its bucket will be full again. A bucket that is full is as good as none, so it
//! is forgotten, and memory is bounded by the number of keys that asked lately and by a limit.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A token bucket for every key: so many requests at once, then so many a second.
#[derive(Debug)]
pub struct RateLimit {
    /// The time in which one request comes back.
    interval: Duration,
    /// The time in which an empty bucket fills.
    whole: Duration,
    most_keys: usize,
    buckets: Mutex<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    /// When each bucket is full again.
    full_at: HashMap<String, Instant>,
    /// The one bucket of all keys for which there was no room.
    others: Option<Instant>,
    /// Full buckets are not looked for before.
    next_sweep: Option<Instant>,
}

impl RateLimit {
    /// Lets each key have `burst` requests at once and `per_second` a second, both at least 1, and keeps at most
    /// `most_keys` keys apart: the others share one bucket.
    pub fn new(per_second: u32, burst: u32, most_keys: usize) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Self { interval, whole: interval * burst.max(1), most_keys, buckets: Mutex::default() }
    }

    /// Takes one request from the key's bucket; if it is empty, the time until there is one.
    pub fn allow(&self, key: &str, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(full_at) = buckets.full_at.get_mut(key) {
            return self.take(full_at, now);
        }
        if buckets.full_at.len() >= self.most_keys {
            self.sweep(&mut buckets, now);
        }
        if buckets.full_at.len() >= self.most_keys {
            return self.take(buckets.others.get_or_insert(now), now);
        }
        self.take(buckets.full_at.entry(key.to_owned()).or_insert(now), now)
    }

    fn take(&self, full_at: &mut Instant, now: Instant) -> Result<(), Duration> {
        let then = (*full_at).max(now) + self.interval;
        // How far in the future a bucket that has just been emptied is full.
        let over = then.saturating_duration_since(now).saturating_sub(self.whole);
        if !over.is_zero() {
            return Err(over);
        }
        *full_at = then;
        Ok(())
    }

    /// Forgets full buckets, at most once in the time that an empty one needs to fill.
    fn sweep(&self, buckets: &mut Buckets, now: Instant) {
        if buckets.next_sweep.is_some_and(|next| now < next) {
            return;
        }
        buckets.full_at.retain(|_, full_at| *full_at > now);
        buckets.next_sweep = Some(now + self.whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_is_let_through_then_the_rate() {
        let (limit, start) = (RateLimit::new(10, 5, 100), Instant::now());
        assert!((0..5).all(|_| limit.allow("a", start).is_ok()));
        assert_eq!(limit.allow("a", start), Err(SECOND / 10));
        assert_eq!(limit.allow("a", start + SECOND / 20), Err(SECOND / 20));
        assert!(limit.allow("b", start).is_ok(), "another key has a bucket of its own");
        assert!(limit.allow("a", start + SECOND / 10).is_ok());
        assert!(limit.allow("a", start + SECOND / 10).is_err());
        let allowed =
            (0..10_000).filter(|ms| limit.allow("a", start + SECOND + SECOND / 1_000 * *ms).is_ok());
        assert_eq!(allowed.count(), 5 + 99, "ten seconds of asking every millisecond");
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing_away() {
        let (limit, start) = (RateLimit::new(1, 2, 10), Instant::now());
        assert!(limit.allow("a", start + SECOND).is_ok() && limit.allow("a", start + SECOND).is_ok());
        assert_eq!(limit.allow("a", start), Err(SECOND * 2));
    }

    #[test]
    fn keys_beyond_the_bound_share_a_bucket_until_there_is_room() {
        let (limit, start) = (RateLimit::new(1, 2, 100), Instant::now());
        let allowed = (0..10_000).filter(|key| limit.allow(&format!("k{key}"), start).is_ok()).count();
        assert_eq!(allowed, 100 + 2);
        assert!(limit.allow("k0", start).is_ok(), "whoever has a bucket keeps it");
        assert_eq!(limit.buckets.lock().unwrap().full_at.len(), 100);
        assert!((0..2).all(|_| limit.allow("late", start + 3 * SECOND).is_ok()), "full buckets made room");
        assert_eq!(limit.buckets.lock().unwrap().full_at.len(), 1);
    }
}
