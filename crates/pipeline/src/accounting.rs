//! What became of every message of a run.

use std::fmt;
use std::ops::AddAssign;

/// Counts of messages. Every received one is in exactly one of the other four.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Accounting {
    /// Messages found, and pieces of input that hold none.
    pub received: u64,
    /// New rows of the staging table.
    pub staged: u64,
    /// In the error zone, with a reason.
    pub error: u64,
    /// The same bytes of the same feed were received before.
    pub duplicate: u64,
    /// Left out by a rule of the feed.
    pub filtered: u64,
}

impl Accounting {
    /// Whether every message received is accounted for.
    pub fn is_complete(&self) -> bool {
        self.received == self.staged + self.error + self.duplicate + self.filtered
    }
}

impl fmt::Display for Accounting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { received, staged, error, duplicate, filtered } = self;
        write!(
            formatter,
            "received={received} staged={staged} error={error} duplicate={duplicate} filtered={filtered}"
        )
    }
}

impl AddAssign for Accounting {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.staged += other.staged;
        self.error += other.error;
        self.duplicate += other.duplicate;
        self.filtered += other.filtered;
    }
}
