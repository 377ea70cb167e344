//! Every row of staging against its raw bytes, every data file against the log.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, Int64Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use storage::raw;

use super::compare::{Compared, Difference, compare};
use super::documents;
use super::plain::Place;
use super::remade::Remade;
use super::row::Columns;
use super::{Check, Kind, key_of, number_of};
use crate::delta::ListedFile;
use crate::{Error, MessageId, Receipt, Result, parquet_reader, workers};

/// Rows read at once.
const ROWS: usize = 1_024;
/// Bytes of raw read at once for rows that lie close together.
const SPAN: u64 = 4 << 20;

/// What is kept of a row: its id, and a number for all that it says of its receipt.
pub(super) type Cited = (MessageId, u64);

/// Checks every file and row; gives what the rows cite, sorted by id.
pub(super) async fn check(check: &Arc<Check>, files: &[ListedFile]) -> Result<Vec<Cited>> {
    let mut rows: Vec<Cited> = Vec::new();
    let mut checked = stream::iter(files.to_vec())
        .map(|file| tokio::spawn(check_file(check.clone(), file)))
        .buffer_unordered(workers::count());
    while let Some(cited) = checked.next().await {
        rows.extend(cited??);
    }
    rows.sort_unstable();
    for pair in rows.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        check.problem(Kind::RowTwice, format!("message {} has two rows in staging", pair[0].0));
    }
    Ok(rows)
}

async fn check_file(check: Arc<Check>, file: ListedFile) -> Result<Vec<Cited>> {
    let mut checked = Checked::default();
    if !is_as_listed(&check, &file).await? {
        return Ok(checked.cited);
    }
    let read = async {
        let mut batches =
            parquet_reader::open(&check.lake, &file.key).await?.with_batch_size(ROWS).build()?;
        let mut raw = raw::Forward::new(&check.lake);
        while let Some(rows) = batches.try_next().await? {
            let more = check_rows(&check, &file.key, rows, &mut raw).await?;
            checked.cited.extend(more.cited);
            checked.lines.extend(more.lines);
        }
        Ok::<_, Error>(())
    };
    match read.await {
        Ok(()) => {}
        Err(error @ (Error::Parquet(_) | Error::DataFile { .. })) => {
            check.problem(Kind::FileDamaged, format!("{} cannot be read: {error}", file.key));
            return Ok(checked.cited);
        }
        Err(error) => return Err(error),
    }
    let Checked { cited, lines } = checked;
    if file.rows != Some(lines.len() as u64) {
        let text = format!("{} has {} rows, and the log says otherwise", file.key, lines.len());
        check.problem(Kind::FileDamaged, text);
    }
    documents::check(&check, &file, lines).await?;
    Ok(cited)
}

/// What is kept of the rows of one file.
#[derive(Default)]
struct Checked {
    cited: Vec<Cited>,
    /// For each row the number of its line in the documents, where the converter that made it is this one.
    lines: Vec<Option<u64>>,
}

/// Whether a file is there with the size that the log says.
pub(super) async fn is_as_listed(check: &Check, file: &ListedFile) -> Result<bool> {
    use object_store::{ObjectStore, ObjectStoreExt};
    let store: Arc<dyn ObjectStore> = check.lake.store();
    match store.head(&file.key).await {
        Ok(meta) if meta.size == file.size => Ok(true),
        Ok(meta) => {
            let text = format!("{} has {} bytes, and the log says {}", file.key, meta.size, file.size);
            check.problem(Kind::FileDamaged, text);
            Ok(false)
        }
        Err(object_store::Error::NotFound { .. }) => {
            check.problem(Kind::FileMissing, format!("{} is not there, and the log names it", file.key));
            Ok(false)
        }
        Err(error) => {
            check.problem(Kind::FileDamaged, format!("{} cannot be looked at: {error}", file.key));
            Ok(false)
        }
    }
}

