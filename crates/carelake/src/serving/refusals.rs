//! Which refusals are recorded one by one, and which are counted: nobody can fill a disk by being refused.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long refusals of one kind are counted together.
pub(super) const SPAN: Duration = Duration::from_secs(60);
/// Refusals of a kind that are recorded one by one in that time.
const ONE_BY_ONE: u64 = 10;
/// Kinds that are told apart; all others are one.
const KINDS: usize = 1_000;

/// What refusals have in common that are counted together: the cause, and who was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RefusalKind {
    pub(super) cause: &'static str,
    /// Who was refused, or whose token was named, if that is known.
    pub(super) name: Option<String>,
}

/// Counts refusals. `T` is what is kept of one that was not recorded, to tell of all.
#[derive(Debug)]
pub(super) struct Refusals<T> {
    spans: Mutex<HashMap<RefusalKind, Counted<T>>>,
}

#[derive(Debug)]
struct Counted<T> {
    began: Instant,
    so_far: u64,
    /// The first that was not recorded, and how many there were.
    unrecorded: Option<(T, u64)>,
}

impl<T> Default for Refusals<T> {
    fn default() -> Self {
        Self { spans: Mutex::default() }
    }
}

impl<T> Refusals<T> {
    /// Gives a refusal back if it is to be recorded by itself.
    pub(super) fn count(&self, kind: RefusalKind, refusal: T, now: Instant) -> Option<T> {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = match spans.len() >= KINDS && !spans.contains_key(&kind) {
            true => RefusalKind { cause: "others", name: None },
            false => kind,
        };
        let counted = spans.entry(kind).or_insert(Counted { began: now, so_far: 0, unrecorded: None });
        counted.so_far += 1;
        if counted.so_far <= ONE_BY_ONE {
            return Some(refusal);
        }
        counted.unrecorded.get_or_insert((refusal, 0)).1 += 1;
        None
    }

    /// Ends the spans that are over; gives one of each that were counted in them, and how many.
    pub(super) fn take_due(&self, now: Instant) -> Vec<(T, u64)> {
        self.take(|counted| now.saturating_duration_since(counted.began) >= SPAN)
    }

    /// Ends all spans.
    pub(super) fn take_all(&self) -> Vec<(T, u64)> {
        self.take(|_| true)
    }

    fn take(&self, is_over: impl Fn(&Counted<T>) -> bool) -> Vec<(T, u64)> {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans
            .extract_if(|_, counted| is_over(counted))
            .filter_map(|(_, counted)| counted.unrecorded)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(cause: &'static str, name: &str) -> RefusalKind {
        RefusalKind { cause, name: Some(name.to_owned()) }
    }

    #[test]
    fn a_flood_is_ten_records_and_one_with_the_count() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let recorded: Vec<u32> =
            (0..5_000).filter_map(|number| refusals.count(kind("revoked", "a"), number, start)).collect();
        assert_eq!(recorded, (0..10).collect::<Vec<_>>());
        assert_eq!(
            refusals.count(kind("revoked", "b"), 7, start),
            Some(7),
            "another token has its own count"
        );
        assert_eq!(refusals.count(kind("scope", "a"), 8, start), Some(8), "another cause too");
        assert_eq!(refusals.take_due(start + SPAN / 2), []);
        assert_eq!(refusals.take_due(start + SPAN), [(10, 4_990)]);
        // A new span.
        assert_eq!(refusals.count(kind("revoked", "a"), 9, start + SPAN), Some(9));
        assert_eq!(refusals.take_all(), []);
    }

    #[test]
    fn a_flood_of_kinds_is_one_kind() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let recorded =
            (0..5_000).filter_map(|number| refusals.count(kind("scope", &number.to_string()), (), start));
        assert_eq!(recorded.count(), 1_000 + 10);
        assert_eq!(refusals.take_all(), [((), 3_990)]);
    }
}
