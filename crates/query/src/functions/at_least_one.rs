//! `at_least_one(list)`: the list, or one NULL where it has no element. What LEFT JOIN UNNEST unnests.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, ListArray, UInt32Array};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// Its name in SQL.
pub(crate) const NAME: &str = "at_least_one";

pub(super) fn function() -> ScalarUDF {
    ScalarUDF::new_from_impl(AtLeastOne { signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct AtLeastOne {
    signature: Signature,
}

impl ScalarUDFImpl for AtLeastOne {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [DataType::List(element)] => Ok(DataType::List(nullable(element))),
            _ => plan_err!("UNNEST takes a list"),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let lists = arguments.args[0].to_array(arguments.number_rows)?;
        let lists = lists.as_list::<i32>();
        let mut elements: Vec<Option<u32>> = Vec::with_capacity(lists.values().len());
        let mut lengths = Vec::with_capacity(lists.len());
        for row in 0..lists.len() {
            let (start, end) = (lists.offsets()[row], lists.offsets()[row + 1]);
            let before = elements.len();
            if lists.is_valid(row) {
                elements.extend((start..end).map(|element| Some(element.cast_unsigned())));
            }
            if elements.len() == before {
                elements.push(None);
            }
            lengths.push(elements.len() - before);
        }
        let values = take(lists.values(), &UInt32Array::from(elements), None)?;
        let DataType::List(element) = lists.data_type() else { return plan_err!("UNNEST takes a list") };
        let lists = ListArray::try_new(nullable(element), OffsetBuffer::from_lengths(lengths), values, None)?;
        Ok(ColumnarValue::Array(Arc::new(lists)))
    }
}

fn nullable(element: &FieldRef) -> FieldRef {
    Arc::new(Field::clone(element).with_nullable(true))
}
