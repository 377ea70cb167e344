//! Appending to a table while others do the same.
//!
//! All commits of a lake's table carry one application id with a version that counts up by one. A writer
//! tries the next version; if another was first it reads what that one did, takes it into account, and tries
//! the version after. A change of schema is a commit of its own.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use object_store::path::Path;
use serde_json::{Value, json};

use super::{ListedFile, Table, actions, parquet_file::DataFile, table::TOMBSTONES};
use crate::{Error, Result};

/// The application id of every commit.
const APPLICATION: &str = "carelake";
/// Commits between two checkpoints of the log.
const CHECKPOINT_INTERVAL: u64 = 20;
/// Commits without a checkpoint from which on a table is opened as one whose last writers were killed over theirs.
const OVERDUE: usize = 2 * CHECKPOINT_INTERVAL as usize;
pub(super) const CHECKPOINT_INTERVAL_TEXT: &str = "20";

/// A table opened for appending, and what is known of it.
pub(crate) struct Writer {
    table: Table,
    version: u64,
    application_version: i64,
    metadata: Value,
    schema: SchemaRef,
    /// Data files that others brought into the table, and that were not given to the caller because something failed.
    added: Vec<Path>,
    /// Data files that others took out of the table, and nobody has asked for yet.
    removed: HashSet<Path>,
    /// Whether those who committed before left a checkpoint for us to write.
    checkpoint_overdue: bool,
    /// Why the newest checkpoint that was due is not there.
    checkpoint_failure: Option<Error>,
    /// Commits of ours that others were faster than, and nobody has asked for yet.
    overtaken: u64,
}

/// How an attempt to commit ended.
#[derive(Debug)]
pub(crate) enum Attempt {
    Done,
    /// Others were first; these files are new, and some of our rows may be among theirs.
    Overtaken {
        new_files: Vec<Path>,
    },
}

impl Writer {
    pub(crate) async fn open(table: Table) -> Result<Self> {
        let (snapshot, tail) = table.snapshot_and_tail().await?;
        let metadata =
            serde_json::to_value(snapshot.metadata()).map_err(|error| Error::Internal(error.to_string()))?;
        let application_version = application_version(&table, &snapshot).await?;
        let schema = Arc::new(actions::schema_of(&metadata)?);
        Ok(Self {
            table,
            version: snapshot.version(),
            application_version,
            metadata,
            schema,
            added: Vec::new(),
            removed: HashSet::new(),
            checkpoint_overdue: tail >= OVERDUE,
            checkpoint_failure: None,
            overtaken: 0,
        })
    }

    /// The table itself.
    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// Makes sure that every column of `batch` is in the table's schema; a commit of its own if one was not.
    pub(crate) async fn widen(&mut self, batch: &Schema) -> Result<Vec<Path>> {
        loop {
            let merged = tables::merge_schemas(&self.schema, batch)?;
            if merged == *self.schema {
                break;
            }
            let metadata = actions::with_schema(&self.metadata, &merged)?;
            let kept = actions::schema_of(&metadata)?;
            if kept == *self.schema || self.try_describe("ADD COLUMNS", metadata).await? {
                break;
            }
        }
        Ok(std::mem::take(&mut self.added))
    }

    /// Makes sure that the table has the settings that tables are made with now; a commit of its own if it has not.
    pub(crate) async fn configure(&mut self) -> Result<()> {
        while let Some(metadata) = actions::with_configuration(&self.metadata, &[TOMBSTONES]) {
            if self.try_describe("SET TBLPROPERTIES", metadata).await? {
                break;
            }
        }
        Ok(())
    }

