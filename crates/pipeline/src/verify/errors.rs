//! The error zone: bytes, report and row of everything that could not be staged.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use sha2::{Digest, Sha256};
use storage::{error_bytes_key, error_report_key, raw};

use super::staging::{Cited, is_as_listed};
use super::{Check, Kind, key_of};
use crate::delta::ListedFile;
use crate::{MessageId, Result, parquet_reader};

/// Errors that are looked at at the same time.
const READS: usize = 16;

/// Checks every row of the error table that is not staged; gives the ids of all rows.
pub(super) async fn check(
    check: &Arc<Check>,
    files: &[ListedFile],
    staged: &[Cited],
) -> Result<HashSet<MessageId>> {
    let mut ids = HashSet::new();
    for file in files {
        if !is_as_listed(check, file).await? {
            continue;
        }
        let read = async {
            let mut batches = parquet_reader::open(&check.lake, &file.key).await?.build()?;
            while let Some(rows) = batches.try_next().await? {
                let mut open = Vec::new();
                for row in 0..rows.num_rows() {
                    let Some(error) = ErrorRow::of(&rows, row) else {
                        let text = format!("row {} of {} is not the row of an error", row + 1, file.key);
                        check.problem(Kind::FileDamaged, text);
                        continue;
                    };
                    if !ids.insert(error.id) {
                        check.problem(
                            Kind::RowTwice,
                            format!("message {} has two rows in the error table", error.id),
                        );
                    }
                    // A message that is staged is in error no more; its bytes and report are history.
                    if staged.binary_search_by_key(&error.id, |row| row.0).is_err() {
                        check.found().summary.errors += 1;
                        open.push(error);
                    }
                }
                check_errors(check, open).await?;
            }
            Ok::<_, crate::Error>(())
        };
        if let Err(error) = read.await {
            check.problem(Kind::FileDamaged, format!("{} cannot be read: {error}", file.key));
        }
    }
    Ok(ids)
}

struct ErrorRow {
    id: MessageId,
    raw_key: Path,
    raw_offset: u64,
    raw_length: u64,
}

impl ErrorRow {
    fn of(rows: &RecordBatch, row: usize) -> Option<Self> {
        let text = |name: &str| {
            let column = rows.column_by_name(name)?.as_string_opt::<i32>()?;
            column.is_valid(row).then(|| column.value(row))
        };
        let number = |name: &str| {
            Some(rows.column_by_name(name)?.as_primitive_opt::<Int64Type>()?.value(row).cast_unsigned())
        };
        Some(Self {
            id: MessageId::parse(text("message_id")?)?,
            raw_key: key_of(text("raw_key")?),
            raw_offset: number("raw_offset")?,
            raw_length: number("raw_length")?,
        })
    }
}

/// Checks errors side by side: the waits for the store overlap.
async fn check_errors(check: &Arc<Check>, errors: Vec<ErrorRow>) -> Result<()> {
    stream::iter(errors)
        .map(|error| {
            let check = check.clone();
            async move { tokio::spawn(async move { check_error(&check, &error).await }).await? }
        })
        .buffer_unordered(READS)
        .try_collect()
        .await
}

async fn check_error(check: &Check, error: &ErrorRow) -> Result<()> {
    let id = error.id.to_string();
    let kept = hash(check, &error_bytes_key(&id), 0..u64::MAX).await;
    let raw = hash(check, &error.raw_key, error.raw_offset..error.raw_offset + error.raw_length).await;
    match (kept, raw) {
        (Some(kept), Some(raw)) if kept == raw => {}
        // A raw object that is missing is told where raw is read.
        (Some(_), None) => {}
        (Some(_), Some(_)) => check.problem(
            Kind::ErrorDamaged,
            format!(
                "{} has other bytes than {} at {}",
                error_bytes_key(&id),
                error.raw_key,
                error.raw_offset
            ),
        ),
        (None, _) => check.problem(Kind::ErrorDamaged, format!("{} is not there", error_bytes_key(&id))),
    }
    let report = check.lake.read(&error_report_key(&id)).await;
    if !report.is_ok_and(|report| serde_json::from_slice::<serde::de::IgnoredAny>(&report).is_ok()) {
        check.problem(
            Kind::ErrorDamaged,
            format!("the report {} is not there, or is no JSON", error_report_key(&id)),
        );
    }
    Ok(())
}

/// The hash and length of a range of an object, read piece by piece.
async fn hash(check: &Check, key: &Path, range: std::ops::Range<u64>) -> Option<(Vec<u8>, u64)> {
    let mut pieces = raw::range_pieces(&check.lake, key, range).await.ok()?;
    let (mut hasher, mut length) = (Sha256::new(), 0);
    // Where an archive is damaged it ends.
    while let Some(Ok(piece)) = pieces.next().await {
        hasher.update(&piece);
        length += piece.len() as u64;
    }
    Some((hasher.finalize().to_vec(), length))
}
