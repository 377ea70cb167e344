//! `contains(list, value)` as in Trino, and `contains(text, part)` as in DataFusion, under one name.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::functions::string::contains as contains_text;
use datafusion::functions_nested::array_has::array_has_udf;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

pub(super) fn function() -> ScalarUDF {
    ScalarUDF::new_from_impl(Contains { signature: Signature::any(2, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Contains {
    signature: Signature,
}

impl ScalarUDFImpl for Contains {
    fn name(&self) -> &str {
        "contains"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_list = matches!(arguments.args.first().map(ColumnarValue::data_type), Some(DataType::List(_)));
        let function = if is_list { array_has_udf() } else { contains_text() };
        function.invoke_with_args(arguments)
    }
}
