//! The types of positions that no message has used: those they would have with every part of them in use.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Fields};
use tables::names::{Datatype, SEGMENT_INDEXES, Segment, Slot};

/// Parts of a field, and parts of those; below them everything is text.
const DEPTH: usize = 2;

/// One occurrence of a segment.
pub(super) fn segment(segment: &Segment) -> DataType {
    let indexes = SEGMENT_INDEXES.iter().map(|name| Field::new(*name, DataType::Int32, true));
    let fields = segment.fields().iter().map(|slot| Field::new(slot.name(), field(slot), true));
    DataType::Struct(indexes.chain(fields).collect())
}

/// A field, with all its repetitions.
pub(super) fn field(slot: &Slot) -> DataType {
    let one = repetition(slot);
    if slot.repeats() { list(one) } else { one }
}

/// One repetition of a field.
pub(super) fn repetition(slot: &Slot) -> DataType {
    value(slot.datatype(), DEPTH)
}

/// A struct of the components of a datatype.
pub(super) fn composite(datatype: &Datatype) -> DataType {
    value(datatype, DEPTH)
}

/// A component, with its subcomponents.
pub(super) fn component(slot: &Slot) -> DataType {
    value(slot.datatype(), DEPTH - 1)
}

pub(super) fn list(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", element, true)))
}

fn value(datatype: &Datatype, depth: usize) -> DataType {
    if datatype.is_varies() {
        // Which composites come is not known before; the text always does.
        return DataType::Struct(Fields::from(vec![Field::new("value", DataType::Utf8, true)]));
    }
    if datatype.is_primitive() || depth == 0 || datatype.components().is_empty() {
        return DataType::Utf8;
    }
    let components = datatype.components().iter();
    let components = components.map(|slot| Field::new(slot.name(), value(slot.datatype(), depth - 1), true));
    DataType::Struct(components.collect())
}
