//! Brings rows of files that hold only their own leaves into one shape, at any depth and by names alone.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, StructArray, new_null_array};
use arrow_schema::{ArrowError, DataType, SchemaRef};

/// The rows of all batches, one behind the other, with the columns of `schema`; what a batch lacks is null.
pub(super) fn concatenate(batches: &[RecordBatch], schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = schema.fields().iter().map(|field| {
        let parts = batches.iter().map(|batch| match batch.column_by_name(field.name()) {
            Some(column) => shaped(column, field.data_type()),
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        });
        let parts: Vec<ArrayRef> = parts.collect::<Result<_, _>>()?;
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        arrow::compute::concat(&parts)
    });
    RecordBatch::try_new(schema.clone(), columns.collect::<Result<_, _>>()?)
}

fn shaped(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == wanted {
        return Ok(array.clone());
    }
    match (array.data_type(), wanted) {
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let structs = array.as_struct();
            let children = fields.iter().map(|field| match structs.column_by_name(field.name()) {
                Some(child) => shaped(child, field.data_type()),
                None => Ok(new_null_array(field.data_type(), structs.len())),
            });
            let children = children.collect::<Result<_, _>>()?;
            Ok(Arc::new(StructArray::try_new(fields.clone(), children, structs.nulls().cloned())?))
        }
        (DataType::List(_), DataType::List(element)) => {
            let lists = array.as_list::<i32>();
            let values = shaped(lists.values(), element.data_type())?;
            let (offsets, nulls) = (lists.offsets().clone(), lists.nulls().cloned());
            Ok(Arc::new(ListArray::try_new(element.clone(), offsets, values, nulls)?))
        }
        (held, wanted) => Err(ArrowError::SchemaError(format!("{held} cannot become {wanted}"))),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::StringArray;
    use arrow_schema::{Field, Fields, Schema};

    use super::*;

    #[test]
    fn what_a_batch_lacks_is_null_inside_lists_too() {
        let list_of = |names: &[&str]| {
            let fields: Fields = names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
            DataType::List(Arc::new(Field::new("element", DataType::Struct(fields), true)))
        };
        let batch = |name: &str, value: &str| {
            let DataType::List(element) = list_of(&[name]) else { unreachable!() };
            let DataType::Struct(fields) = element.data_type() else { unreachable!() };
            let texts: ArrayRef = Arc::new(StringArray::from(vec![value, value]));
            let values = Arc::new(StructArray::try_new(fields.clone(), vec![texts], None).unwrap());
            let offsets = arrow::buffer::OffsetBuffer::from_lengths([2, 0]);
            let lists = ListArray::try_new(element.clone(), offsets, values, None).unwrap();
            let schema = Schema::new(vec![Field::new("nk1", list_of(&[name]), true)]);
            RecordBatch::try_new(Arc::new(schema), vec![Arc::new(lists)]).unwrap()
        };
        let schema = Schema::new(vec![
            Field::new("nk1", list_of(&["a", "b"]), true),
            Field::new("zz", DataType::Int32, true),
        ]);
        let rows = concatenate(&[batch("a", "x"), batch("b", "y")], &Arc::new(schema)).unwrap();
        assert_eq!((rows.num_rows(), rows.column(1).null_count()), (4, 4));
        let elements = rows.column(0).as_list::<i32>().values().as_struct().clone();
        let texts = |name: &str| {
            let column = elements.column_by_name(name).unwrap().as_string::<i32>();
            column.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
        };
        let (x, y) = (Some("x".to_owned()), Some("y".to_owned()));
        assert_eq!(texts("a"), [x.clone(), x, None, None]);
        assert_eq!(texts("b"), [None, None, y.clone(), y]);
    }
}
