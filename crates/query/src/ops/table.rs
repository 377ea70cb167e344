//! `ops.feeds` and `ops.feed_volume`: tables that are computed when they are asked for.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::{MemTable, Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::TableType;
use datafusion::execution::SessionState;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use storage::Lake;

use super::feeds::{self, Feed, Span, Volume};
use super::questions::HOUR;

/// The span of `ops.feeds`.
const DAY: i64 = 24 * HOUR;

/// A table of `ops` that no file holds.
#[derive(Debug)]
pub(super) struct Computed {
    what: What,
    lake: Lake,
    moment: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Feeds,
    Volume,
}

impl What {
    const ALL: [Self; 2] = [Self::Feeds, Self::Volume];

    fn name(self) -> &'static str {
        match self {
            Self::Feeds => "feeds",
            Self::Volume => "feed_volume",
        }
    }

    fn schema(self) -> SchemaRef {
        use DataType::{Boolean, Float64, Int64, Utf8};
        let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let columns = match self {
            Self::Feeds => vec![
                ("feed", Utf8),
                ("received", Int64),
                ("staged", Int64),
                ("error", Int64),
                ("duplicate", Int64),
                ("filtered", Int64),
                ("pending", Int64),
                ("pending_age_seconds", Float64),
                ("lag_p95_seconds", Float64),
                ("lag_max_seconds", Float64),
                ("lag_messages", Int64),
                ("last_message_at", time()),
                ("last_message_age_seconds", Float64),
                ("last_hour_messages", Int64),
                ("usual_messages", Float64),
                ("usual_deviation", Float64),
                ("z", Float64),
                ("silent", Boolean),
                ("missed_messages", Float64),
                ("longest_silence_seconds", Float64),
            ],
            Self::Volume => vec![
                ("feed", Utf8),
                ("hour_from", time()),
                ("hour_to", time()),
                ("messages", Int64),
                ("usual_messages", Float64),
                ("usual_deviation", Float64),
                ("usual_weeks", Int64),
                ("z", Float64),
            ],
        };
        let fields = columns.into_iter().map(|(name, data_type)| Field::new(name, data_type, true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// The columns of a computed table, by its name in the schema.
pub(crate) fn columns(table: &str) -> Option<SchemaRef> {
    What::ALL.into_iter().find(|what| what.name() == table).map(What::schema)
}

impl Computed {
    pub(super) fn all(lake: &Lake, moment: Option<i64>) -> Vec<Self> {
        What::ALL.map(|what| Self { what, lake: lake.clone(), moment }).into()
    }

    pub(super) fn name(&self) -> &'static str {
        self.what.name()
    }

    async fn rows(&self, context: &SessionContext) -> Result<RecordBatch> {
        let span = Span::up_to(self.moment, DAY);
        match self.what {
            What::Feeds => {
                let feeds = feeds::feeds(context, &self.lake, span, self.moment).await?;
                Ok(RecordBatch::try_new(self.schema(), feed_columns(&feeds))?)
            }
            What::Volume => {
                let volumes = feeds::volumes(context, span, self.moment).await?;
                let volumes = volumes.iter().map(|(feed, volume)| (feed.as_ref(), volume));
                Ok(RecordBatch::try_new(self.schema(), volume_columns(volumes, span.now))?)
            }
        }
    }
}

#[async_trait]
impl TableProvider for Computed {
    fn schema(&self) -> SchemaRef {
        self.what.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let state = session.as_any().downcast_ref::<SessionState>();
        let state = state.ok_or_else(|| DataFusionError::Internal("a session of another kind".into()))?;
        let rows = self.rows(&SessionContext::new_with_state(state.clone())).await?;
        let table = MemTable::try_new(self.schema(), vec![vec![rows]])?;
        table.scan(session, projection, filters, limit).await
    }
}

fn feed_columns(feeds: &[Feed]) -> Vec<ArrayRef> {
    let count = |value: fn(&Feed) -> u64| numbers(feeds.iter().map(value));
    let decimal = |value: fn(&Feed) -> Option<f64>| decimals(feeds.iter().map(value));
    vec![
        Arc::new(StringArray::from_iter_values(feeds.iter().map(|feed| &feed.name))),
        count(|feed| feed.received),
        count(|feed| feed.staged),
        count(|feed| feed.error),
        count(|feed| feed.duplicate),
        count(|feed| feed.filtered),
        count(|feed| feed.pending),
        decimal(|feed| feed.pending_age),
        decimal(|feed| feed.lag_p95),
        decimal(|feed| feed.lag_most),
        count(|feed| feed.lag_messages),
        times(feeds.iter().map(|feed| feed.last_message)),
        decimal(|feed| Some(feed.last_message_age)),
        count(|feed| feed.last_hour),
        decimal(|feed| Some(feed.usual?.mean)),
        decimal(|feed| Some(feed.usual?.deviation)),
        decimal(|feed| Some(feed.usual?.z(feed.last_hour))),
        Arc::new(BooleanArray::from_iter(feeds.iter().map(|feed| Some(feed.silence.is_unusual)))),
        decimal(|feed| feed.silence.missed),
        decimal(|feed| feed.silence.longest_before),
    ]
}

/// One row for each hour of the last week that a feed has been there for, newest first.
fn volume_columns<'v>(volumes: impl Iterator<Item = (&'v str, &'v Volume)>, now: i64) -> Vec<ArrayRef> {
    let rows: Vec<_> = volumes
        .flat_map(|(feed, Volume { hours, .. })| {
            let row = |hour: usize| (feed, hour as i64, hours.messages(hour), hours.usual(hour));
            hours.last_week().map(row).collect::<Vec<_>>()
        })
        .collect();
    let usual = rows.iter().map(|(_, _, _, usual)| *usual);
    vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|(feed, ..)| feed))),
        times(rows.iter().map(|(_, hour, ..)| now - (hour + 1) * HOUR)),
        times(rows.iter().map(|(_, hour, ..)| now - hour * HOUR)),
        numbers(rows.iter().map(|(_, _, messages, _)| *messages)),
        decimals(usual.clone().map(|usual| Some(usual?.mean))),
        decimals(usual.clone().map(|usual| Some(usual?.deviation))),
        Arc::new(usual.map(|usual| Some(usual?.weeks as i64)).collect::<Int64Array>()),
        decimals(rows.iter().map(|(_, _, messages, usual)| Some((*usual)?.z(*messages)))),
    ]
}

fn numbers(values: impl Iterator<Item = u64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values.map(|value| i64::try_from(value).unwrap_or(i64::MAX))))
}

fn decimals(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

fn times(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
}
