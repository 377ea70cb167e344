//! The column of values that have no column: where each stood, and its text.

use arrow_schema::{ArrowError, DataType, Field};
use hl7::Address;

use crate::column::{Finished, ListOffsets, NumberColumn, TextColumn, finish_struct, list_of};

/// `unmapped`: a list of `{segment, segment_index, field, repetition, component, subcomponent, value}`.
#[derive(Debug, Default)]
pub(crate) struct UnmappedColumn {
    offsets: ListOffsets,
    segment: TextColumn,
    segment_index: NumberColumn,
    field: NumberColumn,
    repetition: NumberColumn,
    component: NumberColumn,
    subcomponent: NumberColumn,
    value: TextColumn,
}

impl UnmappedColumn {
    pub(crate) fn push(
        &mut self,
        row: usize,
        segment: &[u8; 3],
        segment_index: u32,
        at: &Address,
        text: &str,
    ) {
        let element = self.offsets.next_element(row);
        self.segment.set(element, segment);
        self.segment_index.set(element, segment_index);
        self.field.set(element, at.field);
        self.repetition.set(element, at.repetition);
        self.component.set(element, at.component);
        self.subcomponent.set(element, at.subcomponent);
        self.value.set(element, text.as_bytes());
    }

    pub(crate) fn finish(self, rows: usize) -> Result<Finished, ArrowError> {
        let elements = self.offsets.elements();
        let columns = vec![
            ("segment", self.segment.finish(elements)?),
            ("segment_index", self.segment_index.finish(elements)),
            ("field", self.field.finish(elements)),
            ("repetition", self.repetition.finish(elements)),
            ("component", self.component.finish(elements)),
            ("subcomponent", self.subcomponent.finish(elements)),
            ("value", self.value.finish(elements)?),
        ];
        let (elements, _) = finish_struct(columns, elements)?;
        self.offsets.finish(rows, elements)
    }
}

/// The type of the column.
pub(crate) fn data_type() -> DataType {
    let text = |name| Field::new(name, DataType::Utf8, true);
    let number = |name| Field::new(name, DataType::Int32, true);
    let fields = vec![
        text("segment"),
        number("segment_index"),
        number("field"),
        number("repetition"),
        number("component"),
        number("subcomponent"),
        text("value"),
    ];
    list_of(DataType::Struct(fields.into()))
}
