//! `hl7_offset(text)` and `feed_offset(feed)`: minutes east of UTC, for times that were sent without an offset.
//!
//! Where a time says nothing of its offset, that of MSH-7 holds (chapter 2, MSH-7), and without it that of the sender's clock,
//! which only a configuration can tell. Neither is taken unasked: a question says what it assumes.

use std::sync::Arc;

use datafusion::arrow::array::{Array, Int64Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::cast::as_string_array;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use tables::values;

use super::text::text_columns;
use crate::engine::FeedOffsets;

pub(super) fn functions(offsets: &FeedOffsets) -> Vec<ScalarUDF> {
    let function = |name, of| {
        let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
        ScalarUDF::new_from_impl(Minutes { name, signature, of })
    };
    vec![function("hl7_offset", Of::Time), function("feed_offset", Of::Feed(offsets.clone()))]
}

/// NULL where no offset is known.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Minutes {
    name: &'static str,
    signature: Signature,
    of: Of,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Of {
    /// The offset that a time was sent with.
    Time,
    /// The offset that is configured for a feed.
    Feed(FeedOffsets),
}

impl Of {
    fn minutes(&self, text: &str) -> Option<i64> {
        match self {
            Self::Time => values::offset_minutes(text),
            Self::Feed(offsets) => offsets.get(text).copied().map(i64::from),
        }
    }
}

impl ScalarUDFImpl for Minutes {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let texts = text_columns(&arguments.args, rows)?;
        let texts = as_string_array(&texts[0])?;
        let minutes: Int64Array =
            (0..rows).map(|row| texts.is_valid(row).then(|| self.of.minutes(texts.value(row)))?).collect();
        Ok(ColumnarValue::Array(Arc::new(minutes)))
    }
}
