//! The staging table: one row a message, first the envelope, then a column for every segment seen.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema, TimeUnit};
use hl7::{Limits, Message, Outline, Place, Warning};

use crate::CONVERTER_VERSION;
use crate::column::{ListOffsets, TextColumn, TextListColumn, finish_struct};
use crate::place::Places;
use crate::row::{SegmentRow, Shared};
use crate::shape::SegmentColumn;
use crate::unmapped::UnmappedColumn;

/// What the lake knows of a message beside its bytes.
#[derive(Clone, Copy)]
pub struct Envelope<'a> {
    /// Derived from the feed and the exact bytes; the key of the table.
    pub message_id: &'a str,
    /// The sender's stream.
    pub feed: &'a str,
    /// When the door received it, in microseconds since 1970-01-01 UTC.
    pub received_at: i64,
    /// Its number among the messages of its raw object, from 1.
    pub sequence: i64,
    /// The raw object that holds the bytes.
    pub raw_key: &'a str,
    /// Where in the raw object they begin, in bytes.
    pub raw_offset: i64,
    /// How many bytes they are.
    pub raw_length: i64,
    /// SHA-256 of the bytes, 64 hexadecimal digits.
    pub sha256: &'a str,
}

impl std::fmt::Debug for Envelope<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Envelope").field("message_id", &self.message_id).finish_non_exhaustive()
    }
}

/// Collects messages and turns them into one record batch with the columns they need and no others.
#[derive(Debug, Default)]
pub struct StagingBuilder {
    rows: usize,
    bytes: usize,
    envelope: EnvelopeColumns,
    warnings: WarningsColumn,
    unmapped: UnmappedColumn,
    segments: Vec<Option<Segments>>,
    outline: Outline,
    oddities: Vec<Warning>,
    scratch: String,
}

/// The columns of one segment: as the standard has it, and what comes beyond that.
#[derive(Debug)]
struct Segments {
    definition: &'static hl7::dictionary::Segment,
    /// For a segment that is single by nature: the first of each message, a row of the table each.
    single: Option<SegmentColumn>,
    /// For others: all of them; for single ones: those after the first.
    list: Option<(ListOffsets, SegmentColumn)>,
    /// The last row of the table that has a `single`, plus one.
    filled: usize,
}

impl StagingBuilder {
    /// An empty builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Messages appended since the last [`finish`](Self::finish).
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether nothing has been appended since the last [`finish`](Self::finish).
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Bytes of the messages appended since the last [`finish`](Self::finish). A column of text holds at
    /// most 2 GiB, so a batch must be finished before this could exceed it.
    pub fn message_bytes(&self) -> usize {
        self.bytes
    }

    /// Appends a message as the next row.
    pub fn append(&mut self, envelope: &Envelope<'_>, message: &Message<'_>) {
        let row = self.rows;
        self.rows += 1;
        self.bytes += message.bytes().len();
        self.envelope.append(row, envelope, message, &mut self.scratch);
        self.outline.trace(message, Limits::default().nesting);
        self.oddities.clear();
        for (segment, outlined) in message.segments().zip(self.outline.segments()) {
            let segment_index = segment.index() as u32;
            let (column, segment_row) = match segment.definition() {
                Some(definition) => {
                    let (column, at) = open(&mut self.segments, definition, row);
                    column.open(at, segment_index, outlined.parent_index, outlined.patient_index);
                    (Some(column), at)
                }
                None => (None, 0),
            };
            let mut sink = SegmentRow {
                message,
                column,
                row: segment_row,
                segment: segment.id(),
                segment_index,
                shared: Shared {
                    message_row: row,
                    unmapped: &mut self.unmapped,
                    warnings: &mut self.oddities,
                    scratch: &mut self.scratch,
                },
            };
            message.walk(segment.index(), &mut sink);
        }
        let warnings = message.warnings().iter().chain(self.outline.warnings()).chain(&self.oddities);
        self.warnings.append(row, message, warnings);
    }

