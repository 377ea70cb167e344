//! How far a replay is.

use std::sync::atomic::{AtomicU64, Ordering};

/// How far a replay is, for anyone to look at while it goes on.
#[derive(Debug, Default)]
pub struct ReplayProgress {
    total: AtomicU64,
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl ReplayProgress {
    /// Messages to replay; 0 until the receipts are read.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Messages that are converted, or were found to stay in error.
    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Bytes of the messages that are converted.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// From the beginning, over so many messages.
    pub(super) fn begin(&self, total: u64) {
        self.messages.store(0, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    pub(super) fn converted(&self, messages: u64, bytes: u64) {
        self.messages.fetch_add(messages, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}
