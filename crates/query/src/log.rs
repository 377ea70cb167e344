//! Opening a Delta table for reading: its schema and its files at one version, and nothing else of it.

use std::str::FromStr;
use std::sync::Arc;

use datafusion::arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use datafusion::arrow::datatypes::SchemaRef;
use deltalake::kernel::Snapshot;
use deltalake::logstore::{LogStoreRef, StorageConfig, logstore_with};
use futures::TryStreamExt;
use object_store::path::Path;
use storage::Lake;

use crate::ranges::Ranges;
use crate::table::{DataFile, FilesTable};
use crate::{Error, Result};

/// Which state of a lake is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// A version of the staging table, as its log counts them from 0.
    Version(u64),
    /// The newest version that was committed by then; microseconds since 1970, UTC.
    Moment(i64),
}

impl FromStr for AsOf {
    type Err = Error;

    /// Reads a version's number, a date, or a moment as RFC 3339 (UTC if it has no offset).
    fn from_str(text: &str) -> Result<Self> {
        if let Ok(version) = text.parse() {
            return Ok(Self::Version(version));
        }
        match string_to_timestamp_nanos(text) {
            Ok(nanoseconds) => Ok(Self::Moment(nanoseconds.div_euclid(1_000))),
            Err(_) => Err(Error::new(format!("{text} is no version and no time"))
                .with_hint("a version is a number; a time is 2026-01-31, or 2026-01-31T12:00:00Z")),
        }
    }
}

/// A table at its newest version, or at an older one.
pub(crate) async fn open(lake: &Lake, folder: &Path, as_of: Option<AsOf>) -> Result<FilesTable> {
    let log = logstore_with(lake.root_store(), &lake.url(folder)?, StorageConfig::default())?;
    let version = match as_of {
        None => None,
        Some(AsOf::Version(version)) => Some(version),
        Some(AsOf::Moment(moment)) => Some(version_at(&log, moment).await?),
    };
    if version.is_none() {
        storage::check_log(lake, folder).await?;
    }
    let snapshot = Snapshot::try_new(log.as_ref(), version).await;
    let snapshot = match (snapshot, version) {
        (Ok(snapshot), _) => snapshot,
        (Err(error), None) => return Err(error.into()),
        (Err(_), Some(version)) => {
            let newest = Snapshot::try_new(log.as_ref(), None).await?.version();
            let error = Error::new(format!("the table {folder} has no version {version}"));
            return Err(
                error.with_hint(format!("its newest is {newest}; old ones go when the log is cleaned up"))
            );
        }
    };
    let schema: SchemaRef = snapshot.arrow_schema();
    let mut files: Vec<DataFile> = snapshot
        .file_views(log.as_ref(), None)
        .map_ok(|view| {
            #[expect(deprecated, reason = "nothing else gives the tags")]
            let add = view.add_action();
            let is_rewritten = add.tags.as_ref().is_some_and(|tags| tags.contains_key(storage::REWRITTEN));
            DataFile {
                key: add.path.split('/').fold(folder.clone(), |key, part| key.join(part)),
                size: add.size.cast_unsigned(),
                rows: view.num_records(),
                ranges: add.stats.map(|stats| Ranges::read(&stats, &schema)).unwrap_or_default(),
                visible_at: (!is_rewritten).then_some(add.modification_time * 1_000),
            }
        })
        .try_collect()
        .await?;
    files.sort_by(|left, right| left.key.cmp(&right.key));
    Ok(FilesTable::new(schema, Arc::new(files)))
}

/// A table at its newest version, or as it was at a moment; as it was made, if that was later.
pub(crate) async fn open_by(lake: &Lake, folder: &Path, moment: Option<i64>) -> Result<FilesTable> {
    if let Some(moment) = moment
        && moment_of(lake, folder, 0).await?.is_some_and(|made| made > moment)
    {
        return open(lake, folder, Some(AsOf::Version(0))).await;
    }
    open(lake, folder, moment.map(AsOf::Moment)).await
}

/// When a version of a table was committed, in microseconds since 1970; `None` if the log has it no longer.
pub(crate) async fn moment_of(lake: &Lake, folder: &Path, version: u64) -> Result<Option<i64>> {
    let log = logstore_with(lake.root_store(), &lake.url(folder)?, StorageConfig::default())?;
    // The log counts milliseconds: what was done within the last of them was before.
    Ok(committed(&log, version).await?.map(|milliseconds| milliseconds * 1_000 + 999))
}

/// The newest version that was committed at a moment or before.
async fn version_at(log: &LogStoreRef, microseconds: i64) -> Result<u64> {
    let newest = Snapshot::try_new(log.as_ref(), None).await?.version();
    let (mut known, mut after) = (None, newest + 1);
    while known.map_or(0, |version| version + 1) < after {
        let from = known.map_or(0, |version: u64| version + 1);
        let middle = from + (after - from) / 2;
        // A commit that the log has lost was before those it has.
        match committed(log, middle).await? {
            Some(milliseconds) if milliseconds * 1_000 > microseconds => after = middle,
            _ => known = Some(middle),
        }
    }
    known.ok_or_else(|| {
        Error::new("the lake was made after that time")
            .with_hint("without --as-of the newest version is asked")
    })
}

/// When a version was committed, in milliseconds since 1970; `None` if the log has it no longer.
async fn committed(log: &LogStoreRef, version: u64) -> Result<Option<i64>> {
    let Some(commit) = log.read_commit_entry(version).await? else { return Ok(None) };
    let lines = serde_json::Deserializer::from_slice(&commit).into_iter::<serde_json::Value>();
    let time = |line: serde_json::Value| line["commitInfo"]["timestamp"].as_i64();
    Ok(lines.flatten().find_map(time))
}