/// Compares a batch of rows with their messages; gives what they cite.
async fn check_rows(
    check: &Arc<Check>,
    file: &Path,
    rows: RecordBatch,
    raw: &mut raw::Forward,
) -> Result<Checked> {
    let Some(envelope) = Envelope::of(&rows) else {
        check.problem(
            Kind::FileDamaged,
            format!("{file} lacks columns of the envelope, or they are of other types"),
        );
        return Ok(Checked::default());
    };
    let mut messages = Vec::with_capacity(rows.num_rows());
    let mut row = 0;
    while row < rows.num_rows() {
        let (end, range) = envelope.span(row);
        let key = key_of(envelope.raw_key.value(row));
        match raw.read(&key, range.clone()).await {
            Ok(bytes) => messages.extend((row..end).map(|row| envelope.slice(row, range.start, &bytes))),
            Err(error) => {
                let text = format!("the bytes of {} rows of {file} cannot be read: {error}", end - row);
                check.problem(Kind::RawMissing, text);
                messages.extend((row..end).map(|_| None));
            }
        }
        row = end;
    }
    let (check, file) = (check.clone(), file.clone());
    workers::work(move || compare_rows(&check, &file, &rows, &messages)).await
}

fn compare_rows(check: &Check, file: &Path, rows: &RecordBatch, messages: &[Option<Bytes>]) -> Checked {
    let Some(envelope) = Envelope::of(rows) else { return Checked::default() };
    let columns = match Columns::of(rows) {
        Ok(columns) => Some(columns),
        Err(name) => {
            check.problem(
                Kind::FileDamaged,
                format!("{file} has a column {name} that stands for no place in a message"),
            );
            None
        }
    };
    let mut cited = Vec::with_capacity(rows.num_rows());
    let (mut counts, mut compared) = (Compared::default(), 0);
    let remade = Remade::of(rows, messages);
    for (row, message) in messages.iter().enumerate() {
        let Some(id) = envelope.message_id.is_valid(row).then(|| envelope.message_id.value(row)) else {
            check.problem(Kind::RowDiffers, format!("row {} of {file} has no message id", row + 1));
            continue;
        };
        let Some(id) = MessageId::parse(id) else {
            check.problem(
                Kind::RowDiffers,
                format!("row {} of {file} has a message id that is none", row + 1),
            );
            continue;
        };
        cited.push((id, envelope.citation(row)));
        let (Some(columns), Some(bytes)) = (&columns, message) else { continue };
        compared += 1;
        let ids = envelope.segment_ids(row);
        let ids = ids.iter().map(|id| id.unwrap_or_default());
        let charset = envelope.charset.value(row);
        let difference = compare(columns, row, bytes, charset, &ids, &mut counts, |at, text| {
            envelope.agrees(row, at, text)
        });
        if let Some(difference) = difference {
            check.problem(Kind::RowDiffers, format!("message {id} in {file}: {}", described(difference)));
        } else if let Some(what) = remade.as_ref().and_then(|remade| remade.difference(rows, columns, row)) {
            let text = format!("message {id} in {file}: {what} is not what its bytes give");
            check.problem(Kind::RowDiffers, text);
        }
    }
    let mut found = check.found();
    found.summary.rows += compared;
    found.summary.values += counts.equal;
    found.summary.values_moved += counts.moved;
    found.summary.values_unread += counts.unread;
    found.summary.rows_unread += counts.unread_rows;
    drop(found);
    let lines = remade.map_or_else(|| vec![None; rows.num_rows()], |remade| remade.lines);
    Checked { cited, lines }
}

fn described(difference: Difference) -> String {
    let place = |Place { segment, field, repetition, component, subcomponent }| {
        format!(
            "segment {segment}, field {field}, repetition {repetition}, component {component}, subcomponent {subcomponent}"
        )
    };
    match difference {
        Difference::Segments => "its row has other segments than its bytes".into(),
        Difference::Missing(at) => format!("the row lacks a value that the bytes have at {}", place(at)),
        Difference::Extra(at) => format!("the row has a value that the bytes do not have at {}", place(at)),
        Difference::Envelope(at) => {
            format!("the envelope says otherwise than the bytes at {}", place(at))
        }
    }
}

