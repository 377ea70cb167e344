//! Prepare: everything a batch of messages adds to the lake, written and durable, and not yet visible.

use std::collections::HashSet;

use arrow_schema::SchemaRef;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use storage::Lake;
use tokio::sync::mpsc;

use crate::commit::Addition;
use crate::convert::{Converted, Rules, convert};
use crate::delta::{DataFile, Table};
use crate::documents::{Document, write_list};
use crate::failure::Failure;
use crate::seen::Known;
use crate::{MessageId, Receipt, Result, workers};

/// Objects written at the same time: the waits for the disk overlap.
const WRITES: usize = 3;

/// Messages whose rows and documents are written.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// What to commit; `None` if not one message could be converted.
    pub(crate) addition: Option<Addition>,
    pub(crate) failures: Vec<Failure>,
}

/// Converts messages and writes their Parquet file and documents.
pub(crate) async fn prepare(
    lake: &Lake,
    staging: &Table,
    messages: &[(Receipt, Bytes)],
    rules: &Rules,
) -> Result<Prepared> {
    let (sender, receiver) = mpsc::channel(1);
    let work = {
        let (messages, rules) = (messages.to_vec(), rules.clone());
        move || encoded(&messages, &rules, &sender)
    };
    let (written, encoded) = tokio::join!(write_documents(lake, receiver), workers::work(work));
    // The writer's error is the cause if both failed: without it the converter would have gone on.
    let Encoded { schema, known, documents, failures, file } = match (written, encoded?) {
        (Err(error), _) | (Ok(()), Err(error)) => return Err(error),
        (Ok(()), Ok(encoded)) => encoded,
    };
    let Some((mut data_file, bytes)) = file else { return Ok(Prepared { addition: None, failures }) };
    lake.put_new(&staging.key_of(&data_file.path), bytes).await?;
    let list = write_list(lake, data_file.name(), &documents).await?;
    data_file.tags.insert("carelake.documents".into(), list.to_string().into());
    Ok(Prepared { addition: Some(Addition { known, schema, file: data_file }), failures })
}

/// The same without some of the messages, which another writer has added meanwhile.
pub(crate) async fn prepare_without(
    lake: &Lake,
    staging: &Table,
    messages: &[(Receipt, Bytes)],
    rules: &Rules,
    left_out: &HashSet<MessageId>,
) -> Result<Option<Addition>> {
    let kept: Vec<_> =
        messages.iter().filter(|(receipt, _)| !left_out.contains(&receipt.message_id)).cloned().collect();
    Ok(prepare(lake, staging, &kept, rules).await?.addition)
}

struct Encoded {
    schema: SchemaRef,
    known: Known,
    documents: Vec<object_store::path::Path>,
    failures: Vec<Failure>,
    file: Option<(DataFile, Bytes)>,
}

fn encoded(
    messages: &[(Receipt, Bytes)],
    rules: &Rules,
    documents: &mpsc::Sender<Document>,
) -> Result<Encoded> {
    // If nobody takes the document the writer has failed, and tells why.
    let mut put = |document| drop(documents.blocking_send(document));
    let Converted { rows, ids, documents, failures } = convert(messages, rules, &mut put)?;
    let (schema, known) = (rows.schema(), Known::of(ids, &rows));
    let file = if rows.num_rows() == 0 { None } else { Some(DataFile::of(rows)?) };
    Ok(Encoded { schema, known, documents, failures, file })
}

async fn write_documents(lake: &Lake, documents: mpsc::Receiver<Document>) -> Result<()> {
    stream::unfold(documents, async |mut documents| Some((documents.recv().await?, documents)))
        .map(|Document { key, text }| async move { lake.put_new(&key, text).await })
        .buffer_unordered(WRITES)
        .try_for_each(async |_| Ok(()))
        .await?;
    Ok(())
}
