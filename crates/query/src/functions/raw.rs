//! The bytes of a message, from the raw zone: what the column `raw` of staging stands for.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, StringArray, new_null_array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::cast::as_string_array;
use datafusion::common::{DataFusionError, Result, exec_err};
use datafusion::logical_expr::async_udf::{AsyncScalarUDF, AsyncScalarUDFImpl};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use object_store::path::Path;
use storage::raw::Forward;
use storage::{Lake, raw_prefix};

use super::text;

/// Its name in SQL: takes `raw_key`, `raw_offset` and `raw_length`.
pub(crate) const NAME: &str = "hl7_raw";

pub(super) fn function(lake: &Lake) -> ScalarUDF {
    let types = vec![DataType::Utf8, DataType::Int64, DataType::Int64];
    let signature = Signature::exact(types, Volatility::Volatile);
    let raw = Raw { lake: lake.clone(), signature, readers: Readers::default() };
    AsyncScalarUDF::new(Arc::new(raw)).into_scalar_udf()
}

struct Raw {
    lake: Lake,
    signature: Signature,
    readers: Readers,
}

/// Readers that rest between two batches of rows: an archive is decoded once, as long as its messages come in the
/// order in which they lie in it. One that all of its partitions use at the same time has a reader for each.
#[derive(Default)]
struct Readers(Mutex<Vec<Forward>>);

impl Readers {
    /// What is kept in memory of archives, at most.
    const RESTING: usize = 8;

    /// The reader that need not begin again, or a new one.
    fn take(&self, lake: &Lake, raw_key: &Path, start: u64) -> Forward {
        let mut resting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = resting.iter().position(|reader| reader.goes_on_to(raw_key, start));
        found.map_or_else(|| Forward::new(lake), |found| resting.remove(found))
    }

    fn rest(&self, reader: Forward) {
        let mut resting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if resting.len() == Self::RESTING {
            resting.remove(0);
        }
        resting.push(reader);
    }
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
        let places = places(as_string_array(&keys[0])?, &numbers);
        let first = places.iter().flatten().next();
        let Some((first_key, first_range)) = first else {
            return Ok(ColumnarValue::Array(new_null_array(&DataType::Binary, rows)));
        };
        let length: u64 = places.iter().flatten().map(|(_, range)| range.end - range.start).sum();
        if i32::try_from(length).is_err() {
            return exec_err!("the messages are too long for one batch of rows: ask for fewer of them");
        }
        let mut reader = self.readers.take(&self.lake, first_key, first_range.start);
        let mut bytes = BinaryBuilder::new();
        for place in &places {
            match place {
                Some((raw_key, range)) => {
                    let read = reader.read(raw_key, range.clone()).await;
                    bytes.append_value(read.map_err(|error| DataFusionError::External(Box::new(error)))?);
                }
                None => bytes.append_null(),
            }
        }
        self.readers.rest(reader);
        Ok(ColumnarValue::Array(Arc::new(bytes.finish())))
    }
}

/// Where each message lies: `None` for what has no place in the raw zone. The other zones are not for everyone who may ask.
fn places(keys: &StringArray, numbers: &[ArrayRef]) -> Vec<Option<(Path, Range<u64>)>> {
    let number = |column: &ArrayRef, row: usize| {
        let column = column.as_primitive::<Int64Type>();
        column.is_valid(row).then(|| u64::try_from(column.value(row)).ok())?
    };
    let place = |row: usize| {
        let key = keys.is_valid(row).then(|| Path::parse(keys.value(row)).ok())??;
        if !key.prefix_matches(&raw_prefix()) {
            return None;
        }
        let (offset, length) = (number(&numbers[0], row)?, number(&numbers[1], row)?);
        Some((key, offset..offset.checked_add(length)?))
    };
    (0..keys.len()).map(place).collect()
}
