//! What stands in the write-ahead log beside the bytes of a delivery: the receipts of its messages, but for what the place in
//! the log tells.

use serde::{Deserialize, Serialize};

/// The receipts of one delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The sender's stream.
    pub feed: String,
    /// Where the delivery came from.
    pub origin: String,
    /// Whether its messages are refused if they break their version of the standard.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// The charset of messages that declare none, as in table 0211.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// What its sender is answered once it is safe, if somebody waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// One for each message, in the order of the bytes.
    pub items: Vec<NoteItem>,
}

/// The receipt of one message of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteItem {
    /// The message's id, 32 hex digits.
    pub id: String,
    /// Its first byte, from the start of the delivery.
    pub start: u64,
    /// Its bytes.
    pub length: u64,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// The rule that leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filtered_by: Option<String>,
}

impl Note {
    /// As it is written.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings and numbers always can be.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads what was written; `None` if these bytes are something else.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
