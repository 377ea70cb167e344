//! What time it is, so that a test can set the clock while a lake is in use.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::ThisMachine;

/// The time of day, which may be set forward or back at any moment. How long something takes is measured by
/// [`Instant`](std::time::Instant) instead.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Microseconds since 1970, UTC.
    fn now(&self) -> i64;
}

impl Clock for ThisMachine {
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }
}
