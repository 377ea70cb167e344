//! The bytes of a message, from the raw zone: what the column `raw` of staging stands for.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::cast::as_string_array;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::async_udf::{AsyncScalarUDF, AsyncScalarUDFImpl};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use object_store::path::Path;
use storage::Lake;

use super::text;

/// Its name in SQL: takes `raw_key`, `raw_offset` and `raw_length`.
pub(crate) const NAME: &str = "hl7_raw";

pub(super) fn function(lake: &Lake) -> ScalarUDF {
    let types = vec![DataType::Utf8, DataType::Int64, DataType::Int64];
    let signature = Signature::exact(types, Volatility::Volatile);
    AsyncScalarUDF::new(Arc::new(Raw { lake: lake.clone(), signature })).into_scalar_udf()
}

struct Raw {
    lake: Lake,
    signature: Signature,
}

impl fmt::Debug for Raw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(NAME)
    }
}

impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        self.lake.shown() == other.lake.shown()
    }
}

impl Eq for Raw {}

impl Hash for Raw {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.lake.shown().hash(state);
    }
}

impl ScalarUDFImpl for Raw {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        datafusion::common::not_impl_err!("{NAME} reads from the lake and cannot be computed in advance")
    }
}

#[async_trait::async_trait]
impl AsyncScalarUDFImpl for Raw {
    /// Messages may be large: not too many of them in memory.
    fn ideal_batch_size(&self) -> Option<usize> {
        Some(256)
    }

    async fn invoke_async_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let keys = text::text_columns(&arguments.args[..1], rows)?;
        let numbers = arguments.args[1..]
            .iter()
            .map(|argument| Ok(cast(&argument.to_array(rows)?, &DataType::Int64)?))
            .collect::<Result<Vec<_>>>()?;
        let mut bytes = BinaryBuilder::new();
        for row in 0..rows {
            match self.read(as_string_array(&keys[0])?, &numbers, row).await? {
                Some(message) => bytes.append_value(message),
                None => bytes.append_null(),
            }
        }
        Ok(ColumnarValue::Array(Arc::new(bytes.finish())))
    }
}

impl Raw {
    async fn read(
        &self,
        keys: &StringArray,
        numbers: &[ArrayRef],
        row: usize,
    ) -> Result<Option<bytes::Bytes>> {
        let number = |column: &ArrayRef| {
            let column = column.as_primitive::<Int64Type>();
            column.is_valid(row).then(|| u64::try_from(column.value(row)).ok())?
        };
        let place =
            keys.is_valid(row).then(|| keys.value(row)).zip(number(&numbers[0])).zip(number(&numbers[1]));
        let Some(((key, offset), length)) = place else { return Ok(None) };
        // What lies in an archive has no bytes of its own in the raw zone.
        let Some(key) = Path::parse(key).ok().filter(|_| !key.contains('!')) else { return Ok(None) };
        let read = self.lake.read_range(&key, offset..offset + length).await;
        read.map(Some).map_err(|error| DataFusionError::External(Box::new(error)))
    }
}
