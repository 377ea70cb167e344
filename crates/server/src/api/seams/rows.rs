//! Messages as rows of the staging table, which needs what this crate may not import.

use hl7::Message;

/// Writes the row of a message.
pub trait FlatRows: Send + Sync {
    /// The row as one line of NDJSON, with its line end. `number` and `offset` place the message in its input.
    fn line(&self, message: &Message<'_>, number: u64, offset: u64) -> Result<Vec<u8>, String>;
}