    /// The rows appended so far as a record batch; the builder is empty afterwards.
    ///
    /// # Errors
    /// When a column would exceed what Arrow can hold (2 GiB of text).
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let Self { rows, envelope, warnings, unmapped, segments, .. } = std::mem::take(self);
        let mut columns = envelope.finish(rows)?;
        columns.push(("warnings".to_owned(), warnings.finish(rows)?));
        let segment_ids =
            columns.iter().position(|(name, _)| name == "segment_ids").map(|at| columns.remove(at));
        columns.extend(segment_ids);
        columns.push(("unmapped".to_owned(), unmapped.finish(rows)?.0));
        for segment in segments.into_iter().flatten() {
            let key = segment.definition.key();
            let list_name =
                if segment.definition.is_single() { format!("{key}_more") } else { key.to_owned() };
            if let Some(column) = segment.single {
                columns.push((key.to_owned(), column.finish(rows)?.0));
            }
            if let Some((offsets, column)) = segment.list {
                let (elements, _) = column.finish(offsets.elements())?;
                columns.push((list_name, offsets.finish(rows, elements)?.0));
            }
        }
        let (fields, arrays): (Vec<FieldRef>, Vec<ArrayRef>) = columns
            .into_iter()
            .map(|(name, array)| (Arc::new(Field::new(name, array.data_type().clone(), true)), array))
            .unzip();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }
}

/// The column and row that the next segment of a kind goes to.
fn open<'s>(
    segments: &'s mut Vec<Option<Segments>>,
    definition: &'static hl7::dictionary::Segment,
    row: usize,
) -> (&'s mut SegmentColumn, usize) {
    let index = definition.index();
    if segments.len() <= index {
        segments.resize_with(index + 1, || None);
    }
    let kept = segments[index].get_or_insert(Segments { definition, single: None, list: None, filled: 0 });
    if definition.is_single() && kept.filled <= row {
        kept.filled = row + 1;
        return (kept.single.get_or_insert_with(|| SegmentColumn::new(definition)), row);
    }
    let (offsets, column) =
        kept.list.get_or_insert_with(|| (ListOffsets::default(), SegmentColumn::new(definition)));
    let element = offsets.next_element(row);
    (column, element)
}

/// The columns that say what a message is and where it came from.
#[derive(Debug, Default)]
struct EnvelopeColumns {
    message_id: TextColumn,
    feed: TextColumn,
    received_at: Vec<i64>,
    sequence: Vec<i64>,
    raw_key: TextColumn,
    raw_offset: Vec<i64>,
    raw_length: Vec<i64>,
    sha256: TextColumn,
    message_type: TextColumn,
    trigger_event: TextColumn,
    structure: TextColumn,
    hl7_version: TextColumn,
    control_id: TextColumn,
    message_time: TextColumn,
    sending_application: TextColumn,
    sending_facility: TextColumn,
    charset: TextColumn,
    segment_ids: TextListColumn,
}

impl EnvelopeColumns {
    fn append(&mut self, row: usize, envelope: &Envelope<'_>, message: &Message<'_>, scratch: &mut String) {
        self.message_id.set(row, envelope.message_id.as_bytes());
        self.feed.set(row, envelope.feed.as_bytes());
        self.received_at.push(envelope.received_at);
        self.sequence.push(envelope.sequence);
        self.raw_key.set(row, envelope.raw_key.as_bytes());
        self.raw_offset.push(envelope.raw_offset);
        self.raw_length.push(envelope.raw_length);
        self.sha256.set(row, envelope.sha256.as_bytes());
        let header = message.header();
        for (column, raw) in [
            (&mut self.message_type, header.message_code),
            (&mut self.trigger_event, header.trigger_event),
            (&mut self.hl7_version, header.version),
            (&mut self.control_id, header.control_id),
            (&mut self.message_time, header.time),
            (&mut self.sending_application, header.sending_application),
            (&mut self.sending_facility, header.sending_facility),
        ] {
            if !raw.is_empty() {
                column.set(row, message.raw_text(raw, scratch).as_bytes());
            }
        }
        let structure = message.structure_name();
        if !structure.is_empty() {
            self.structure.set(row, structure.as_bytes());
        }
        self.charset.set(row, message.charset().name().as_bytes());
        for segment in message.segments() {
            self.segment_ids.push(row, &segment.id());
        }
    }