    /// Tries once to give the table another schema or other settings. If others were first, reads what they did.
    async fn try_describe(&mut self, operation: &str, metadata: Value) -> Result<bool> {
        let schema = actions::schema_of(&metadata)?;
        let lines = [actions::commit_info(operation), json!({ "metaData": metadata })];
        match self.table.write(self.version + 1, actions::lines(&lines)).await {
            Ok(()) => {
                self.version += 1;
                self.metadata = metadata;
                self.schema = Arc::new(schema);
                self.checkpoint().await;
                Ok(true)
            }
            Err(Error::VersionTaken) => {
                self.overtaken += 1;
                self.read_on().await?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether someone else took a file out of the table since it was opened.
    pub(crate) fn has_removed(&self, key: &Path) -> bool {
        self.removed.contains(key)
    }

    /// Tries once to add `files`, all rows of one batch.
    pub(crate) async fn try_append(&mut self, files: &[DataFile]) -> Result<Attempt> {
        self.try_commit("WRITE", &[], files, true).await
    }

    /// Tries once to put files in the place of others, in one step. Whether the others are still there is for the
    /// caller to know, who is told what came in meanwhile.
    pub(crate) async fn try_swap(&mut self, removes: &[ListedFile], adds: &[DataFile]) -> Result<Attempt> {
        self.try_commit("REPLACE", removes, adds, true).await
    }

    /// The same where the rows stay what they are and only lie in other files.
    pub(crate) async fn try_compact(&mut self, removes: &[ListedFile], adds: &[DataFile]) -> Result<Attempt> {
        self.try_commit("OPTIMIZE", removes, adds, false).await
    }

    async fn try_commit(
        &mut self,
        operation: &str,
        removes: &[ListedFile],
        files: &[DataFile],
        data_change: bool,
    ) -> Result<Attempt> {
        let mut lines = vec![
            actions::commit_info(operation),
            actions::transaction(APPLICATION, self.application_version + 1),
        ];
        let path = |file: &ListedFile| self.table.path_of(&file.key).to_owned();
        lines.extend(removes.iter().map(|file| actions::remove(&path(file), file.size, data_change)));
        lines.extend(files.iter().map(|file| {
            let mut add = file.add_action(data_change);
            if !removes.is_empty() {
                add["add"]["tags"][storage::REWRITTEN] = "true".into();
            }
            add
        }));
        match self.table.write(self.version + 1, actions::lines(&lines)).await {
            Ok(()) => {
                self.version += 1;
                self.application_version += 1;
                self.checkpoint().await;
                Ok(Attempt::Done)
            }
            Err(Error::VersionTaken) => {
                self.overtaken += 1;
                Ok(Attempt::Overtaken { new_files: self.catch_up().await? })
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the commits that others wrote since; gives the keys of the files they added and did not take out again.
    ///
    /// If it fails, what was read by then is given the next time.
    pub(crate) async fn catch_up(&mut self) -> Result<Vec<Path>> {
        self.read_on().await?;
        Ok(std::mem::take(&mut self.added))
    }

    async fn read_on(&mut self) -> Result<()> {
        while let Some(commit) = self.table.commit(self.version + 1).await? {
            let seen = actions::read(&commit)?;
            if seen.protocol {
                self.table.snapshot().await?;
            }
            self.version += 1;
            if let Some(metadata) = seen.metadata {
                self.schema = Arc::new(actions::schema_of(&metadata)?);
                self.metadata = metadata;
            }
            for (application, version) in seen.transactions {
                if application == APPLICATION {
                    self.application_version = version;
                }
            }
            let removed: HashSet<Path> = seen.removed.iter().map(|path| self.table.key_of(path)).collect();
            if !removed.is_empty() {
                self.added.retain(|file| !removed.contains(file));
            }
            self.removed.extend(removed);
            self.added.extend(seen.added.iter().map(|path| self.table.key_of(path)));
        }
        Ok(())
    }

    /// The data files that others took out of the table since this was asked last.
    pub(crate) fn take_removed(&mut self) -> HashSet<Path> {
        std::mem::take(&mut self.removed)
    }

    /// How many commits of ours others were faster than, since this was asked last.
    pub(crate) fn take_overtaken(&mut self) -> u64 {
        std::mem::take(&mut self.overtaken)
    }

    /// Writes a checkpoint when one is due. The commit is done whether or not this succeeds, and the next
    /// checkpoint makes up for a missing one.
    async fn checkpoint(&mut self) {
        if self.version.is_multiple_of(CHECKPOINT_INTERVAL) || std::mem::take(&mut self.checkpoint_overdue) {
            self.checkpoint_failure = write_checkpoint(&self.table, self.version).await.err();
        }
    }

    /// Why the newest checkpoint that was due could not be written, if it could not; told once.
    pub(crate) fn take_checkpoint_failure(&mut self) -> Option<Error> {
        self.checkpoint_failure.take()
    }
}

async fn write_checkpoint(table: &Table, version: u64) -> Result<()> {
    let mut state = deltalake::DeltaTable::new(table.log.clone());
    state.load_version(version).await?;
    Ok(deltalake::checkpoints::create_checkpoint(&state, None).await?)
}

/// The application's counter in the newest state of the table, 0 before its first commit.
async fn application_version(table: &Table, snapshot: &deltalake::kernel::Snapshot) -> Result<i64> {
    let eager =
        deltalake::kernel::EagerSnapshot::try_new(table.log.as_ref(), Some(snapshot.version())).await?;
    Ok(eager.transaction_version(table.log.as_ref(), APPLICATION).await?.unwrap_or(0))
}