/// The columns of the envelope that say where a row came from and how it is read.
struct Envelope<'r> {
    message_id: &'r StringArray,
    feed: &'r StringArray,
    received_at: &'r TimestampMicrosecondArray,
    sequence: &'r Int64Array,
    raw_key: &'r StringArray,
    raw_offset: &'r Int64Array,
    raw_length: &'r Int64Array,
    sha256: &'r StringArray,
    charset: &'r StringArray,
    segment_ids: &'r ListArray,
    /// Those that repeat a value of MSH, with its field and component.
    header: Vec<(u32, u32, &'r StringArray)>,
}

/// The columns that repeat a value of MSH.
const HEADER: [(&str, u32, u32); 7] = [
    ("sending_application", 3, 1),
    ("sending_facility", 4, 1),
    ("message_time", 7, 1),
    ("message_type", 9, 1),
    ("trigger_event", 9, 2),
    ("control_id", 10, 1),
    ("hl7_version", 12, 1),
];

impl<'r> Envelope<'r> {
    fn of(rows: &'r RecordBatch) -> Option<Self> {
        let text = |name: &str| rows.column_by_name(name)?.as_string_opt::<i32>();
        let number = |name: &str| rows.column_by_name(name)?.as_primitive_opt::<Int64Type>();
        let header = HEADER.iter().map(|(name, field, component)| Some((*field, *component, text(name)?)));
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
            charset: text("charset")?,
            segment_ids: rows.column_by_name("segment_ids")?.as_list_opt()?,
            header: header.collect::<Option<_>>()?,
        })
    }

    fn range(&self, row: usize) -> std::ops::Range<u64> {
        let offset = self.raw_offset.value(row).cast_unsigned();
        offset..offset.saturating_add(self.raw_length.value(row).cast_unsigned())
    }

    /// The rows from `row` on that lie close together in one raw object, and the bytes to read for them.
    fn span(&self, row: usize) -> (usize, std::ops::Range<u64>) {
        let mut span = self.range(row);
        let mut end = row + 1;
        while end < self.raw_key.len() && self.raw_key.value(end) == self.raw_key.value(row) {
            let next = self.range(end);
            if next.start < span.end || next.start > span.end + (64 << 10) || next.end - span.start > SPAN {
                break;
            }
            span.end = next.end;
            end += 1;
        }
        (end, span)
    }

    fn slice(&self, row: usize, start: u64, bytes: &Bytes) -> Option<Bytes> {
        let range = self.range(row);
        let (from, to) = ((range.start - start) as usize, (range.end - start) as usize);
        (from <= to && to <= bytes.len()).then(|| bytes.slice(from..to))
    }

    fn citation(&self, row: usize) -> u64 {
        number_of((
            self.feed.value(row),
            self.received_at.value(row),
            self.sequence.value(row),
            self.raw_key.value(row),
            self.raw_offset.value(row),
            self.raw_length.value(row),
            self.sha256.value(row),
        ))
    }

    fn segment_ids(&self, row: usize) -> StringArray {
        let ids = self.segment_ids.value(row);
        ids.as_string_opt::<i32>().cloned().unwrap_or_else(|| StringArray::new_null(0))
    }

    /// Whether the column that repeats a value of the first segment, if there is one, says the same.
    fn agrees(&self, row: usize, at: Place, text: &str) -> bool {
        let is_first = (at.segment, at.repetition, at.subcomponent) == (1, 1, 1);
        let column =
            self.header.iter().find(|(field, component, _)| (*field, *component) == (at.field, at.component));
        let Some((_, _, column)) = column.filter(|_| is_first) else { return true };
        let kept = if column.is_valid(row) { column.value(row) } else { "" };
        kept == text.trim_matches(|character: char| character.is_ascii_whitespace())
    }
}

/// The same number that a row which cites this receipt has.
pub(super) fn citation(receipt: &Receipt) -> u64 {
    number_of((
        receipt.feed.as_str(),
        receipt.received_at,
        receipt.sequence,
        receipt.raw_key.as_ref(),
        receipt.raw_offset.cast_signed(),
        receipt.raw_length.cast_signed(),
        receipt.sha256.as_str(),
    ))
}
