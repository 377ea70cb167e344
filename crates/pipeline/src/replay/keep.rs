//! The rows of a file that a replay leaves as they are, in a file of their own, with their documents.

use arrow_array::BooleanArray;
use arrow_array::cast::AsArray;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use storage::Lake;

use crate::delta::{DataFile, ListedFile, Table};
use crate::documents::{Document, Documents, ListedLines, receipt_of, write_list};
use crate::{Error, MessageId, Receipt, Result, parquet_reader};

/// Rows read and written at once: those of one file as a rule.
const ROWS: usize = 8_192;

/// Writes the rows of a file that `stays` accepts once more; nothing is visible yet.
pub(super) async fn copy(
    lake: &Lake,
    table: &Table,
    file: &ListedFile,
    stays: impl Fn(MessageId) -> bool,
) -> Result<Vec<DataFile>> {
    let mut lines = ListedLines::open(lake, file).await?;
    let mut batches = parquet_reader::open(lake, &file.key).await?.with_batch_size(ROWS).build()?;
    let mut copies = Vec::new();
    while let Some(rows) = batches.try_next().await? {
        let damaged = || Error::DamagedDocuments { key: file.key.to_string() };
        let kept: BooleanArray = {
            let ids = rows.column_by_name("message_id").and_then(|column| column.as_string_opt::<i32>());
            let ids = ids.ok_or_else(damaged)?.iter();
            ids.map(|id| Some(id.and_then(MessageId::parse).is_some_and(&stays))).collect()
        };
        let mut kept_lines = Vec::new();
        for (row, stays) in kept.values().iter().enumerate() {
            let line = lines.next().await?.ok_or_else(damaged)?;
            if stays {
                let (receipt, version) = receipt_of(&rows, row).ok_or_else(damaged)?;
                kept_lines.push((receipt, version, line));
            }
        }
        let (written, keys) = documents_of(kept_lines)?;
        let rows = arrow::compute::filter_record_batch(&rows, &kept)?;
        if rows.num_rows() == 0 {
            continue;
        }
        for Document { key, text } in written {
            lake.put_new(&key, text).await?;
        }
        let (mut copy, bytes) = DataFile::of(rows)?;
        lake.put_new(&table.key_of(&copy.path), bytes).await?;
        let list = write_list(lake, copy.name(), &keys).await?;
        copy.tags.insert("carelake.documents".into(), list.to_string().into());
        copies.push(copy);
    }
    Ok(copies)
}

/// The documents of some lines, and their keys.
fn documents_of(lines: Vec<(Receipt, i32, Bytes)>) -> Result<(Vec<Document>, Vec<Path>)> {
    let mut written = Vec::new();
    let mut put = |document: Document| written.push(document);
    let mut documents = Documents::new(&mut put);
    for (receipt, version, line) in lines {
        documents.add_as(&receipt, &line, version);
    }
    let keys = documents.finish()?;
    Ok((written, keys))
}
