//! How each feed is: what came and what became of it, how fast, and whether it is silent.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::context::SessionContext;
use storage::{Lake, receipts_prefix, settled_prefix, wal};

use super::hours::{HOURS, Hours, Silence, Usual};
use super::questions::{self, HOUR};

/// Longer than reading any one input takes.
const DAY: i64 = 24 * HOUR;
const SECOND: f64 = 1e6;

/// The time that is looked at, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The first moment in it.
    pub(super) since: i64,
    /// The present, or the moment as of which the lake is asked.
    pub(super) now: i64,
}

/// One feed. Counts are of messages received in the span.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    /// The sender's stream.
    pub name: String,
    /// Messages received.
    pub received: u64,
    /// Those that are rows of staging.
    pub staged: u64,
    /// Those that wait in the error zone.
    pub error: u64,
    /// Those that had been received before.
    pub duplicate: u64,
    /// Those that a rule of the feed leaves out.
    pub filtered: u64,
    /// Messages that have no fate yet, whenever they came.
    pub pending: u64,
    /// Seconds since the first of those came.
    pub pending_age: Option<f64>,
    /// Rows of which it is known how long it took until they could be asked for.
    pub lag_messages: u64,
    /// Seconds that 95 % of those took at most.
    pub lag_p95: Option<f64>,
    /// Seconds that the slowest of those took.
    pub lag_most: Option<f64>,
    /// When the last message came, in microseconds since 1970.
    pub last_message: i64,
    /// Seconds since then.
    pub last_message_age: f64,
    /// Messages of the last 60 minutes.
    pub last_hour: u64,
    /// What is usual for these 60 minutes, if enough weeks are known.
    pub usual: Option<Usual>,
    /// Whether the feed has been silent for longer than is usual.
    pub silence: Silence,
}

/// The messages of a feed by the hour.
#[derive(Clone, Debug, Default)]
pub(super) struct Volume {
    pub(super) hours: Hours,
    received: u64,
    filtered: u64,
    last: i64,
    /// Hours of the span, with how many of their receipts have to have a fate other than being left out.
    in_span: HashMap<i64, i64>,
}

impl Span {
    /// So many microseconds up to a moment, or up to the present.
    pub(super) fn up_to(moment: Option<i64>, microseconds: i64) -> Self {
        let present = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let now = moment.unwrap_or_else(|| i64::try_from(present()).unwrap_or(i64::MAX));
        Self { since: now.saturating_sub(microseconds.max(0)), now }
    }
}

/// What came on each feed in the hours that are looked at, and in the span if that is longer.
pub(super) async fn volumes(
    context: &SessionContext,
    span: Span,
    moment: Option<i64>,
) -> Result<BTreeMap<Arc<str>, Volume>> {
    let from = span.since.min(span.now.saturating_sub(HOURS as i64 * HOUR));
    let mut volumes: BTreeMap<Arc<str>, Volume> = BTreeMap::new();
    for received in questions::received(context, span.now, from, span.since, moment).await? {
        let volume = volumes.entry(received.feed).or_default();
        volume
            .hours
            .add(usize::try_from(received.hour).unwrap_or(usize::MAX), received.messages.unsigned_abs());
        volume.received += received.in_span.unsigned_abs();
        volume.filtered += received.filtered.unsigned_abs();
        volume.last = volume.last.max(received.last);
        if received.in_span > 0 {
            volume.in_span.insert(received.hour, received.in_span - received.filtered);
        }
    }
    Ok(volumes)
}

