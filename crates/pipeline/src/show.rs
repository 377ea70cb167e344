//! Looking up single messages and the error zone, without SQL.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use storage::{
    Lake, error_bytes_key, error_newer_report_prefix, error_report_key, error_table, raw, staging_table,
};

use crate::delta::Table;
use crate::seen::{Seen, ids_in};
use crate::{Error, MessageId, Result, parquet_reader};

/// The bytes of a staged message, from the raw zone; of one in error, from the error zone.
pub async fn message_bytes(lake: &Lake, id: MessageId) -> Result<Bytes> {
    let mut staged = Seen::open(lake, &Table::at(lake, staging_table())?).await?;
    if let Some(file) = staged.find(id).await?
        && let Some(place) = place_in(lake, &file, id).await?
    {
        let range = place.offset..place.offset + place.length;
        let key = Path::parse(&place.raw_key).map_err(|_| unknown(id))?;
        return Ok(raw::read_range(lake, &key, range).await?);
    }
    match lake.read(&error_bytes_key(&id.to_string())).await {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.is_not_found() => Err(unknown(id)),
        Err(error) => Err(error.into()),
    }
}

/// The commit that put the row of a message where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowCommit {
    /// The version of the staging table that it made.
    pub version: u64,
    /// Microseconds since 1970, UTC.
    pub at: i64,
    /// `staged` by a live lake, an ingest or a retry; `replayed`, built anew from raw; or `compacted`, moved as it was.
    pub how: &'static str,
}

impl RowCommit {
    /// As people and programs are told of it.
    pub fn to_json(&self) -> serde_json::Value {
        let at = crate::time::rfc3339_milliseconds(self.at.div_euclid(1_000));
        serde_json::json!({"version": self.version, "at": at, "how": self.how})
    }
}

/// Where in SQL it stands what became of a message, and in which columns: that it was received and what its sender was to be
/// answered, its row without the segments, what is wrong with it.
pub const FATE: [(&str, &str); 3] = [
    (
        "receipts",
        "feed, received_at, sequence, raw_key, raw_offset, raw_length, sha256, origin, strict, answer, fate",
    ),
    (
        "staging",
        "feed, received_at, sequence, raw_key, raw_offset, raw_length, converter_version, message_type, trigger_event, structure, \
         hl7_version, warnings",
    ),
    ("errors", "feed, received_at, code, reason, hint, \"offset\", origin, converter_version"),
];

/// The commit that put the row of a message where it is; `None` if it has none, or the table's log does not reach back so far.
pub async fn row_commit(lake: &Lake, id: MessageId) -> Result<Option<RowCommit>> {
    let table = Table::at(lake, staging_table())?;
    let mut staged = Seen::open(lake, &table).await?;
    let Some(file) = staged.find(id).await? else { return Ok(None) };
    let commit = table.brought_in(&file).await?;
    Ok(commit.map(|commit| RowCommit {
        version: commit.version,
        at: commit.at.saturating_mul(1_000),
        how: match commit.operation.as_str() {
            "REPLACE" => "replayed",
            "OPTIMIZE" => "compacted",
            _ => "staged",
        },
    }))
}

/// The ids in the staging table, one for each row.
pub async fn staged_ids(lake: &Lake) -> Result<Vec<MessageId>> {
    let mut ids = Vec::new();
    for file in Table::at(lake, staging_table())?.files().await? {
        ids.extend(ids_in(lake, &file).await?);
    }
    Ok(ids)
}

/// One line of the error zone.
#[derive(Clone, Debug)]
pub struct ErrorEntry {
    /// The id of what failed.
    pub message_id: String,
    /// Microseconds since 1970, UTC.
    pub received_at: i64,
    /// The sender's stream.
    pub feed: String,
    /// The code, one of a closed list.
    pub code: String,
    /// What is wrong, in a sentence.
    pub reason: String,
    /// Where it shows, in bytes from the start of what failed.
    pub offset: i64,
    /// Where it came from.
    pub origin: String,
}

