//! The days that a question on `recorded` asks for: the folders of the others are not listed.

use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::datatypes::TimeUnit;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::Between;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use object_store::path::Path;

const COLUMN: &str = "recorded";
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// A span of time, in microseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Days {
    from: i64,
    to: i64,
}

impl Days {
    /// The span that all filters allow, as far as they are read.
    pub(super) fn of(filters: &[Expr]) -> Self {
        let mut days = Self { from: i64::MIN, to: i64::MAX };
        for filter in filters {
            days.narrow(filter);
        }
        days
    }

    fn narrow(&mut self, filter: &Expr) {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                self.narrow(left);
                self.narrow(right);
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                if let (true, Some(moment)) = (is_recorded(left), moment(right)) {
                    self.compare(*op, moment);
                } else if let (Some(moment), true, Some(op)) = (moment(left), is_recorded(right), op.swap()) {
                    self.compare(op, moment);
                }
            }
            Expr::Between(Between { expr, negated: false, low, high }) if is_recorded(expr) => {
                if let Some(low) = moment(low) {
                    self.compare(Operator::GtEq, low);
                }
                if let Some(high) = moment(high) {
                    self.compare(Operator::LtEq, high);
                }
            }
            _ => {}
        }
    }

    fn compare(&mut self, op: Operator, moment: i64) {
        if matches!(op, Operator::Eq | Operator::Gt | Operator::GtEq) {
            self.from = self.from.max(moment);
        }
        if matches!(op, Operator::Eq | Operator::Lt | Operator::LtEq) {
            self.to = self.to.min(moment);
        }
    }

    /// Whether the folder of a day may have events of the span. An event is recorded a moment after it happened, and clocks
    /// differ: a day more on both sides is looked at.
    pub(super) fn may_have(&self, folder: &Path) -> bool {
        let Some(begins) = beginning(folder) else { return true };
        begins.saturating_sub(DAY) <= self.to && begins.saturating_add(2 * DAY) >= self.from
    }
}

/// When the day of a folder such as `audit/2026/01/31` begins.
fn beginning(folder: &Path) -> Option<i64> {
    let day = folder.as_ref().strip_prefix("audit/")?.replace('/', "-");
    let text = ScalarValue::Utf8(Some(day));
    micros(&text.cast_to(&DataType::Timestamp(TimeUnit::Microsecond, None)).ok()?)
}

fn is_recorded(expression: &Expr) -> bool {
    matches!(expression, Expr::Column(column) if column.name == COLUMN)
}

fn moment(expression: &Expr) -> Option<i64> {
    match expression {
        Expr::Literal(value, _) => {
            micros(&value.cast_to(&DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))).ok()?)
        }
        _ => None,
    }
}

fn micros(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::TimestampMicrosecond(micros, _) => *micros,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{col, lit};

    use super::*;

    fn at(text: &str) -> Expr {
        let moment = ScalarValue::Utf8(Some(text.into()));
        lit(moment.cast_to(&DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))).unwrap())
    }

    #[test]
    fn a_filter_leaves_out_days_that_cannot_have_an_event() {
        let asked = |filters: &[Expr]| {
            let days = Days::of(filters);
            let folders = ["audit/2026/01/29", "audit/2026/01/31", "audit/2026/02/02", "audit/other"];
            folders.map(|folder| days.may_have(&Path::from(folder)))
        };
        assert_eq!(asked(&[]), [true; 4]);
        assert_eq!(asked(&[col("who_id").eq(lit("2026-01-31"))]), [true; 4]);
        assert_eq!(asked(&[col(COLUMN).gt(at("2026-02-01T12:00:00Z"))]), [false, true, true, true]);
        assert_eq!(asked(&[at("2026-01-29T12:00:00Z").gt_eq(col(COLUMN))]), [true, false, false, true]);
        let noon = at("2026-01-31T12:00:00Z");
        assert_eq!(asked(&[col(COLUMN).eq(noon.clone())]), [false, true, false, true]);
        assert_eq!(asked(&[col(COLUMN).between(noon.clone(), noon.clone())]), [false, true, false, true]);
        let both = col(COLUMN).gt(noon.clone()).and(col(COLUMN).lt(noon));
        assert_eq!(asked(&[both]), [false, true, false, true]);
        // What is not read leaves nothing out.
        let either = col(COLUMN).lt(at("2020-01-01T00:00:00Z")).or(col("action").eq(lit("query")));
        assert_eq!(asked(&[either]), [true; 4]);
    }
}
