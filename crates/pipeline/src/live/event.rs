//! What a live lake tells of itself, for logs and metrics: counts and durations, never anything of a message.

use std::time::Duration;

use crate::{Accounting, Error};

/// Something that happened.
#[derive(Debug)]
pub enum LiveEvent {
    /// A group of deliveries was written to the log and synced.
    Synced {
        /// How many.
        deliveries: usize,
        /// Their bytes.
        bytes: usize,
        /// How long it took.
        took: Duration,
    },
    /// Messages have found their end.
    Committed(LiveCommit),
    /// Messages could not be converted or committed; they are safe, and it is tried again.
    Stalled {
        /// Why.
        error: Error,
        /// In how long it is tried again.
        again_in: Duration,
    },
    /// A segment of the log is in the raw zone.
    Sealed,
    /// A segment could not be put in the raw zone; its messages are safe in the log, and it is tried again.
    NotSealed {
        /// Why.
        error: Error,
        /// In how long it is tried again.
        again_in: Duration,
    },
    /// What another process had begun when it died is finished.
    Recovered(Accounting),
    /// A checkpoint of a table's log could not be written: opening takes longer.
    Checkpoint(Error),
}

/// A commit.
#[derive(Debug, Default)]
pub struct LiveCommit {
    /// By feed: what became of its messages.
    pub feeds: Vec<(String, Accounting)>,
    /// For each message, the time from its arrival to now.
    pub ages: Vec<Duration>,
    /// How long converting and committing took.
    pub took: Duration,
    /// Commits that another writer was faster than, each tried again.
    pub conflicts: u64,
    /// Messages of these that use the control ID of another message of their sender.
    pub reused_control_ids: u64,
}
