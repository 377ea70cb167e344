//! Commit: rows become part of a table in one atomic step, each once, whoever else is writing.

use std::collections::HashSet;

use arrow::compute::filter_record_batch;
use arrow_array::cast::AsArray;
use arrow_array::{BooleanArray, RecordBatch};
use serde_json::json;
use storage::{Lake, json_document_key, json_list_key};

use crate::convert::Document;
use crate::delta::{Attempt, DataFile, Writer, encode, table_properties};
use crate::seen::Seen;
use crate::{Error, MessageId, Result};

/// Rows to be added to a table, with the documents that say the same in JSON, if the table has any.
#[derive(Debug)]
pub(crate) struct Addition {
    pub(crate) rows: RecordBatch,
    pub(crate) documents: Vec<Document>,
}

/// Adds rows; gives the ids that were left out because another writer had added them meanwhile.
pub(crate) async fn commit(
    lake: &Lake,
    writer: &mut Writer,
    seen: &mut Seen,
    mut addition: Addition,
) -> Result<HashSet<MessageId>> {
    let mut left_out = HashSet::new();
    loop {
        let others = writer.catch_up().await?;
        drop_present(seen, &others, &mut addition, &mut left_out).await?;
        let others = writer.widen(addition.rows.schema_ref()).await?;
        drop_present(seen, &others, &mut addition, &mut left_out).await?;
        if addition.rows.num_rows() == 0 {
            return Ok(left_out);
        }
        let file = write_files(lake, writer, &addition).await?;
        match writer.try_append(&[file]).await? {
            Attempt::Done => return Ok(left_out),
            // The file just written stays behind, named by no commit, and is swept later.
            Attempt::Overtaken { new_files } => {
                drop_present(seen, &new_files, &mut addition, &mut left_out).await?;
            }
        }
    }
}

/// Takes rows out of the addition that others have added.
async fn drop_present(
    seen: &mut Seen,
    new_files: &[object_store::path::Path],
    addition: &mut Addition,
    left_out: &mut HashSet<MessageId>,
) -> Result<()> {
    if new_files.is_empty() {
        return Ok(());
    }
    let present = seen.learn(new_files).await?;
    let ids: Vec<Option<MessageId>> = {
        let column = addition.rows.column_by_name("message_id").ok_or_else(no_ids)?;
        column.as_string::<i32>().iter().map(|id| id.and_then(MessageId::parse)).collect()
    };
    let keep: BooleanArray = ids.iter().map(|id| Some(!id.is_some_and(|id| present.contains(&id)))).collect();
    if keep.true_count() < addition.rows.num_rows() {
        addition.rows = filter_record_batch(&addition.rows, &keep)?;
        addition.documents.retain(|document| !present.contains(&document.receipt.message_id));
        left_out.extend(ids.into_iter().flatten().filter(|id| present.contains(id)));
    }
    Ok(())
}

/// Writes the documents, their list and the Parquet file; all are durable and none is visible.
async fn write_files(lake: &Lake, writer: &Writer, addition: &Addition) -> Result<DataFile> {
    let batch = uuid::Uuid::new_v4().to_string();
    let path = format!("part-{batch}.parquet");
    let rows = addition.rows.clone();
    let bytes = tokio::task::spawn_blocking(move || encode(&rows, table_properties(&rows))).await??;
    let mut file = DataFile::new(path.clone(), bytes.len(), &addition.rows);
    lake.put_new(&writer.table().key_of(&path), bytes).await?;
    if !addition.documents.is_empty() {
        let list = write_documents(lake, &batch, &addition.documents).await?;
        file.tags.insert("carelake.documents".into(), list.into());
    }
    Ok(file)
}

/// Writes one object for each unbroken run of messages of a raw object, and the list of these objects.
///
/// A run has no holes, so that the content of a document object follows from its key alone and two writers
/// that make the same one make the same bytes.
async fn write_documents(lake: &Lake, batch: &str, documents: &[Document]) -> Result<String> {
    let mut keys = Vec::new();
    for run in documents.chunk_by(|left, right| {
        left.receipt.raw_key == right.receipt.raw_key && left.receipt.sequence + 1 == right.receipt.sequence
    }) {
        let [first, ..] = run else { continue };
        let last = &run[run.len() - 1].receipt;
        let (start, end) = (first.receipt.raw_offset, last.raw_offset + last.raw_length);
        let key = json_document_key(&first.receipt.raw_key, start, end, tables::CONVERTER_VERSION);
        let mut text = Vec::with_capacity(run.iter().map(|document| document.json.len() + 1).sum());
        for document in run {
            text.extend_from_slice(&document.json);
            text.push(b'\n');
        }
        lake.put_new(&key, text.into()).await?;
        keys.push(key.to_string());
    }
    let list = json_list_key(batch);
    lake.put_new(&list, json!({ "documents": keys }).to_string().into()).await?;
    Ok(list.to_string())
}

fn no_ids() -> Error {
    Error::Internal("rows without ids".into())
}
