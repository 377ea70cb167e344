//! A message as a row of the staging table, without a lake.

use hl7::Message;
use pipeline::{MessageId, time};
use tables::{Envelope, StagingBuilder};

use crate::output::write_ndjson;
use crate::report::Result;

/// Writes rows as NDJSON.
pub(crate) struct RowWriter {
    rows: StagingBuilder,
    origin: String,
}

impl RowWriter {
    /// Of messages that come from there.
    pub(crate) fn of(origin: String) -> Self {
        Self { rows: StagingBuilder::new(), origin }
    }

    /// The row of a message as one line, with its line end. `number` and `offset` place it in its input.
    pub(crate) fn line(&mut self, message: &Message<'_>, number: u64, offset: u64) -> Result<Vec<u8>> {
        let bytes = message.bytes();
        let id = MessageId::of("default", bytes).to_string();
        self.rows.append(
            &Envelope {
                message_id: &id,
                feed: "default",
                received_at: time::now(),
                sequence: number.cast_signed(),
                raw_key: &self.origin,
                raw_offset: offset.cast_signed(),
                raw_length: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
                sha256: &pipeline::sha256(bytes),
            },
            message,
        );
        let mut line = Vec::new();
        write_ndjson(&self.rows.finish()?, &mut line)?;
        Ok(line)
    }
}
