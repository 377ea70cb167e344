//! What is wrong with a lake: of what kind, where, and what helps.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// The kinds of problems. Scripts rely on the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Raw bytes are not those whose hash the key carries.
    RawChanged,
    /// A raw object that receipts name is not there.
    RawMissing,
    /// Raw bytes belong to two receipts.
    RawOverlap,
    /// Raw bytes belong to no receipt, and are no framing.
    RawUncovered,
    /// A raw object was landed and not taken up, or not to its end.
    RawUnfinished,
    /// A receipt's hash or id is not that of its bytes.
    ReceiptWrong,
    /// A file of receipts cannot be read.
    ReceiptsDamaged,
    /// The run that was to convert these messages has died.
    Pending,
    /// A message received is neither staged nor in error.
    Lost,
    /// The table's log cannot be read.
    LogDamaged,
    /// A file that a table's log names is not there.
    FileMissing,
    /// A file that a table's log names cannot be read, or is not what the log says.
    FileDamaged,
    /// Two rows of one message.
    RowTwice,
    /// A row cites a receipt that does not exist.
    RowWithoutReceipt,
    /// A row is not its message.
    RowDiffers,
    /// A JSON document that is listed is not there, or its list is not.
    DocumentMissing,
    /// A JSON document cannot be read, or its lines are not those of the rows.
    DocumentDamaged,
    /// The bytes or the report of an error are missing or changed.
    ErrorDamaged,
    /// An event of the audit zone is not what was recorded.
    AuditChanged,
    /// Events of the audit zone are not there.
    AuditMissing,
}

impl Kind {
    /// The word for it, as in JSON.
    pub fn text(self) -> String {
        serde_json::to_value(self).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// What helps.
    pub fn hint(self) -> &'static str {
        match self {
            Self::RawChanged => {
                "restore the object from a backup, or move it away and ingest the original file again, under the same name and feed"
            }
            Self::RawMissing => {
                "restore the object from a backup, or ingest the original file again, under the same name and feed"
            }
            Self::RawOverlap | Self::RawUncovered => {
                "a file of receipts was lost or changed: restore raw/_receipts from a backup, or ingest the original file again"
            }
            Self::RawUnfinished | Self::Pending => {
                "run carelake ingest again, with any path: it finishes what an interrupted run has begun"
            }
            Self::ReceiptWrong => {
                "if the raw object is told to be changed, mend that first; else restore the file of receipts from a backup"
            }
            Self::ReceiptsDamaged => "restore the file of receipts from a backup",
            Self::Lost | Self::RowTwice | Self::RowDiffers | Self::DocumentMissing => {
                "carelake replay rebuilds staging from raw and receipts"
            }
            // What is there is never replaced.
            Self::DocumentDamaged => "move the document away; carelake replay writes it again",
            Self::FileMissing | Self::FileDamaged => {
                "carelake replay rebuilds the file of a staging table from raw; one of the error table is to be restored from a backup"
            }
            Self::LogDamaged => "restore the table's _delta_log folder from a backup",
            Self::RowWithoutReceipt => {
                "restore raw/_receipts from a backup, or ingest the original file again and then carelake replay"
            }
            Self::AuditChanged | Self::AuditMissing => {
                "restore the object from a backup, keep the damaged one as evidence, and find out who could write to the audit zone"
            }
            Self::ErrorDamaged => {
                "restore the object from a backup; the bytes are in the raw zone still, where the row of the error table says"
            }
        }
    }
}

/// One thing that is wrong. It says where, never what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Of what kind.
    pub kind: Kind,
    /// What is wrong and where, in a sentence.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Problems of one kind that are kept, at most; more are counted.
const MOST: u64 = 20;

/// The problems found: all counted, the first of each kind kept.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    /// Those kept.
    pub kept: Vec<Problem>,
    /// How many there are of each kind.
    pub counts: BTreeMap<Kind, u64>,
}

impl Problems {
    pub(crate) fn add(&mut self, kind: Kind, text: impl Into<String>) {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        if *count <= MOST {
            self.kept.push(Problem { kind, text: text.into() });
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Of each kind of which not all are kept, how many more there are.
    pub fn more(&self) -> impl Iterator<Item = (Kind, u64)> + '_ {
        self.counts.iter().filter(|(_, count)| **count > MOST).map(|(kind, count)| (*kind, count - MOST))
    }
}
