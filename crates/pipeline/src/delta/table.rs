//! One Delta table of a lake: made, opened, its files listed.

use arrow_schema::Schema;
use deltalake::kernel::Snapshot;
use deltalake::logstore::{CommitOrBytes, LogStoreRef, StorageConfig, logstore_with};
use futures::TryStreamExt;
use object_store::path::Path;
use serde_json::json;
use storage::Lake;

use super::{actions, log};
use crate::{Error, Result};

/// Settings that Delta writers of other programs honour too.
const CONFIGURATION: [(&str, &str); 3] = [
    ("delta.checkpointInterval", log::CHECKPOINT_INTERVAL_TEXT),
    // The nested columns carry no statistics, and looking for them would cost more than it saves.
    ("delta.dataSkippingStatsColumns", "message_id,feed,received_at"),
    TOMBSTONES,
];

/// How long checkpoints name files that were taken out. The commits that took them out are kept for longer and are what
/// their bytes are removed by; in checkpoints, which are written every few seconds, those of days would be most of it.
pub(super) const TOMBSTONES: (&str, &str) = ("delta.deletedFileRetentionDuration", "interval 1 hours");

/// A Delta table in a folder of the lake.
#[derive(Clone)]
pub(crate) struct Table {
    pub(super) folder: Path,
    pub(super) log: LogStoreRef,
    pub(super) lake: Lake,
}

/// A file of a table, as its log tells of it.
#[derive(Clone, Debug)]
pub(crate) struct ListedFile {
    pub(crate) key: Path,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) rows: Option<u64>,
    /// The list of the JSON documents of its rows.
    pub(crate) documents: Option<Path>,
    /// When the first of its messages was received, in a form that sorts, and when it was written: its place among others.
    pub(crate) order: (String, i64),
}

impl Table {
    pub(crate) fn at(lake: &Lake, folder: Path) -> Result<Self> {
        let url = lake.url(&folder)?;
        let log = logstore_with(lake.root_store(), &url, StorageConfig::default())?;
        Ok(Self { folder, log, lake: lake.clone() })
    }

