//! Functions from texts to a text, written as plain functions.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::cast::as_string_array;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// What a function does with one row; NULL if any argument is.
pub(super) type OfTexts = fn(&[&str]) -> Option<String>;

/// A function of that name with so many arguments.
pub(super) fn function(name: &'static str, arguments: usize, of_texts: OfTexts) -> ScalarUDF {
    let signature = Signature::exact(vec![DataType::Utf8; arguments], Volatility::Immutable);
    ScalarUDF::new_from_impl(TextFunction { name, signature, of_texts })
}

#[derive(Debug)]
struct TextFunction {
    name: &'static str,
    signature: Signature,
    of_texts: OfTexts,
}

/// No two of them have one name.
impl PartialEq for TextFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for TextFunction {}

impl Hash for TextFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for TextFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = text_columns(&arguments.args, arguments.number_rows)?;
        let columns = columns.iter().map(|column| as_string_array(column)).collect::<Result<Vec<_>>>()?;
        let texts: StringArray = (0..arguments.number_rows)
            .map(|row| {
                let values: Option<Vec<&str>> =
                    columns.iter().map(|column| column.is_valid(row).then(|| column.value(row))).collect();
                (self.of_texts)(&values?)
            })
            .collect();
        Ok(ColumnarValue::Array(Arc::new(texts)))
    }
}

/// Arguments as columns of text.
pub(super) fn text_columns(arguments: &[ColumnarValue], rows: usize) -> Result<Vec<ArrayRef>> {
    let column = |argument: &ColumnarValue| Ok(cast(&argument.to_array(rows)?, &DataType::Utf8)?);
    arguments.iter().map(column).collect()
}
