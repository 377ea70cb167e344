//! `hl7_each(list, 'path')`: the value at a path of every occurrence of a repeating segment.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, UInt32Array, make_array};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// The function's name; the path rewriting writes it.
pub(crate) const NAME: &str = "hl7_each";

/// The function, for registering in a session.
pub(crate) fn function() -> ScalarUDF {
    ScalarUDF::new_from_impl(Each { signature: Signature::any(2, Volatility::Immutable) })
}

/// Steps of a path joined by dots: names of struct fields, and 1-based numbers of list elements.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Each {
    signature: Signature,
}

impl ScalarUDFImpl for Each {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        plan_err!("{NAME} needs its path to know its type")
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let Some(Some(ScalarValue::Utf8(Some(path)))) = arguments.scalar_arguments.get(1) else {
            return plan_err!("the path of {NAME} must be a literal");
        };
        let DataType::List(element) = arguments.arg_fields[0].data_type() else {
            return plan_err!("{NAME} takes a list");
        };
        let mut data_type = element.data_type();
        for step in path.split('.') {
            data_type = match data_type {
                DataType::Struct(fields) => match fields.iter().find(|field| field.name() == step) {
                    Some(field) => field.data_type(),
                    None => return plan_err!("no field {step}"),
                },
                DataType::List(element) => element.data_type(),
                _ => return plan_err!("{step} is below a value"),
            };
        }
        Ok(Arc::new(Field::new(NAME, list_of(data_type.clone()), true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [list, ColumnarValue::Scalar(ScalarValue::Utf8(Some(path)))] = &arguments.args[..] else {
            return exec_err!("the path of {NAME} must be a literal");
        };
        let list = list.to_array(arguments.number_rows)?;
        let list = list.as_list::<i32>();
        let mut values: ArrayRef = list.values().clone();
        for step in path.split('.') {
            values = follow(&values, step)?;
        }
        let field = Arc::new(Field::new("element", values.data_type().clone(), true));
        let plucked = ListArray::try_new(field, list.offsets().clone(), values, list.nulls().cloned())?;
        Ok(ColumnarValue::Array(Arc::new(plucked)))
    }
}

fn list_of(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", element, true)))
}

/// One step down, for every value at once.
fn follow(values: &ArrayRef, step: &str) -> Result<ArrayRef> {
    if let Some(structs) = values.as_struct_opt() {
        return child(structs, step);
    }
    let (Some(lists), Ok(number)) = (values.as_list_opt::<i32>(), step.parse::<usize>()) else {
        return exec_err!("no {step} here");
    };
    let elements: UInt32Array = (0..lists.len())
        .map(|row| {
            let (start, end) = (lists.offsets()[row] as usize, lists.offsets()[row + 1] as usize);
            let at = start + number.checked_sub(1)?;
            (lists.is_valid(row) && at < end).then(|| u32::try_from(at).ok())?
        })
        .collect();
    Ok(take(lists.values(), &elements, None)?)
}

/// The child of a struct, NULL where the struct is.
fn child(structs: &StructArray, name: &str) -> Result<ArrayRef> {
    let Some(child) = structs.column_by_name(name) else {
        return exec_err!("no field {name}");
    };
    let nulls = NullBuffer::union(child.nulls(), structs.nulls());
    Ok(make_array(child.to_data().into_builder().nulls(nulls).build()?))
}
