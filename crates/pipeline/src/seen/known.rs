//! What is known of the rows of a data file: their ids, and under which control IDs their senders sent them.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use futures::TryStreamExt;
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use storage::Lake;

use crate::{MessageId, Result, parquet_reader};

/// The columns that make a control ID a sender's own: MSH-10 is unique for MSH-3 and MSH-4 within a feed.
const SENDER: [&str; 4] = ["feed", "sending_application", "sending_facility", "control_id"];

/// The rows of one data file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) ids: Vec<MessageId>,
    /// A hash of feed, sender and control ID for each row that has one, in the space of ids: both are 16 bytes of
    /// SHA-256, over different beginnings.
    pub(crate) control_ids: Vec<MessageId>,
}

impl Known {
    /// What the rows of a batch tell of themselves.
    pub(crate) fn of(ids: Vec<MessageId>, rows: &RecordBatch) -> Self {
        Self { ids, control_ids: control_ids(rows) }
    }

    /// Reads it from a Parquet file; no other column is read.
    pub(super) async fn read(lake: &Lake, file: &Path) -> Result<Self> {
        let mut known = Self::default();
        let columns = ["message_id"].iter().chain(&SENDER);
        read(lake, file, columns, |batch| {
            known.ids.extend(ids(batch));
            known.control_ids.extend(control_ids(batch));
        })
        .await?;
        Ok(known)
    }
}

/// The ids in the column `message_id` of one Parquet file; no other column is read.
pub(crate) async fn ids_in(lake: &Lake, file: &Path) -> Result<Vec<MessageId>> {
    let mut found = Vec::new();
    read(lake, file, ["message_id"].iter(), |batch| found.extend(ids(batch))).await?;
    Ok(found)
}

/// Hands over those of the columns that the file has, batch by batch.
async fn read(
    lake: &Lake,
    file: &Path,
    columns: impl Iterator<Item = &&'static str>,
    mut take: impl FnMut(&RecordBatch),
) -> Result<()> {
    let builder = parquet_reader::open(lake, file).await?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.copied());
    let mut batches = builder.with_projection(mask).build()?;
    while let Some(batch) =
        batches.try_next().await.map_err(|error| parquet_reader::unreadable(file, error))?
    {
        take(&batch);
    }
    Ok(())
}

fn ids(rows: &RecordBatch) -> Vec<MessageId> {
    let column = rows.column_by_name("message_id").and_then(|column| column.as_string_opt::<i32>());
    column.into_iter().flatten().flatten().filter_map(MessageId::parse).collect()
}

/// Rows that have no control ID are left out.
fn control_ids(rows: &RecordBatch) -> Vec<MessageId> {
    let columns =
        SENDER.map(|name| rows.column_by_name(name).and_then(|column| column.as_string_opt::<i32>()));
    let value = |column: usize, row: usize| {
        columns[column].filter(|column| !column.is_null(row)).map_or("", |column| column.value(row))
    };
    (0..rows.num_rows())
        .filter(|row| !value(3, *row).is_empty())
        .map(|row| {
            let [feed, application, facility, control_id] = [0, 1, 2, 3].map(|column| value(column, row));
            let mut hasher = MessageId::hasher(feed);
            // No message begins with a control character, and no part holds the byte that ends it.
            for part in [application, facility, control_id] {
                sha2::Digest::update(&mut hasher, [0x1f]);
                sha2::Digest::update(&mut hasher, (part.len() as u64).to_be_bytes());
                sha2::Digest::update(&mut hasher, part);
            }
            MessageId::from_hasher(hasher)
        })
        .collect()
}
