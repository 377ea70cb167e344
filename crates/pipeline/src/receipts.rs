//! Receipts: that a message was received, when, from where, and where its bytes lie.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use futures::TryStreamExt;
use object_store::path::Path;
use parquet::file::metadata::KeyValue;
use storage::{Lake, receipts_key, wal};
use tables::{Note, NoteItem};

use crate::delta::{encode, receipts_properties};
use crate::{Error, MessageId, Result, parquet_reader};

/// One message received, whatever becomes of it.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The id its feed and bytes give it.
    pub message_id: MessageId,
    /// The sender's stream.
    pub feed: String,
    /// Microseconds since 1970, UTC.
    pub received_at: i64,
    /// 1-based number in its raw object.
    pub sequence: i64,
    /// The raw object.
    pub raw_key: Path,
    /// First byte in the raw object.
    pub raw_offset: u64,
    /// Bytes.
    pub raw_length: u64,
    /// SHA-256 of the message's bytes, in hex; empty when they are over the limit.
    pub sha256: String,
    /// Where the raw object came from.
    pub origin: String,
    /// Whether it was to be refused if it broke its own version of the standard.
    pub strict: bool,
    /// The charset of the message if it declares none in MSH-18, where its feed has one.
    pub charset: Option<String>,
    /// The rule of its feed that leaves it out of staging, if one does.
    pub filtered_by: Option<String>,
    /// What its sender is answered once it is safe; see [`Answer`](crate::Answer). Whether that arrived is not known.
    pub answer: Option<String>,
}

/// The list, in the file's footer, of raw objects of which everything is accounted for in this file and those
/// before it.
const FINISHED: &str = "carelake.finished";

/// Writes a file of receipts; durable when it returns.
pub(crate) async fn write(lake: &Lake, batch: &str, receipts: &[&Receipt], finished: &[Path]) -> Result<()> {
    let rows = rows(receipts)?;
    let finished: Vec<&str> = finished.iter().map(AsRef::as_ref).collect();
    let finished = serde_json::to_string(&finished).map_err(|error| Error::Internal(error.to_string()))?;
    let properties =
        receipts_properties().set_key_value_metadata(Some(vec![KeyValue::new(FINISHED.into(), finished)]));
    let file = encode(rows, properties.build())?;
    lake.put_new(&receipts_key(batch), file).await?;
    Ok(())
}

/// Reads the receipts of a batch, from their file or, before there is one, from the write-ahead log.
pub(crate) async fn read(lake: &Lake, batch: &str) -> Result<Vec<Receipt>> {
    if lake.exists(&receipts_key(batch)).await? {
        return read_file(lake, batch).await;
    }
    match of_segment(lake, batch).await {
        // Sealed between the two looks; or there is neither, and the error names the file.
        Err(Error::Storage(error)) if error.is_not_found() => read_file(lake, batch).await,
        read => read,
    }
}

async fn read_file(lake: &Lake, batch: &str) -> Result<Vec<Receipt>> {
    let mut batches = parquet_reader::open(lake, &receipts_key(batch)).await?.build()?;
    let mut receipts = Vec::new();
    while let Some(rows) = batches.try_next().await? {
        let columns = Columns::of(&rows).ok_or_else(|| damaged(batch))?;
        for row in 0..rows.num_rows() {
            receipts.push(columns.receipt(row).ok_or_else(|| damaged(batch))?);
        }
    }
    Ok(receipts)
}

/// The receipts in a segment of the write-ahead log.
pub(crate) async fn of_segment(lake: &Lake, segment: &str) -> Result<Vec<Receipt>> {
    let mut receipts = Vec::new();
    for record in wal::read(lake, segment).await? {
        let note = Note::read(&record.note).ok_or_else(|| damaged(segment))?;
        for (item, sequence) in note.items.iter().zip(record.first..) {
            receipts.push(of_item(&record, &note, item, sequence).ok_or_else(|| damaged(segment))?);
        }
    }
    Ok(receipts)
}

fn of_item(record: &wal::Record, note: &Note, item: &NoteItem, sequence: u64) -> Option<Receipt> {
    Some(Receipt {
        message_id: MessageId::parse(&item.id)?,
        feed: note.feed.clone(),
        received_at: record.at,
        sequence: sequence.cast_signed(),
        raw_key: Path::parse(&record.key).ok()?,
        raw_offset: record.offset + item.start,
        raw_length: item.length,
        sha256: item.sha256.clone(),
        origin: note.origin.clone(),
        strict: note.strict,
        charset: note.charset.clone(),
        filtered_by: item.filtered_by.clone(),
        answer: note.answer.clone(),
    })
}

/// The raw objects that a file of receipts completes; only its footer is read. A segment of the log completes none yet.
pub(crate) async fn finished(lake: &Lake, batch: &str) -> Result<Vec<Path>> {
    if !lake.exists(&receipts_key(batch)).await? {
        return Ok(Vec::new());
    }
    let builder = parquet_reader::open(lake, &receipts_key(batch)).await?;
    let metadata = builder.metadata().file_metadata().key_value_metadata();
    let value = metadata.into_iter().flatten().find(|pair| pair.key == FINISHED);
    let keys = value.and_then(|pair| pair.value.as_deref());
    let keys: Vec<String> = keys.and_then(|keys| serde_json::from_str(keys).ok()).unwrap_or_default();
    Ok(keys.iter().filter_map(|key| Path::parse(key).ok()).collect())
}

