//! The schema a new lake declares, and how schemas grow.

use std::sync::Arc;

use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use hl7::dictionary::{self, Segment, Slot};

use crate::column::list_of;
use crate::staging::envelope_fields;
use crate::unmapped;

/// The positions that a new lake has columns for before the first message has come: what the standard views
/// and the first queries of anyone use. A composite position brings all its components.
const CORE: &[(&str, &[usize])] = &[
    ("MSH", &[1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12]),
    ("EVN", &[1, 2, 6]),
    ("PID", &[1, 2, 3, 4, 5, 7, 8, 10, 11, 13, 18, 22, 29, 30]),
    ("PV1", &[1, 2, 3, 4, 7, 10, 18, 19, 36, 44, 45]),
    ("MRG", &[1]),
    ("ORC", &[1, 2, 3, 5]),
    ("OBR", &[1, 2, 3, 4, 7, 14, 22, 25]),
    ("OBX", &[1, 2, 3, 4, 5, 6, 7, 8, 11, 14]),
    ("NTE", &[1, 3]),
    ("AL1", &[1, 2, 3]),
    ("DG1", &[1, 3, 5, 6]),
];

/// The schema that `init` declares: the envelope, `unmapped`, and the core of the segments.
pub fn core_schema() -> SchemaRef {
    let mut fields: Vec<FieldRef> = envelope_fields().into_iter().map(Arc::new).collect();
    fields.push(Arc::new(Field::new("unmapped", unmapped::data_type(), true)));
    for (id, numbers) in CORE {
        if let Ok(id) = id.as_bytes().try_into()
            && let Some(segment) = dictionary::segment(id)
        {
            fields.push(Arc::new(segment_field(segment, numbers)));
        }
    }
    Arc::new(Schema::new(fields))
}

/// Both schemas in one: the fields of `known` in their order, then those only `seen` has, nested ones alike.
///
/// # Errors
/// When a field has two types that no message could give it.
pub fn merge_schemas(known: &Schema, seen: &Schema) -> Result<Schema, ArrowError> {
    Ok(Schema::new(merge_fields(known.fields(), seen.fields())?))
}

fn merge_fields(known: &Fields, seen: &Fields) -> Result<Fields, ArrowError> {
    let mut merged: Vec<FieldRef> = known.iter().cloned().collect();
    for field in seen {
        match merged.iter().position(|other| other.name() == field.name()) {
            Some(at) => {
                let data_type = merge_types(field.name(), merged[at].data_type(), field.data_type())?;
                if data_type != *merged[at].data_type() {
                    merged[at] = Arc::new(Field::new(field.name(), data_type, true));
                }
            }
            None => merged.push(field.clone()),
        }
    }
    Ok(merged.into())
}

fn merge_types(name: &str, known: &DataType, seen: &DataType) -> Result<DataType, ArrowError> {
    match (known, seen) {
        (DataType::Struct(known), DataType::Struct(seen)) => Ok(DataType::Struct(merge_fields(known, seen)?)),
        (DataType::List(known), DataType::List(seen)) => {
            Ok(list_of(merge_types(name, known.data_type(), seen.data_type())?))
        }
        _ if known == seen => Ok(known.clone()),
        _ => Err(ArrowError::SchemaError(format!(
            "column {name} is {known} in the table and {seen} in a batch"
        ))),
    }
}

fn segment_field(segment: &'static Segment, numbers: &[usize]) -> Field {
    let index = |name| Field::new(name, DataType::Int32, true);
    let mut children = vec![index("segment_index"), index("parent_index"), index("patient_index")];
    for number in numbers {
        if let Some(slot) = segment.field(*number) {
            children.push(field_of(slot));
        }
    }
    let row = DataType::Struct(children.into());
    let data_type = if segment.is_single() { row } else { list_of(row) };
    Field::new(segment.key(), data_type, true)
}

/// The full shape of a field, with every component of it.
fn field_of(slot: &Slot) -> Field {
    let single = type_of(slot, true);
    let data_type = if slot.repeats() { list_of(single) } else { single };
    Field::new(slot.name(), data_type, true)
}

/// A component that is composite itself has subcomponents; those are text whatever their datatype.
fn type_of(slot: &Slot, has_components: bool) -> DataType {
    let datatype = slot.datatype();
    if datatype.is_varies() {
        return DataType::Struct(vec![Field::new("value", DataType::Utf8, true)].into());
    }
    if datatype.is_primitive() {
        return DataType::Utf8;
    }
    let children = datatype.components().iter().map(|component| {
        let is_text = !has_components || component.datatype().is_primitive();
        let data_type = if is_text { DataType::Utf8 } else { type_of(component, false) };
        Field::new(component.name(), data_type, true)
    });
    DataType::Struct(children.collect())
}