    /// The table's folder in the lake.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the table, unless it is there.
    pub(crate) async fn create(&self, schema: &Schema) -> Result<()> {
        let metadata = actions::new_metadata(schema, &CONFIGURATION)?;
        let lines =
            [actions::protocol(), json!({ "metaData": metadata }), actions::commit_info("CREATE TABLE")];
        match self.write(0, actions::lines(&lines)).await {
            Ok(()) | Err(Error::VersionTaken) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A commit as it was written, if there is one of this version.
    pub(super) async fn commit(&self, version: u64) -> Result<Option<bytes::Bytes>> {
        let commit = self.log.read_commit_entry(version).await?;
        if let Some(commit) = &commit {
            storage::check_commit_text(&self.commit_key(version), version, commit)?;
        }
        Ok(commit)
    }

    /// Puts a commit at a version, or says that another was first. Where the reply was lost, what stands there tells whose it is:
    /// no two commits are the same, for each names files, or a time, of its own.
    pub(super) async fn write(&self, version: u64, commit: bytes::Bytes) -> Result<()> {
        use deltalake::kernel::transaction::TransactionError;
        let written = CommitOrBytes::LogBytes(commit.clone());
        let Err(error) = self.log.write_commit_entry(version, written, uuid::Uuid::new_v4()).await else {
            return Ok(());
        };
        let is_ours = match self.log.read_commit_entry(version).await {
            Ok(Some(there)) => Some(there == commit),
            Ok(None) | Err(_) => None,
        };
        match (is_ours, error) {
            (Some(true), _) => Ok(self.lake.sync_name(&self.commit_key(version)).await?),
            (Some(false), _) | (None, TransactionError::VersionAlreadyExists(_)) => Err(Error::VersionTaken),
            (None, error) => Err(deltalake::DeltaTableError::from(error).into()),
        }
    }

    fn commit_key(&self, version: u64) -> Path {
        self.folder.clone().join("_delta_log").join(format!("{version:020}.json"))
    }

    /// The newest state of the table, checked to be one that this program may write to.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot> {
        Ok(self.snapshot_and_tail().await?.0)
    }

    /// The newest state of the table, and how many commits it has since its newest checkpoint.
    pub(super) async fn snapshot_and_tail(&self) -> Result<(Snapshot, usize)> {
        let tail = storage::check_log(&self.lake, &self.folder).await?;
        let snapshot = Snapshot::try_new(self.log.as_ref(), None).await?;
        let configuration = snapshot.metadata().configuration();
        let on = |key: &str, plain: &str| configuration.get(key).is_some_and(|value| value != plain);
        if on("delta.enableDeletionVectors", "false") || on("delta.columnMapping.mode", "none") {
            return Err(Error::ForeignFeature { table: self.folder.to_string() });
        }
        Ok((snapshot, tail))
    }

    /// The keys, in the lake, of the Parquet files that make up the table.
    pub(crate) async fn files(&self) -> Result<Vec<Path>> {
        let snapshot = self.snapshot().await?;
        let views = snapshot.file_views(self.log.as_ref(), None);
        Ok(views.map_ok(|view| self.key_of(&view.path())).try_collect().await?)
    }

    /// The files that make up the table, as the log tells of them, and the version that is.
    pub(crate) async fn listed(&self) -> Result<(u64, Vec<ListedFile>)> {
        let snapshot = self.snapshot().await?;
        let views = snapshot.file_views(self.log.as_ref(), None);
        let files = views.map_ok(|view| {
            #[expect(deprecated, reason = "nothing else gives the tags")]
            let add = view.add_action();
            let tag = |name: &str| add.tags.as_ref()?.get(name)?.clone();
            ListedFile {
                key: self.key_of(&view.path()),
                size: view.size().unsigned_abs(),
                rows: view.num_records().map(|rows| rows as u64),
                documents: tag("carelake.documents").and_then(|key| Path::parse(key).ok()),
                order: (first_received(add.stats.as_deref()), view.modification_time()),
            }
        });
        Ok((snapshot.version(), files.try_collect().await?))
    }

    /// Whether a version can be read, every file that it names included.
    pub(crate) async fn is_readable_at(&self, version: u64) -> bool {
        let Ok(snapshot) = Snapshot::try_new(self.log.as_ref(), Some(version)).await else { return false };
        snapshot.file_views(self.log.as_ref(), None).try_for_each(async |_| Ok(())).await.is_ok()
    }

    /// The keys of the files that a commit took out, with their sizes in bytes.
    pub(crate) fn removed_by(&self, commit: &[u8]) -> Result<Vec<(Path, u64)>> {
        let removed = actions::removed(commit)?;
        // A file elsewhere is not this table's to remove.
        let own = removed.into_iter().filter(|(path, _)| !path.contains("://") && !path.starts_with('/'));
        Ok(own.map(|(path, size)| (self.key_of(&path), size)).collect())
    }

    /// The keys of the files that a commit brought in or took out.
    pub(crate) fn touched_by(&self, commit: &[u8]) -> Result<Vec<Path>> {
        let seen = actions::read(commit)?;
        Ok(seen.added.iter().chain(&seen.removed).map(|path| self.key_of(path)).collect())
    }

    /// What the log calls a file of this table.
    pub(super) fn path_of<'k>(&self, key: &'k Path) -> &'k str {
        let text = key.as_ref();
        text.strip_prefix(self.folder.as_ref()).map_or(text, |path| path.trim_start_matches('/'))
    }

    /// The key, in the lake, of a file that the log names.
    pub(crate) fn key_of(&self, path: &str) -> Path {
        path.split('/').fold(self.folder.clone(), |key, part| key.join(part))
    }
}

/// The least `received_at` that the statistics of a file tell; empty if they do not.
fn first_received(statistics: Option<&str>) -> String {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Statistics {
        min_values: Option<Least>,
    }
    #[derive(serde::Deserialize)]
    struct Least {
        received_at: Option<String>,
    }
    let statistics = statistics.and_then(|text| serde_json::from_str::<Statistics>(text).ok());
    statistics.and_then(|statistics| statistics.min_values?.received_at).unwrap_or_default()
}