fn damaged(batch: &str) -> Error {
    Error::DamagedReceipts { key: receipts_key(batch).to_string() }
}

/// The columns of a batch of receipts.
struct Columns<'r> {
    message_id: &'r StringArray,
    feed: &'r StringArray,
    received_at: &'r TimestampMicrosecondArray,
    sequence: &'r Int64Array,
    raw_key: &'r StringArray,
    raw_offset: &'r Int64Array,
    raw_length: &'r Int64Array,
    sha256: &'r StringArray,
    origin: &'r StringArray,
    /// Files of before there was such a column have none.
    strict: Option<&'r BooleanArray>,
    charset: Option<&'r StringArray>,
    filtered_by: Option<&'r StringArray>,
    answer: Option<&'r StringArray>,
}

impl<'r> Columns<'r> {
    fn of(rows: &'r RecordBatch) -> Option<Self> {
        let text = |name: &str| rows.column_by_name(name)?.as_string_opt::<i32>();
        let number = |name: &str| rows.column_by_name(name)?.as_primitive_opt::<Int64Type>();
        Some(Self {
            message_id: text("message_id")?,
            feed: text("feed")?,
            received_at: rows
                .column_by_name("received_at")?
                .as_primitive_opt::<TimestampMicrosecondType>()?,
            sequence: number("sequence")?,
            raw_key: text("raw_key")?,
            raw_offset: number("raw_offset")?,
            raw_length: number("raw_length")?,
            sha256: text("sha256")?,
            origin: text("origin")?,
            strict: rows.column_by_name("strict").and_then(|column| column.as_boolean_opt()),
            charset: text("charset"),
            filtered_by: text("filtered_by"),
            answer: text("answer"),
        })
    }

    fn receipt(&self, row: usize) -> Option<Receipt> {
        let optional = |column: Option<&StringArray>| {
            column.filter(|column| column.is_valid(row)).map(|column| column.value(row).to_owned())
        };
        Some(Receipt {
            message_id: MessageId::parse(self.message_id.value(row))?,
            feed: self.feed.value(row).into(),
            received_at: self.received_at.value(row),
            sequence: self.sequence.value(row),
            raw_key: Path::parse(self.raw_key.value(row)).ok()?,
            raw_offset: self.raw_offset.value(row).cast_unsigned(),
            raw_length: self.raw_length.value(row).cast_unsigned(),
            sha256: self.sha256.value(row).into(),
            origin: self.origin.value(row).into(),
            strict: self.strict.is_some_and(|strict| strict.is_valid(row) && strict.value(row)),
            charset: optional(self.charset),
            filtered_by: optional(self.filtered_by),
            answer: optional(self.answer),
        })
    }
}

fn rows(receipts: &[&Receipt]) -> Result<RecordBatch> {
    let text = |value: fn(&Receipt) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(receipts.iter().map(|receipt| value(receipt))))
    };
    let number = |value: fn(&Receipt) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(receipts.iter().map(|receipt| value(receipt))))
    };
    let received_at =
        TimestampMicrosecondArray::from_iter_values(receipts.iter().map(|receipt| receipt.received_at));
    let strict: BooleanArray = receipts.iter().map(|receipt| Some(receipt.strict)).collect();
    let optional = |value: fn(&Receipt) -> Option<&str>| -> ArrayRef {
        Arc::new(receipts.iter().map(|receipt| value(receipt)).collect::<StringArray>())
    };
    Ok(RecordBatch::try_new(
        tables::receipts_schema(),
        vec![
            text(|receipt| receipt.message_id.to_string()),
            text(|receipt| receipt.feed.clone()),
            Arc::new(received_at.with_timezone("UTC")),
            number(|receipt| receipt.sequence),
            text(|receipt| receipt.raw_key.to_string()),
            number(|receipt| receipt.raw_offset.cast_signed()),
            number(|receipt| receipt.raw_length.cast_signed()),
            text(|receipt| receipt.sha256.clone()),
            text(|receipt| receipt.origin.clone()),
            Arc::new(strict),
            optional(|receipt| receipt.charset.as_deref()),
            optional(|receipt| receipt.filtered_by.as_deref()),
            optional(|receipt| receipt.answer.as_deref()),
        ],
    )?)
}

#[cfg(test)]
mod tests {
    use storage::Location;

    use super::*;

    #[tokio::test]
    async fn receipts_of_before_answers_were_kept_are_read() {
        let lake = crate::init(Location::memory().unwrap()).await.unwrap();
        let receipt = Receipt {
            message_id: MessageId::of("lab", b"MSH|"),
            feed: "lab".into(),
            received_at: 1,
            sequence: 1,
            raw_key: Path::from("raw/lab/a"),
            raw_offset: 0,
            raw_length: 4,
            sha256: crate::sha256(b"MSH|"),
            origin: "mllp".into(),
            strict: false,
            charset: None,
            filtered_by: None,
            answer: Some("CA".into()),
        };
        write(&lake, "new", &[&receipt], &[]).await.unwrap();
        let of = async |batch: &str| read(&lake, batch).await.unwrap().remove(0).answer;
        assert_eq!(of("new").await.as_deref(), Some("CA"));
        let rows = rows(&[&receipt]).unwrap();
        let older: Vec<usize> = (0..rows.num_columns() - 1).collect();
        let file = encode(rows.project(&older).unwrap(), receipts_properties().build()).unwrap();
        lake.put_new(&receipts_key("old"), file).await.unwrap();
        assert_eq!(of("old").await, None);
    }
}