/// How each feed is that sent anything in the last nine weeks, or in the span.
pub(super) async fn feeds(
    context: &SessionContext,
    lake: &Lake,
    span: Span,
    moment: Option<i64>,
) -> Result<Vec<Feed>> {
    let mut volumes = volumes(context, span, moment).await?;
    let mut feeds: BTreeMap<Arc<str>, Feed> = BTreeMap::new();
    for (name, volume) in &volumes {
        let age = (span.now - volume.last).max(0) as f64 / SECOND;
        let feed = Feed {
            name: name.to_string(),
            received: volume.received,
            filtered: volume.filtered,
            last_message: volume.last,
            last_message_age: age,
            last_hour: volume.hours.messages(0),
            usual: volume.hours.usual(0),
            silence: volume.hours.silence(age),
            ..Feed::default()
        };
        feeds.insert(name.clone(), feed);
    }
    for staged in questions::staged(context, span.now, span.since).await? {
        if let Some(feed) = feeds.get_mut(&staged.feed) {
            feed.staged += staged.messages.unsigned_abs();
        }
        if let Some(left) =
            volumes.get_mut(&staged.feed).and_then(|volume| volume.in_span.get_mut(&staged.hour))
        {
            *left -= staged.messages;
        }
    }
    for lag in questions::lags(context, span.since).await? {
        if let Some(feed) = feeds.get_mut(&lag.feed) {
            (feed.lag_messages, feed.lag_p95, feed.lag_most) =
                (lag.messages.unsigned_abs(), lag.p95, lag.most);
        }
    }
    let unsettled = if moment.is_none() { oldest_unsettled(lake).await? } else { None };
    let Some((open, from)) = unexplained(&volumes, span, unsettled) else {
        return Ok(feeds.into_values().collect());
    };
    for fate in questions::fates(context, &open, from, span.since, moment).await? {
        let Some(feed) = feeds.get_mut(&fate.feed) else { continue };
        let in_span = fate.in_span.unsigned_abs();
        match fate.fate.as_str() {
            "duplicate" => feed.duplicate = in_span,
            "error" => feed.error = in_span,
            _ => {
                feed.pending = fate.messages.unsigned_abs();
                feed.pending_age = Some((span.now - fate.first).max(0) as f64 / SECOND);
            }
        }
    }
    Ok(feeds.into_values().collect())
}

/// The feeds that have receipts without a row, and since when they have to be looked at one by one.
///
/// Older ones than the span are looked at when there is a batch as old that is not settled: a message must not cease to be
/// pending because it has been so for long.
fn unexplained(
    volumes: &BTreeMap<Arc<str>, Volume>,
    span: Span,
    unsettled: Option<i64>,
) -> Option<(Vec<Arc<str>>, i64)> {
    if let Some(unsettled) = unsettled.filter(|unsettled| *unsettled < span.since) {
        let all: Vec<Arc<str>> = volumes.keys().cloned().collect();
        return (!all.is_empty()).then(|| (all, unsettled.saturating_sub(DAY)));
    }
    let mut open = Vec::new();
    let mut from = span.now;
    for (feed, volume) in volumes {
        let hours = volume.in_span.iter().filter(|(_, left)| **left != 0).map(|(hour, _)| *hour);
        if let Some(oldest) = hours.max() {
            open.push(feed.clone());
            from = from.min(span.now - (oldest + 1) * HOUR);
        }
    }
    (!open.is_empty()).then(|| (open, from.max(span.since)))
}

/// When the oldest batch began of which no mark says that all its messages have found their end.
async fn oldest_unsettled(lake: &Lake) -> Result<Option<i64>> {
    let failed = |error: storage::Error| DataFusionError::External(Box::new(error));
    // In this order: a batch that is settled in between counts as settled.
    let mut batches = wal::segments(lake).await.map_err(failed)?;
    let files = lake.list(&receipts_prefix()).await.map_err(failed)?;
    batches.extend(
        files.iter().filter_map(|file| Some(file.key.filename()?.trim_end_matches(".parquet").to_owned())),
    );
    let settled = lake.list(&settled_prefix()).await.map_err(failed)?;
    let settled: HashSet<&str> = settled.iter().filter_map(|mark| mark.key.filename()).collect();
    let open = batches.iter().filter(|batch| !settled.contains(batch.as_str()));
    // The name of a batch begins with the time at which it did.
    let begun = |digits: &str| i64::from_str_radix(digits.get(..16)?, 16).ok();
    Ok(open.filter_map(|batch| begun(batch)).min())
}
