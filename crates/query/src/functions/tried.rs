//! Functions that fail at a value they cannot read, in a form that gives NULL for it: what `try(…)` is made of.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, new_null_array};
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::Result;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// The functions of DataFusion that fail at values.
pub(crate) const TRIED: [&str; 7] = [
    "to_timestamp",
    "to_timestamp_seconds",
    "to_timestamp_millis",
    "to_timestamp_micros",
    "to_timestamp_nanos",
    "to_date",
    "decode",
];

/// What stands before the name of a function in the form that does not fail.
pub(crate) const PREFIX: &str = "tried_";

/// The forms that do not fail, of what a session knows.
pub(crate) fn functions(context: &SessionContext) -> Vec<ScalarUDF> {
    let state = context.state();
    let known = TRIED.iter().filter_map(|name| state.scalar_functions().get(*name));
    known
        .map(|inner| {
            ScalarUDF::new_from_impl(Tried {
                name: format!("{PREFIX}{}", inner.name()),
                inner: inner.clone(),
            })
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Tried {
    name: String,
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Tried {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let field = self.inner.return_field_from_args(arguments)?;
        Ok(Arc::new(field.as_ref().clone().with_nullable(true)))
    }

    /// All rows at once; only where that fails, one by one.
    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let whole = self.inner.invoke_with_args(arguments.clone());
        if whole.is_ok() {
            return whole;
        }
        let null = new_null_array(arguments.return_type(), 1);
        let rows: Vec<ArrayRef> = (0..arguments.number_rows)
            .map(|row| self.at(&arguments, row).unwrap_or_else(|_| null.clone()))
            .collect();
        let rows: Vec<&dyn Array> = rows.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(if rows.is_empty() { null.slice(0, 0) } else { concat(&rows)? }))
    }
}

impl Tried {
    fn at(&self, arguments: &ScalarFunctionArgs, row: usize) -> Result<ArrayRef> {
        let at_row = |argument: &ColumnarValue| match argument {
            ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(row, 1)),
            scalar => scalar.clone(),
        };
        let args = arguments.args.iter().map(at_row).collect();
        let value =
            self.inner.invoke_with_args(ScalarFunctionArgs { args, number_rows: 1, ..arguments.clone() })?;
        value.to_array(1)
    }
}
