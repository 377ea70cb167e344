//! The rows of a file that a replay leaves as they are, in a file of their own, with their documents.

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, BooleanArray, RecordBatch};
use futures::TryStreamExt;
use object_store::path::Path;
use storage::Lake;

use crate::delta::{DataFile, ListedFile, Table};
use crate::documents::{self, Document, Documents, read_list, write_list};
use crate::{Error, MessageId, Receipt, Result, parquet_reader};

/// Rows read and written at once: those of one file as a rule.
const ROWS: usize = 8_192;

/// Writes the rows of a file that `stays` accepts once more; nothing is visible yet.
pub(super) async fn copy(
    lake: &Lake,
    table: &Table,
    file: &ListedFile,
    stays: impl Fn(MessageId) -> bool,
) -> Result<Vec<DataFile>> {
    let mut lines = Lines::open(lake, file).await?;
    let mut batches = parquet_reader::open(lake, &file.key).await?.with_batch_size(ROWS).build()?;
    let mut copies = Vec::new();
    while let Some(rows) = batches.try_next().await? {
        let damaged = || Error::DamagedDocuments { key: file.key.to_string() };
        let kept: BooleanArray = {
            let ids = rows.column_by_name("message_id").and_then(|column| column.as_string_opt::<i32>());
            let ids = ids.ok_or_else(damaged)?.iter();
            ids.map(|id| Some(id.and_then(MessageId::parse).is_some_and(&stays))).collect()
        };
        let mut kept_lines = Vec::new();
        for (row, stays) in kept.values().iter().enumerate() {
            let line = lines.next().await?.ok_or_else(damaged)?;
            if stays {
                let (receipt, version) = receipt_of(&rows, row).ok_or_else(damaged)?;
                kept_lines.push((receipt, version, line));
            }
        }
        let (written, keys) = documents_of(kept_lines)?;
        let rows = arrow::compute::filter_record_batch(&rows, &kept)?;
        if rows.num_rows() == 0 {
            continue;
        }
        for Document { key, text } in written {
            lake.put_new(&key, text).await?;
        }
        let (mut copy, bytes) = DataFile::of(rows)?;
        lake.put_new(&table.key_of(&copy.path), bytes).await?;
        let list = write_list(lake, copy.name(), &keys).await?;
        copy.tags.insert("carelake.documents".into(), list.to_string().into());
        copies.push(copy);
    }
    Ok(copies)
}

/// The documents of some lines, and their keys.
fn documents_of(lines: Vec<(Receipt, i32, Vec<u8>)>) -> Result<(Vec<Document>, Vec<Path>)> {
    let mut written = Vec::new();
    let mut put = |document: Document| written.push(document);
    let mut documents = Documents::new(&mut put);
    for (receipt, version, line) in lines {
        documents.add_as(&receipt, &line, version);
    }
    let keys = documents.finish()?;
    Ok((written, keys))
}

/// The lines of the documents of a file, which are in the order of its rows.
struct Lines {
    lake: Lake,
    documents: std::vec::IntoIter<Path>,
    lines: std::vec::IntoIter<Vec<u8>>,
}

impl Lines {
    async fn open(lake: &Lake, file: &ListedFile) -> Result<Self> {
        let documents = match &file.documents {
            Some(list) => read_list(lake, list).await?,
            None => Vec::new(),
        };
        Ok(Self { lake: lake.clone(), documents: documents.into_iter(), lines: Vec::new().into_iter() })
    }

    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            if let Some(line) = self.lines.next() {
                return Ok(Some(line));
            }
            let Some(document) = self.documents.next() else { return Ok(None) };
            let text = documents::read(&self.lake, &document).await?;
            let mut lines: Vec<Vec<u8>> = text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
            // Behind the last line end there is nothing.
            lines.pop();
            self.lines = lines.into_iter();
        }
    }
}

/// What a row says of its receipt, as far as documents are named by it, and its converter's version.
fn receipt_of(rows: &RecordBatch, row: usize) -> Option<(Receipt, i32)> {
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
    };
    let version = rows.column_by_name("converter_version")?.as_primitive_opt::<Int32Type>()?.value(row);
    Some((receipt, version))
}
