//! Receipts: that a message was received, when, from where, and where its bytes lie.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use object_store::path::Path;
use storage::{Lake, receipts_key};

use crate::delta::{encode, receipts_properties};
use crate::{MessageId, Result};

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
    /// SHA-256 of the message's bytes, in hex.
    pub sha256: String,
    /// Where the raw object came from.
    pub origin: String,
}

/// Writes a file of receipts; durable when it returns.
pub(crate) async fn write(lake: &Lake, batch: &str, receipts: &[&Receipt]) -> Result<()> {
    let rows = rows(receipts)?;
    let file = encode(&rows, receipts_properties())?;
    lake.put_new(&receipts_key(batch), file).await?;
    Ok(())
}

fn rows(receipts: &[&Receipt]) -> Result<RecordBatch> {
    let text = |value: fn(&Receipt) -> String| -> ArrayRef {
        Arc::new(receipts.iter().map(|receipt| Some(value(receipt))).collect::<StringArray>())
    };
    let number = |value: fn(&Receipt) -> i64| -> ArrayRef {
        Arc::new(receipts.iter().map(|receipt| Some(value(receipt))).collect::<Int64Array>())
    };
    let received_at: TimestampMicrosecondArray =
        receipts.iter().map(|receipt| Some(receipt.received_at)).collect();
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
        ],
    )?)
}
