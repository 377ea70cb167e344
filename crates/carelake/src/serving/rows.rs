//! Messages that are only looked at, as rows.

use hl7::Message;
use server::api::FlatRows;

use crate::rows::RowWriter;

/// What the API has no name for.
const ORIGIN: &str = "-";

/// Writes each row by itself: requests share nothing.
pub(super) struct Rows;

impl FlatRows for Rows {
    fn line(&self, message: &Message<'_>, number: u64, offset: u64) -> Result<Vec<u8>, String> {
        RowWriter::of(ORIGIN.to_owned())
            .line(message, number, offset)
            .map_err(|_| "the message cannot be written as a row".to_owned())
    }
}
