//! A run of ingest: what it is called, which batches it made, and what an interrupted one left to do.
//!
//! A batch is one file of receipts. It is pending from the moment the receipts are durable until a mark says
//! that each of its messages is staged, in error or a duplicate. The name of a batch begins with its time, so
//! that a listing is in order of time, and names its run, so that the living can be told from the dead.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use object_store::path::Path;
use storage::{Lake, Lock, Locks, Put, receipts_prefix, settled_key, settled_prefix, wal};
use uuid::Uuid;

use crate::Result;

/// A run that is going on.
#[derive(Debug)]
pub(crate) struct Run {
    lock: Lock,
    names: Names,
}

impl Run {
    pub(crate) fn begin(lake: &Lake) -> Result<Self> {
        let lock = lake.lock(&Uuid::new_v4().simple().to_string())?;
        let names = Names {
            lake: lake.clone(),
            run: lock.name().into(),
            batches: Arc::default(),
            latest: Arc::default(),
        };
        Ok(Self { lock, names })
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        self.lock.name()
    }

    /// A name for the next batch.
    pub(crate) fn next_batch(&self) -> String {
        self.names.next()
    }

    /// What gives further batches of this run their names.
    pub(crate) fn names(&self) -> Names {
        self.names.clone()
    }

    /// Ends the run: nothing of it is pending.
    pub(crate) fn end(self) {
        self.lock.release();
    }
}

/// The names of a run's batches, later ones greater.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    lake: Lake,
    run: Arc<str>,
    batches: Arc<AtomicU32>,
    /// The time in the latest of them: the clock may be set back meanwhile.
    latest: Arc<AtomicI64>,
}

impl Names {
    pub(crate) fn next(&self) -> String {
        let number = self.batches.fetch_add(1, Ordering::Relaxed) + 1;
        let now = self.lake.now();
        let time = self.latest.fetch_max(now, Ordering::Relaxed).max(now);
        format!("{time:016x}-{}-{number:06}", self.run)
    }
}

/// The run that a batch belongs to.
pub(crate) fn run_of(batch: &str) -> Option<&str> {
    batch.split('-').nth(1)
}

/// When a batch was made, in microseconds since 1970, UTC.
pub(crate) fn time_of(batch: &str) -> Option<i64> {
    i64::from_str_radix(batch.split('-').next()?, 16).ok()
}

/// The batches of a lake, oldest first: files of receipts, and segments of the write-ahead log.
pub(crate) async fn batches(lake: &Lake) -> Result<Vec<String>> {
    // In this order: a segment that is sealed in between is in both.
    let mut batches = wal::segments(lake).await?;
    let files = lake.list(&receipts_prefix()).await?;
    let name = |key: &Path| key.filename().and_then(|name| name.strip_suffix(".parquet")).map(str::to_owned);
    batches.extend(files.iter().filter_map(|file| name(&file.key)));
    batches.sort_unstable();
    batches.dedup();
    Ok(batches)
}

/// The batches that are not settled, oldest first.
pub(crate) async fn pending(lake: &Lake) -> Result<Vec<String>> {
    // In this order: a batch that is settled in between is pending in neither.
    let mut batches = batches(lake).await?;
    let settled = lake.list(&settled_prefix()).await?;
    let settled: HashSet<&str> = settled.iter().filter_map(|mark| mark.key.filename()).collect();
    batches.retain(|batch| !settled.contains(batch.as_str()));
    Ok(batches)
}

/// The batches that are pending and whose run has died, oldest first, with the locks that such runs left.
///
/// On a lake without locks, a run counts as dead when its batch is older than [`PATIENCE_MICROSECONDS`].
pub(crate) async fn abandoned(lake: &Lake) -> Result<(Vec<String>, Locks)> {
    // In this order: a run that begins after the listing has no batch in it.
    let mut batches = pending(lake).await?;
    let locks = lake.seize_abandoned()?;
    batches.retain(|batch| is_dead(lake, &locks, batch));
    // A run may have ended well between the listing and the look at the locks.
    let mut abandoned = Vec::new();
    for batch in batches {
        if !lake.exists(&settled_key(&batch)).await? {
            abandoned.push(batch);
        }
    }
    Ok((abandoned, locks))
}

/// Whether the run that a batch belongs to has died.
pub(crate) fn is_dead(lake: &Lake, locks: &Locks, batch: &str) -> bool {
    match lake.folder() {
        Some(_) => !run_of(batch).is_some_and(|run| locks.living.iter().any(|living| living == run)),
        None => time_of(batch).is_some_and(|time| time < lake.now() - PATIENCE_MICROSECONDS),
    }
}

/// A quarter of an hour.
pub(crate) const PATIENCE_MICROSECONDS: i64 = 15 * 60 * 1_000_000;

/// Says that every message of a batch has found its end.
pub(crate) async fn settle(lake: &Lake, batch: &str) -> Result<Put> {
    Ok(lake.put_new(&settled_key(batch), bytes::Bytes::from_static(b"\n")).await?)
}