/// What is in the error zone and has not been staged since, oldest first.
pub async fn errors(lake: &Lake) -> Result<Vec<ErrorEntry>> {
    let mut staged = Seen::open(lake, &Table::at(lake, staging_table())?).await?;
    let mut entries = Vec::new();
    for file in Table::at(lake, error_table())?.files().await? {
        let mut batches = parquet_reader::open(lake, &file).await?.build()?;
        while let Some(batch) = batches.try_next().await? {
            entries.extend((0..batch.num_rows()).map(|row| entry(&batch, row)));
        }
    }
    let ids: Vec<MessageId> =
        entries.iter().filter_map(|entry: &ErrorEntry| MessageId::parse(&entry.message_id)).collect();
    let mut is_staged = staged.hold_all(&ids).await?.into_iter();
    entries.retain(|_| !is_staged.next().unwrap_or(false));
    entries.sort_by(|left, right| {
        (left.received_at, &left.message_id).cmp(&(right.received_at, &right.message_id))
    });
    Ok(entries)
}

/// The newest report of one error, as the JSON text it was written as.
pub async fn error_report(lake: &Lake, id: MessageId) -> Result<Bytes> {
    let text = id.to_string();
    let newer = lake.list(&error_newer_report_prefix(&text)).await?;
    let newest = newer.into_iter().map(|object| object.key).max();
    match lake.read(&newest.unwrap_or_else(|| error_report_key(&text))).await {
        Ok(report) => Ok(report),
        Err(error) if error.is_not_found() => Err(unknown(id)),
        Err(error) => Err(error.into()),
    }
}

fn unknown(id: MessageId) -> Error {
    Error::UnknownMessage { id: id.to_string() }
}

fn entry(batch: &RecordBatch, row: usize) -> ErrorEntry {
    let text = |name: &str| {
        let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        column
            .filter(|column| column.is_valid(row))
            .map(|column| column.value(row).to_owned())
            .unwrap_or_default()
    };
    let received_at = batch
        .column_by_name("received_at")
        .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
        .map_or(0, |column| column.value(row));
    ErrorEntry {
        message_id: text("message_id"),
        received_at,
        feed: text("feed"),
        code: text("code"),
        reason: text("reason"),
        offset: number(batch, "offset", row),
        origin: text("origin"),
    }
}

fn number(batch: &RecordBatch, name: &str, row: usize) -> i64 {
    batch
        .column_by_name(name)
        .and_then(|column| column.as_primitive_opt::<Int64Type>())
        .map_or(0, |column| column.value(row))
}

/// Where a message's bytes lie in the raw zone.
struct RawPlace {
    raw_key: String,
    offset: u64,
    length: u64,
}

/// Looks an id up in one file; its Bloom filter spares reading most files.
async fn place_in(lake: &Lake, file: &Path, id: MessageId) -> Result<Option<RawPlace>> {
    let id = id.to_string();
    let mut builder = parquet_reader::open(lake, file).await?;
    let column =
        builder.parquet_schema().columns().iter().position(|column| column.path().string() == "message_id");
    let mut row_groups = Vec::new();
    for row_group in 0..builder.metadata().num_row_groups() {
        let filter = match column {
            Some(column) => builder.get_row_group_column_bloom_filter(row_group, column).await?,
            None => None,
        };
        if filter.is_none_or(|filter| filter.check(&id.as_str())) {
            row_groups.push(row_group);
        }
    }
    if row_groups.is_empty() {
        return Ok(None);
    }
    let mask = ProjectionMask::columns(
        builder.parquet_schema(),
        ["message_id", "raw_key", "raw_offset", "raw_length"],
    );
    let mut batches = builder.with_row_groups(row_groups).with_projection(mask).build()?;
    while let Some(batch) = batches.try_next().await? {
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let (Some(ids), Some(keys)) = (text("message_id"), text("raw_key")) else { continue };
        if let Some(row) = ids.iter().position(|found| found == Some(&id)) {
            return Ok(Some(RawPlace {
                raw_key: keys.value(row).to_owned(),
                offset: number(&batch, "raw_offset", row).cast_unsigned(),
                length: number(&batch, "raw_length", row).cast_unsigned(),
            }));
        }
    }
    Ok(None)
}
