//! Deliveries that are committed together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use storage::wal::Place;

use super::delivery::Carried;

/// Bytes of one commit, at most, save those of one delivery.
const BYTES: u64 = 12 << 20;

/// In the order of the log.
#[derive(Default)]
pub(super) struct Group {
    deliveries: Vec<(Place, Carried)>,
    messages: usize,
    bytes: u64,
    /// When the first of all came.
    since: Option<Instant>,
    /// Segments of which nothing comes after these.
    closed: Vec<Arc<str>>,
}

impl Group {
    pub(super) fn add(&mut self, place: Place, carried: Carried) {
        self.messages += carried.len();
        self.bytes += carried.bytes();
        self.deliveries.push((place, carried));
        self.since.get_or_insert_with(Instant::now);
    }

    /// Nothing more comes to a segment.
    pub(super) fn close(&mut self, segment: Arc<str>) {
        self.closed.push(segment);
        self.since.get_or_insert_with(Instant::now);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.since.is_none()
    }

    /// Whether it has as much as is committed together.
    pub(super) fn is_full(&self, messages: usize) -> bool {
        self.messages >= messages || self.bytes >= BYTES
    }

    /// When its first delivery has waited long enough for more.
    pub(super) fn due(&self, patience: Duration) -> Option<Instant> {
        self.since.map(|since| since + patience)
    }

    pub(super) fn messages(&self) -> usize {
        self.messages
    }

    pub(super) fn deliveries(&self) -> &[(Place, Carried)] {
        &self.deliveries
    }

    /// Its deliveries, and the segments that end with them.
    pub(super) fn into_parts(self) -> (Vec<(Place, Carried)>, Vec<Arc<str>>) {
        (self.deliveries, self.closed)
    }
}
