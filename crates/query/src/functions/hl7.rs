//! `hl7_timestamp`, `hl7_field`, `hl7_escape`, `hl7_unescape`.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray, TimestampMicrosecondArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type, TimeUnit};
use datafusion::common::cast::as_string_array;
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use tables::values::{self, Path, Reader};

use super::text;

pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![
        ScalarUDF::new_from_impl(HlTimestamp::new()),
        ScalarUDF::new_from_impl(Field::new()),
        text::function("hl7_escape", 1, |texts| Some(values::escape(texts[0]))),
        text::function("hl7_unescape", 1, |texts| Some(values::unescape(texts[0]))),
    ]
}

/// `hl7_timestamp(text [, minutes])`: the first moment that a date or time names, in UTC. The minutes east of UTC
/// are for values without an offset, 0 if not given. NULL for what is no date or time.
#[derive(Debug, PartialEq, Eq, Hash)]
struct HlTimestamp {
    signature: Signature,
}

impl HlTimestamp {
    fn new() -> Self {
        let signatures = vec![
            TypeSignature::Exact(vec![DataType::Utf8]),
            TypeSignature::Exact(vec![DataType::Utf8, DataType::Int64]),
        ];
        Self { signature: Signature::one_of(signatures, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for HlTimestamp {
    fn name(&self) -> &str {
        "hl7_timestamp"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let texts = text::text_columns(&arguments.args[..1], rows)?;
        let texts = as_string_array(&texts[0])?;
        let minutes: Option<ArrayRef> = match arguments.args.get(1) {
            Some(minutes) => Some(cast(&minutes.to_array(rows)?, &DataType::Int64)?),
            None => None,
        };
        let minutes_at = |row: usize| -> Option<i16> {
            match &minutes {
                Some(minutes) => {
                    let minutes = minutes.as_primitive::<Int64Type>();
                    minutes.is_valid(row).then(|| i16::try_from(minutes.value(row)).ok())?
                }
                None => Some(0),
            }
        };
        let times: TimestampMicrosecondArray = (0..rows)
            .map(|row| {
                let text = texts.is_valid(row).then(|| texts.value(row))?;
                values::timestamp_microseconds(text, minutes_at(row)?)
            })
            .collect();
        Ok(ColumnarValue::Array(Arc::new(times.with_timezone("UTC"))))
    }
}

/// `hl7_field(message, 'PID-3[2].4')`: the text at a path of a message, given as bytes or text.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Field {
    signature: Signature,
}

impl Field {
    fn new() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Field {
    fn name(&self) -> &str {
        "hl7_field"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [message, ColumnarValue::Scalar(ScalarValue::Utf8(Some(path)))] = &arguments.args[..] else {
            return plan_err!(
                "hl7_field takes a message and a path in quotes, such as hl7_field(raw, 'PID-3[2].4')"
            );
        };
        let Ok(path) = path.parse::<Path>() else {
            return plan_err!("{path} is no path; it is written like PID-3[2].4 or OBX[2]-5");
        };
        let messages = cast(&message.to_array(arguments.number_rows)?, &DataType::Binary)?;
        let messages = messages.as_binary::<i32>();
        let mut reader = Reader::default();
        let texts: StringArray =
            messages.iter().map(|message| message.and_then(|message| reader.field(message, &path))).collect();
        Ok(ColumnarValue::Array(Arc::new(texts)))
    }
}
