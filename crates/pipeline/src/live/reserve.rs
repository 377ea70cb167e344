//! Room on the disk that doors leave alone: what they have taken needs it to become rows.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use storage::Lake;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Reserve {
    bytes: u64,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Reserve {
    pub(super) fn new(bytes: u64) -> Self {
        Self { bytes, last: Mutex::default() }
    }

    /// Whether less is free, as it was a second ago at most.
    pub(super) fn is_touched(&self, lake: &Lake) -> bool {
        if self.bytes == 0 {
            return false;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((looked, is_touched)) = *last
            && looked.elapsed() < LOOK_EVERY
        {
            return is_touched;
        }
        let is_touched = lake.free_bytes().is_some_and(|free| free < self.bytes);
        *last = Some((Instant::now(), is_touched));
        is_touched
    }
}
