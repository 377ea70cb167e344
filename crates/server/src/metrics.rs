//! Figures of a running lake for Prometheus: counts and durations by feed and door, never anything of a message.

use std::collections::HashSet;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pipeline::{Accounting, LiveCommit, LiveEvent};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Feeds that have figures of their own; all others are counted together, as `other`.
const FEEDS: usize = 500;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfFeed {
    feed: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfCode {
    feed: String,
    code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfDoor {
    door: String,
}

/// The figures of a process.
pub struct Metrics {
    registry: Registry,
    feeds: Mutex<HashSet<String>>,
    began: Instant,
    received: Family<OfFeed, Counter>,
    staged: Family<OfFeed, Counter>,
    error: Family<OfFeed, Counter>,
    duplicate: Family<OfFeed, Counter>,
    filtered: Family<OfFeed, Counter>,
    acknowledged: Family<OfCode, Counter>,
    ack_seconds: Histogram,
    sync_seconds: Histogram,
    group_deliveries: Histogram,
    freshness_seconds: Histogram,
    commit_seconds: Histogram,
    commits: Counter,
    commit_conflicts: Counter,
    stalls: Counter,
    reused_control_ids: Counter,
    connections: Family<OfDoor, Gauge>,
    connections_refused: Family<OfDoor, Counter>,
    skipped_bytes: Family<OfDoor, Counter>,
    backlog_messages: Gauge,
    backlog_age: Gauge<f64, AtomicU64>,
    last_message: Family<OfFeed, Gauge<i64, AtomicI64>>,
    last_message_age: Family<OfFeed, Gauge<f64, AtomicU64>>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let seconds = || Histogram::new(exponential_buckets(0.000_25, 2.0, 18));
        let metrics = Self {
            registry: Registry::with_prefix("carelake"),
            feeds: Mutex::default(),
            began: Instant::now(),
            received: Family::default(),
            staged: Family::default(),
            error: Family::default(),
            duplicate: Family::default(),
            filtered: Family::default(),
            acknowledged: Family::default(),
            ack_seconds: seconds(),
            sync_seconds: seconds(),
            group_deliveries: Histogram::new(exponential_buckets(1.0, 2.0, 13)),
            freshness_seconds: seconds(),
            commit_seconds: seconds(),
            commits: Counter::default(),
            commit_conflicts: Counter::default(),
            stalls: Counter::default(),
            reused_control_ids: Counter::default(),
            connections: Family::default(),
            connections_refused: Family::default(),
            skipped_bytes: Family::default(),
            backlog_messages: Gauge::default(),
            backlog_age: Gauge::default(),
            last_message: Family::default(),
            last_message_age: Family::default(),
        };
        metrics.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        let mut counter = |name: &str, help: &str, family: &Family<OfFeed, Counter>| {
            registry.register(name, help, family.clone());
        };
        counter("received", "Messages received, by doors and folders", &self.received);
        counter("staged", "Messages that have a row", &self.staged);
        counter("error", "Messages that went to the error zone", &self.error);
        counter("duplicate", "Messages whose bytes the feed had sent before", &self.duplicate);
        counter("filtered", "Messages that a rule of their feed leaves out", &self.filtered);
        registry.register(
            "acknowledged",
            "Answers to messages, by code; none where the sender wants none",
            self.acknowledged.clone(),
        );
        registry.register_with_unit(
            "ack",
            "From the last byte of a message to its answer",
            Unit::Seconds,
            self.ack_seconds.clone(),
        );
        registry.register_with_unit(
            "log_sync",
            "Writing and syncing a group of the write-ahead log",
            Unit::Seconds,
            self.sync_seconds.clone(),
        );
        registry.register(
            "log_group_messages",
            "Deliveries written with one sync",
            self.group_deliveries.clone(),
        );
        registry.register_with_unit(
            "freshness",
            "From arrival to being in the tables",
            Unit::Seconds,
            self.freshness_seconds.clone(),
        );
        registry.register_with_unit(
            "commit",
            "Converting and committing a group of messages",
            Unit::Seconds,
            self.commit_seconds.clone(),
        );
        registry.register("commits", "Groups of messages committed", self.commits.clone());
        registry.register(
            "commit_conflicts",
            "Commits to a table that another writer was faster than, each tried again",
            self.commit_conflicts.clone(),
        );
        registry.register("stalls", "Failures to commit or seal, each tried again", self.stalls.clone());
        registry.register(
            "reused_control_ids",
            "Messages with a control ID that another message of their sender has",
            self.reused_control_ids.clone(),
        );
        registry.register("connections", "Connections that are open", self.connections.clone());
        registry.register(
            "connections_refused",
            "Connections beyond the limit",
            self.connections_refused.clone(),
        );
        registry.register(
            "skipped_bytes",
            "Bytes outside of frames, or of frames without an end",
            self.skipped_bytes.clone(),
        );
        registry.register(
            "backlog_messages",
            "Messages that are safe and not in the tables yet",
            self.backlog_messages.clone(),
        );
        registry.register_with_unit(
            "backlog_age",
            "How long the oldest of them has waited",
            Unit::Seconds,
            self.backlog_age.clone(),
        );
        registry.register_with_unit(
            "last_message_age",
            "Time since the last message",
            Unit::Seconds,
            self.last_message_age.clone(),
        );
        self
    }

    /// All figures as text, in the OpenMetrics format.
    pub fn text(&self, waiting: usize, waiting_since: Option<Duration>) -> String {
        self.backlog_messages.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.backlog_age.set(waiting_since.unwrap_or_default().as_secs_f64());
        let now = self.elapsed_ms();
        for feed in self.feeds.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let of = OfFeed { feed: feed.clone() };
            // One may have come since.
            let age = (now - self.last_message.get_or_create(&of).get()).max(0);
            self.last_message_age.get_or_create(&of).set(age as f64 / 1_000.0);
        }
        let mut text = String::new();
        if prometheus_client::encoding::text::encode(&mut text, &self.registry).is_err() {
            let _ = text.write_str("# EOF\n");
        }
        text
    }

    /// Takes what a live lake tells.
    pub fn take(&self, event: &LiveEvent) {
        match event {
            LiveEvent::Synced { deliveries, took, .. } => {
                self.sync_seconds.observe(took.as_secs_f64());
                self.group_deliveries.observe(*deliveries as f64);
            }
            LiveEvent::Committed(LiveCommit { feeds, ages, took, conflicts, reused_control_ids }) => {
                feeds.iter().for_each(|(feed, accounting)| self.accounted(feed, accounting));
                ages.iter().for_each(|age| self.freshness_seconds.observe(age.as_secs_f64()));
                self.commit_seconds.observe(took.as_secs_f64());
                self.commits.inc();
                self.commit_conflicts.inc_by(*conflicts);
                self.reused_control_ids.inc_by(*reused_control_ids);
            }
            LiveEvent::Stalled { .. } | LiveEvent::NotSealed { .. } => {
                self.stalls.inc();
            }
            LiveEvent::Sealed | LiveEvent::Recovered(_) | LiveEvent::Checkpoint(_) => {}
        }
    }

    /// What became of messages of a feed.
    pub fn accounted(&self, feed: &str, accounting: &Accounting) {
        let of = OfFeed { feed: self.label(feed) };
        self.received.get_or_create(&of).inc_by(accounting.received);
        self.staged.get_or_create(&of).inc_by(accounting.staged);
        self.error.get_or_create(&of).inc_by(accounting.error);
        self.duplicate.get_or_create(&of).inc_by(accounting.duplicate);
        self.filtered.get_or_create(&of).inc_by(accounting.filtered);
        self.last_message.get_or_create(&of).set(self.elapsed_ms());
    }

    /// A message was answered, or its sender wants no answer.
    pub fn acknowledged(&self, feed: Option<&str>, code: Option<&'static str>, took: Duration) {
        let feed = feed.map_or_else(|| "none".to_owned(), |feed| self.label(feed));
        self.acknowledged.get_or_create(&OfCode { feed, code: code.unwrap_or("none") }).inc();
        self.ack_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn connection_opened(&self, door: &str) {
        self.connections.get_or_create(&OfDoor { door: door.into() }).inc();
    }

    pub(crate) fn connection_closed(&self, door: &str) {
        self.connections.get_or_create(&OfDoor { door: door.into() }).dec();
    }

    pub(crate) fn connection_refused(&self, door: &str) {
        self.connections_refused.get_or_create(&OfDoor { door: door.into() }).inc();
    }

    pub(crate) fn skipped(&self, door: &str, bytes: u64) {
        self.skipped_bytes.get_or_create(&OfDoor { door: door.into() }).inc_by(bytes);
    }

    /// The feed's name, as long as there are not too many.
    fn label(&self, feed: &str) -> String {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        if !feeds.contains(feed) {
            if feeds.len() >= FEEDS {
                return "other".into();
            }
            feeds.insert(feed.to_owned());
        }
        feed.to_owned()
    }

    fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_that_others_were_faster_than_are_counted() {
        let metrics = Metrics::default();
        for conflicts in [0, 2, 1] {
            metrics.take(&LiveEvent::Committed(LiveCommit { conflicts, ..LiveCommit::default() }));
        }
        let text = metrics.text(0, None);
        assert!(text.contains("\ncarelake_commit_conflicts_total 3\n"), "{text}");
        assert!(text.contains("\ncarelake_commits_total 3\n"), "{text}");
    }
}
