//! The sink that puts the values of one segment into columns.

use hl7::{Address, Form, Message, Sink, Slot, Value, Warning, WarningCode};

use crate::shape::{Column, CompositeColumn, SegmentColumn};
use crate::unmapped::UnmappedColumn;

/// Buffers and columns that all segments of a message share.
pub(crate) struct Shared<'b> {
    pub(crate) message_row: usize,
    pub(crate) unmapped: &'b mut UnmappedColumn,
    pub(crate) warnings: &'b mut Vec<Warning>,
    pub(crate) scratch: &'b mut String,
}

/// One segment on its way into its column; `column` is `None` for a segment the dictionary does not have.
pub(crate) struct SegmentRow<'m, 'b> {
    pub(crate) message: &'m Message<'m>,
    pub(crate) column: Option<&'b mut SegmentColumn>,
    pub(crate) row: usize,
    pub(crate) segment: [u8; 3],
    pub(crate) segment_index: u32,
    pub(crate) shared: Shared<'b>,
}

impl Sink for SegmentRow<'_, '_> {
    #[inline]
    fn value(&mut self, at: &Address, value: Value<'_>) {
        let Some(slot) = at.field_slot else { return };
        let kept = if value.form == Form::Plain {
            let from = self.message.bytes().get(value.offset..).unwrap_or(value.raw);
            self.keep(slot, at, from, value.raw.len())
        } else {
            let mut scratch = std::mem::take(self.shared.scratch);
            let text = self.message.text(value, &mut scratch);
            if let Some(code) = text.oddity {
                self.warn(code, at, value.offset);
            }
            let kept = self.keep(slot, at, text.text.as_bytes(), text.text.len());
            *self.shared.scratch = scratch;
            kept
        };
        if !kept {
            // Two components of an older shape that moved to one place: the later one is kept here.
            self.unmapped(at, value);
        }
    }

    fn unmapped(&mut self, at: &Address, value: Value<'_>) {
        let text = self.message.text(value, self.shared.scratch);
        let oddity = text.oddity;
        let (row, segment, index) = (self.shared.message_row, &self.segment, self.segment_index);
        self.shared.unmapped.push(row, segment, index, at, text.text);
        if let Some(code) = oddity {
            self.warn(code, at, value.offset);
        }
    }

    fn trailing_repetitions(&mut self, field: &'static Slot, count: u32) {
        // They keep their place behind a value. Without one there is nothing to be in place of: the field is null,
        // whether or not another message of the batch brings its column.
        let column = self.column.as_deref_mut().and_then(|segment| segment.seen_field(field));
        if let Some(Column::List(list)) = column
            && list.offsets.is_open(self.row)
        {
            list.offsets.element(self.row, count as usize - 1);
        }
    }

    fn warn(&mut self, code: WarningCode, at: &Address, offset: usize) {
        self.shared.warnings.push(Warning { code, place: at.place(self.segment_index), offset });
    }
}

impl SegmentRow<'_, '_> {
    /// Puts text, the first `length` bytes of `from`, where it belongs and tells whether the place was free.
    #[inline]
    fn keep(&mut self, slot: &'static Slot, at: &Address, from: &[u8], length: usize) -> bool {
        let Some(segment) = self.column.as_deref_mut() else { return false };
        let (column, row) = match segment.field(slot) {
            Column::List(list) => {
                let element = list.offsets.element(self.row, at.repetition as usize - 1);
                (&mut list.element, element)
            }
            single => (single, self.row),
        };
        match column {
            Column::Text(column) => {
                let is_free = !column.is_past(row);
                if is_free {
                    column.set_from(row, from, length);
                }
                is_free
            }
            Column::Composite(column) => keep_component(column, row, at, from, length),
            Column::Varies(column) => {
                let is_first = at.component_slot.is_none() || (at.component, at.subcomponent) == (1, 1);
                if is_first && !column.value.is_past(row) {
                    column.value.set_from(row, from, length);
                }
                match at.value_type {
                    Some(datatype) => keep_component(column.composite(datatype), row, at, from, length),
                    None => is_first,
                }
            }
            // A list is never the element of a list.
            Column::List(_) => false,
        }
    }
}

#[inline]
fn keep_component(
    column: &mut CompositeColumn,
    row: usize,
    at: &Address,
    from: &[u8],
    length: usize,
) -> bool {
    let Some(component) = at.component_slot else { return false };
    match (column.component(component, at.subcomponent_slot.is_some()), at.subcomponent_slot) {
        (Column::Text(column), None) => {
            let is_free = !column.is_past(row);
            if is_free {
                column.set_from(row, from, length);
            }
            is_free
        }
        (Column::Composite(column), Some(subcomponent)) => match column.component(subcomponent, false) {
            Column::Text(column) if !column.is_past(row) => {
                column.set_from(row, from, length);
                true
            }
            _ => false,
        },
        _ => false,
    }
}
