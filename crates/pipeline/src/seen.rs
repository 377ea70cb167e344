//! Which messages a table holds: the one place that decides what is a duplicate.

use std::collections::HashSet;

use arrow_array::cast::AsArray;
use futures::TryStreamExt;
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use storage::Lake;

use crate::delta::Table;
use crate::{MessageId, Result, parquet_reader};

/// The ids in a table, and those that this run is about to add.
///
/// Exact for the lake's whole life: it is read from the table itself. It is held in memory, 16 bytes an id
/// and the set's own overhead.
#[derive(Debug)]
pub(crate) struct Seen {
    lake: Lake,
    ids: HashSet<MessageId>,
}

impl Seen {
    /// The ids of a table as it stands now.
    pub(crate) async fn open(lake: &Lake, table: &Table) -> Result<Self> {
        let mut seen = Self { lake: lake.clone(), ids: HashSet::new() };
        let files = table.files().await?;
        seen.learn(&files).await?;
        Ok(seen)
    }

    /// Takes ids for the caller; false for each that is taken, also by an earlier one of `ids`.
    pub(crate) async fn claim_all(&mut self, ids: &[MessageId]) -> Result<Vec<bool>> {
        Ok(ids.iter().map(|id| self.ids.insert(*id)).collect())
    }

    /// Gives an id back that the caller will not add after all.
    pub(crate) fn release(&mut self, id: MessageId) {
        self.ids.remove(&id);
    }

    pub(crate) fn holds(&self, id: MessageId) -> bool {
        self.ids.contains(&id)
    }

    /// Reads the ids in files that someone added; gives them back, whether or not they were known.
    pub(crate) async fn learn(&mut self, files: &[Path]) -> Result<HashSet<MessageId>> {
        let mut learned = HashSet::new();
        for file in files {
            learned.extend(ids_in(&self.lake, file).await?);
        }
        self.ids.extend(learned.iter().copied());
        Ok(learned)
    }
}

/// The ids in the column `message_id` of one Parquet file; no other column is read.
pub(crate) async fn ids_in(lake: &Lake, file: &Path) -> Result<Vec<MessageId>> {
    let builder = parquet_reader::open(lake, file).await?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["message_id"]);
    let mut batches = builder.with_projection(mask).build()?;
    let mut ids = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        let column = batch.column(0).as_string::<i32>();
        ids.extend(column.iter().flatten().filter_map(MessageId::parse));
    }
    Ok(ids)
}
