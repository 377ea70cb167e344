//! The nested columns of one segment, grown leaf by leaf as values come.

use arrow_schema::ArrowError;
use hl7::dictionary::{Datatype, Slot};

use crate::column::{Finished, ListOffsets, NumberColumn, TextColumn, finish_struct};

/// The column of a field, a component or a subcomponent.
#[derive(Debug)]
pub(crate) enum Column {
    Text(TextColumn),
    Composite(CompositeColumn),
    Varies(Box<VariesColumn>),
    List(Box<ListColumn>),
}

impl Column {
    /// The column of a field, which may repeat.
    fn of_field(slot: &Slot) -> Self {
        let single = Self::of(slot.datatype());
        if slot.repeats() {
            Self::List(Box::new(ListColumn { offsets: ListOffsets::default(), element: single }))
        } else {
            single
        }
    }

    /// The column of one value of a datatype.
    fn of(datatype: &'static Datatype) -> Self {
        if datatype.is_varies() {
            Self::Varies(Box::default())
        } else if datatype.is_primitive() {
            Self::Text(TextColumn::default())
        } else {
            Self::Composite(CompositeColumn::new(datatype))
        }
    }

    /// Whether no value has come to it. Parquet has no struct without members, so such a column is left out.
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(_) | Self::Varies(_) => false,
            Self::Composite(column) => column.is_empty(),
            Self::List(column) => column.element.is_empty(),
        }
    }

    fn finish(self, rows: usize) -> Result<Finished, ArrowError> {
        match self {
            Self::Text(column) => column.finish(rows),
            Self::Composite(column) => column.finish(rows),
            Self::Varies(column) => column.finish(rows),
            Self::List(column) => {
                let ListColumn { offsets, element } = *column;
                let (elements, _) = element.finish(offsets.elements())?;
                offsets.finish(rows, elements)
            }
        }
    }
}

/// A column whose rows are lists.
#[derive(Debug)]
pub(crate) struct ListColumn {
    pub(crate) offsets: ListOffsets,
    pub(crate) element: Column,
}

/// A struct column with a child for every component that has been seen.
#[derive(Debug)]
pub(crate) struct CompositeColumn {
    slots: &'static [Slot],
    children: Vec<Option<Column>>,
}

impl CompositeColumn {
    pub(crate) fn new(datatype: &'static Datatype) -> Self {
        Self { slots: datatype.components(), children: Vec::new() }
    }

    /// The column of a component.
    #[inline]
    pub(crate) fn component(&mut self, slot: &'static Slot, is_divided: bool) -> &mut Column {
        let child = child(&mut self.children, slot.number() - 1);
        child.get_or_insert_with(|| {
            if is_divided {
                Column::Composite(Self::new(slot.datatype()))
            } else {
                Column::Text(TextColumn::default())
            }
        })
    }

    fn is_empty(&self) -> bool {
        self.children.iter().flatten().all(Column::is_empty)
    }

    fn finish(self, rows: usize) -> Result<Finished, ArrowError> {
        finish_struct(finish_children(self.slots, self.children, rows)?, rows)
    }
}

/// A field of varying type: its text or first leaf, and a struct for each composite datatype seen.
#[derive(Debug, Default)]
pub(crate) struct VariesColumn {
    pub(crate) value: TextColumn,
    types: Vec<(&'static Datatype, CompositeColumn)>,
}

impl VariesColumn {
    pub(crate) fn composite(&mut self, datatype: &'static Datatype) -> &mut CompositeColumn {
        let found = self.types.iter().position(|(seen, _)| seen.index() == datatype.index());
        let at = found.unwrap_or_else(|| {
            self.types.push((datatype, CompositeColumn::new(datatype)));
            self.types.len() - 1
        });
        &mut self.types[at].1
    }

    fn finish(mut self, rows: usize) -> Result<Finished, ArrowError> {
        // The order of the dictionary, not that of arrival: equal content gives equal schemas.
        self.types.sort_by_key(|(datatype, _)| datatype.index());
        let mut columns = vec![("value", self.value.finish(rows)?)];
        for (datatype, column) in self.types.into_iter().filter(|(_, column)| !column.is_empty()) {
            columns.push((datatype.key(), column.finish(rows)?));
        }
        finish_struct(columns, rows)
    }
}

/// The struct column of a segment: where it stood, and a child for every field that has been seen.
#[derive(Debug)]
pub(crate) struct SegmentColumn {
    slots: &'static [Slot],
    segment_index: NumberColumn,
    parent_index: NumberColumn,
    patient_index: NumberColumn,
    children: Vec<Option<Column>>,
}

impl SegmentColumn {
    pub(crate) fn new(segment: &'static hl7::dictionary::Segment) -> Self {
        Self {
            slots: segment.fields(),
            segment_index: NumberColumn::default(),
            parent_index: NumberColumn::default(),
            patient_index: NumberColumn::default(),
            children: Vec::new(),
        }
    }

    /// Opens a row for a segment; the indexes count from 1 and are null where they are 0.
    pub(crate) fn open(&mut self, row: usize, segment_index: u32, parent_index: u32, patient_index: u32) {
        for (column, number) in [
            (&mut self.segment_index, segment_index),
            (&mut self.parent_index, parent_index),
            (&mut self.patient_index, patient_index),
        ] {
            if number != 0 {
                column.set(row, number);
            }
        }
    }

    #[inline]
    pub(crate) fn field(&mut self, slot: &'static Slot) -> &mut Column {
        child(&mut self.children, slot.number() - 1).get_or_insert_with(|| Column::of_field(slot))
    }

    /// The column of a field, if a value has come to it.
    pub(crate) fn seen_field(&mut self, slot: &'static Slot) -> Option<&mut Column> {
        self.children.get_mut(slot.number() - 1)?.as_mut()
    }

    pub(crate) fn finish(self, rows: usize) -> Result<Finished, ArrowError> {
        let mut columns = vec![
            ("segment_index", self.segment_index.finish(rows)),
            ("parent_index", self.parent_index.finish(rows)),
            ("patient_index", self.patient_index.finish(rows)),
        ];
        columns.extend(finish_children(self.slots, self.children, rows)?);
        finish_struct(columns, rows)
    }
}

#[inline]
fn child(children: &mut Vec<Option<Column>>, index: usize) -> &mut Option<Column> {
    if children.len() <= index {
        children.resize_with(index + 1, || None);
    }
    &mut children[index]
}

fn finish_children(
    slots: &'static [Slot],
    children: Vec<Option<Column>>,
    rows: usize,
) -> Result<Vec<(&'static str, Finished)>, ArrowError> {
    let mut columns = Vec::new();
    for (slot, column) in slots.iter().zip(children) {
        if let Some(column) = column.filter(|column| !column.is_empty()) {
            columns.push((slot.name(), column.finish(rows)?));
        }
    }
    Ok(columns)
}
