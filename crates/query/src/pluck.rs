//! `hl7_at(value, 'path')` and `hl7_each(list, 'path')`: what stands at a path inside structs and lists.
//!
//! The path rewriting writes these functions; a path is field names and 1-based numbers joined by dots.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, UInt32Array, make_array};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ExpressionPlacement, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};

/// Follows a path from each value.
pub(crate) const AT: &str = "hl7_at";
/// Follows a path from each element of a list, and gives the list of what is there.
pub(crate) const EACH: &str = "hl7_each";

/// Both functions, for registering in a session.
pub(crate) fn functions() -> [ScalarUDF; 2] {
    [AT, EACH].map(|name| {
        ScalarUDF::new_from_impl(Pluck { name, signature: Signature::any(2, Volatility::Immutable) })
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Pluck {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for Pluck {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        plan_err!("{} needs its path to know its type", self.name)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let Some(Some(ScalarValue::Utf8(Some(path)))) = arguments.scalar_arguments.get(1) else {
            return plan_err!("the path of {} must be a literal", self.name);
        };
        let value = arguments.arg_fields[0].data_type();
        let data_type = match (self.name, value) {
            (EACH, DataType::List(element)) => list_of(type_at(element.data_type(), path)?),
            (EACH, _) => return plan_err!("{EACH} takes a list"),
            _ => type_at(value, path)?,
        };
        Ok(Arc::new(Field::new(self.name, data_type, true)))
    }

    /// Cheap, and best done next to the file, like the access to a struct's field.
    fn placement(&self, arguments: &[ExpressionPlacement]) -> ExpressionPlacement {
        match arguments {
            [
                ExpressionPlacement::Column | ExpressionPlacement::MoveTowardsLeafNodes,
                ExpressionPlacement::Literal,
            ] => ExpressionPlacement::MoveTowardsLeafNodes,
            _ => ExpressionPlacement::KeepInPlace,
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value, ColumnarValue::Scalar(ScalarValue::Utf8(Some(path)))] = &arguments.args[..] else {
            return exec_err!("the path of {} must be a literal", self.name);
        };
        let value = value.to_array(arguments.number_rows)?;
        if self.name == AT {
            return Ok(ColumnarValue::Array(value_at(value, path)?));
        }
        let list = value.as_list::<i32>();
        let values = value_at(list.values().clone(), path)?;
        let field = Arc::new(Field::new(ELEMENT, values.data_type().clone(), true));
        let plucked = ListArray::try_new(field, list.offsets().clone(), values, list.nulls().cloned())?;
        Ok(ColumnarValue::Array(Arc::new(plucked)))
    }
}

const ELEMENT: &str = "element";

fn type_at(data_type: &DataType, path: &str) -> Result<DataType> {
    let mut data_type = data_type;
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
    Ok(data_type.clone())
}

fn value_at(mut values: ArrayRef, path: &str) -> Result<ArrayRef> {
    for step in path.split('.') {
        values = follow(&values, step)?;
    }
    Ok(values)
}

fn list_of(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new(ELEMENT, element, true)))
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