    fn finish(self, rows: usize) -> Result<Vec<(String, ArrayRef)>, ArrowError> {
        let numbers = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
        let received_at = TimestampMicrosecondArray::from(self.received_at).with_timezone("UTC");
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("message_id", self.message_id.finish(rows)?.0),
            ("feed", self.feed.finish(rows)?.0),
            ("received_at", Arc::new(received_at)),
            ("sequence", numbers(self.sequence)),
            ("raw_key", self.raw_key.finish(rows)?.0),
            ("raw_offset", numbers(self.raw_offset)),
            ("raw_length", numbers(self.raw_length)),
            ("sha256", self.sha256.finish(rows)?.0),
            ("converter_version", Arc::new(Int32Array::from(vec![CONVERTER_VERSION; rows]))),
            ("message_type", self.message_type.finish(rows)?.0),
            ("trigger_event", self.trigger_event.finish(rows)?.0),
            ("structure", self.structure.finish(rows)?.0),
            ("hl7_version", self.hl7_version.finish(rows)?.0),
            ("control_id", self.control_id.finish(rows)?.0),
            ("message_time", self.message_time.finish(rows)?.0),
            ("sending_application", self.sending_application.finish(rows)?.0),
            ("sending_facility", self.sending_facility.finish(rows)?.0),
            ("charset", self.charset.finish(rows)?.0),
            ("segment_ids", self.segment_ids.finish(rows)?.0),
        ];
        Ok(columns.into_iter().map(|(name, array)| (name.to_owned(), array)).collect())
    }
}

/// The type of every envelope column, in order, as [`StagingBuilder::finish`] makes them.
pub(crate) fn envelope_fields() -> Vec<Field> {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let number = |name: &str| Field::new(name, DataType::Int64, true);
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let warning = DataType::Struct(vec![text("code"), text("path")].into());
    vec![
        text("message_id"),
        text("feed"),
        Field::new("received_at", utc, true),
        number("sequence"),
        text("raw_key"),
        number("raw_offset"),
        number("raw_length"),
        text("sha256"),
        Field::new("converter_version", DataType::Int32, true),
        text("message_type"),
        text("trigger_event"),
        text("structure"),
        text("hl7_version"),
        text("control_id"),
        text("message_time"),
        text("sending_application"),
        text("sending_facility"),
        text("charset"),
        Field::new("warnings", crate::column::list_of(warning), true),
        Field::new("segment_ids", crate::column::list_of(DataType::Utf8), true),
    ]
}

/// `warnings`: a list of `{code, path}`.
#[derive(Debug, Default)]
struct WarningsColumn {
    offsets: ListOffsets,
    code: TextColumn,
    path: TextColumn,
}

impl WarningsColumn {
    fn append<'w>(&mut self, row: usize, message: &Message<'_>, warnings: impl Iterator<Item = &'w Warning>) {
        let mut places = Places::default();
        for warning in warnings {
            let element = self.offsets.next_element(row);
            self.code.set(element, warning.code.as_str().as_bytes());
            if warning.place != Place::default() {
                self.path.set(element, places.describe(message, &warning.place).as_bytes());
            }
        }
    }

    fn finish(self, rows: usize) -> Result<ArrayRef, ArrowError> {
        let elements = self.offsets.elements();
        let columns = vec![("code", self.code.finish(elements)?), ("path", self.path.finish(elements)?)];
        let (elements, _) = finish_struct(columns, elements)?;
        Ok(self.offsets.finish(rows, elements)?.0)
    }
}
