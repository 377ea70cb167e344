//! The lines of the documents of a data file, which are in the order of its rows, and what its rows say of their receipts.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use bytes::{Buf, Bytes};
use object_store::path::Path;
use storage::Lake;

use super::{read, read_list};
use crate::delta::ListedFile;
use crate::{MessageId, Receipt, Result};

/// The lines of the documents of a file, one for each of its rows.
pub(crate) struct ListedLines {
    lake: Lake,
    documents: std::vec::IntoIter<Path>,
    /// What is left of the one that is read: lines, each with its end.
    rest: Bytes,
}

impl ListedLines {
    /// None is read yet; of a file without documents there is none.
    pub(crate) async fn open(lake: &Lake, file: &ListedFile) -> Result<Self> {
        let documents = match &file.documents {
            Some(list) => read_list(lake, list).await?,
            None => Vec::new(),
        };
        Ok(Self { lake: lake.clone(), documents: documents.into_iter(), rest: Bytes::new() })
    }

    /// The next line, without its end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            // Behind the last line end there is nothing.
            if let Some(end) = memchr::memchr(b'\n', &self.rest) {
                let line = self.rest.split_to(end);
                self.rest.advance(1);
                return Ok(Some(line));
            }
            let Some(document) = self.documents.next() else { return Ok(None) };
            self.rest = read(&self.lake, &document).await?;
        }
    }
}

/// What a row says of its receipt, as far as documents are named by it, and its converter's version.
pub(crate) fn receipt_of(rows: &RecordBatch, row: usize) -> Option<(Receipt, i32)> {
    let text = |name: &str| {
        let column = rows.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(row).then(|| column.value(row))
    };
    let number = |name: &str| Some(rows.column_by_name(name)?.as_primitive_opt::<Int64Type>()?.value(row));
    let receipt = Receipt {
        message_id: MessageId::parse(text("message_id")?)?,
        feed: text("feed")?.into(),
        received_at: 0,
        sequence: number("sequence")?,
        raw_key: Path::parse(text("raw_key")?).ok()?,
        raw_offset: number("raw_offset")?.cast_unsigned(),
        raw_length: number("raw_length")?.cast_unsigned(),
        sha256: text("sha256")?.into(),
        origin: String::new(),
        strict: false,
        charset: None,
        filtered_by: None,
        answer: None,
    };
    let version = rows.column_by_name("converter_version")?.as_primitive_opt::<Int32Type>()?.value(row);
    Some((receipt, version))
}
