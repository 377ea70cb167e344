//! What a table's log says of each file, so that a filter need not open all of them.

use std::sync::Arc;

use datafusion::arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::catalog::Session;
use datafusion::common::pruning::PrunableStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DFSchema, Result, ScalarValue, Statistics};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use serde_json::Value;

/// The columns whose range the log tells.
const COLUMNS: [&str; 3] = ["message_id", "feed", "received_at"];

/// The least and the greatest value of some columns of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranges([Option<Range>; COLUMNS.len()]);

#[derive(Clone, Debug)]
struct Range {
    least: ScalarValue,
    greatest: ScalarValue,
    nulls: Option<usize>,
}

impl Ranges {
    /// Reads the statistics of an entry of the log; what is not understood bounds nothing.
    pub(crate) fn read(statistics: &str, schema: &Schema) -> Self {
        let Ok(statistics) = serde_json::from_str::<Value>(statistics) else { return Self::default() };
        Self(COLUMNS.map(|name| {
            let data_type = schema.field_with_name(name).ok()?.data_type();
            let bound = |which: &str| scalar(&statistics[which][name], data_type);
            let nulls = statistics["nullCount"][name].as_u64().and_then(|nulls| usize::try_from(nulls).ok());
            Some(Range { least: bound("minValues")?, greatest: bound("maxValues")?, nulls })
        }))
    }

    fn statistics(&self, rows: Option<usize>) -> Statistics {
        let column_statistics = self.0.iter().map(|range| match range {
            Some(range) => ColumnStatistics::new_unknown()
                .with_min_value(Precision::Exact(range.least.clone()))
                .with_max_value(Precision::Exact(range.greatest.clone()))
                .with_null_count(range.nulls.map_or(Precision::Absent, Precision::Exact)),
            None => ColumnStatistics::new_unknown(),
        });
        Statistics {
            num_rows: rows.map_or(Precision::Absent, Precision::Exact),
            total_byte_size: Precision::Absent,
            column_statistics: column_statistics.collect(),
        }
    }
}

/// For each file, whether it can have a row that passes the filters; `None` if the log cannot tell.
pub(crate) fn may_have<'f>(
    files: impl Iterator<Item = (&'f Ranges, Option<usize>)>,
    filters: &[Expr],
    schema: &Schema,
    session: &dyn Session,
) -> Result<Option<Vec<bool>>> {
    let told = |filter: &&Expr| {
        let columns = filter.column_refs();
        !columns.is_empty() && columns.iter().all(|column| COLUMNS.contains(&column.name.as_str()))
    };
    let Some(filter) = conjunction(filters.iter().filter(told).cloned()) else { return Ok(None) };
    let fields: Option<Vec<_>> =
        COLUMNS.iter().map(|name| schema.field_with_name(name).ok().cloned()).collect();
    let Some(fields) = fields else { return Ok(None) };
    let schema = Arc::new(Schema::new(fields));
    let filter = session.create_physical_expr(filter, &DFSchema::try_from(schema.clone())?)?;
    let predicate = PruningPredicateBuilder::new().with_file_schema(schema.clone()).try_build(filter)?;
    let statistics = files.map(|(ranges, rows)| Arc::new(ranges.statistics(rows))).collect();
    predicate.prune(&PrunableStatistics::new(statistics, schema)).map(Some)
}

fn scalar(value: &Value, data_type: &DataType) -> Option<ScalarValue> {
    let text = value.as_str()?;
    match data_type {
        DataType::Utf8 => Some(ScalarValue::Utf8(Some(text.to_owned()))),
        DataType::Timestamp(..) => {
            let nanoseconds = string_to_timestamp_nanos(text).ok()?;
            let time = ScalarValue::TimestampNanosecond(Some(nanoseconds), Some("UTC".into()));
            time.cast_to(data_type).ok()
        }
        _ => None,
    }
}
