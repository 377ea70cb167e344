//! What is asked of receipts and rows to know how the feeds are.
//!
//! Each question reads a few flat columns and answers with some rows for each feed, however large the lake. Only the last one
//! looks at single messages, and it is put only for feeds of which not every receipt has a row.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::context::SessionContext;
use futures::TryStreamExt;

/// Microseconds of an hour.
pub(super) const HOUR: i64 = 3_600_000_000;

/// Receipts of a feed in one hour.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) feed: Arc<str>,
    /// Counted back from now.
    pub(super) hour: i64,
    pub(super) messages: i64,
    /// Those in the span that is asked.
    pub(super) in_span: i64,
    /// Of those, what a rule of the feed leaves out.
    pub(super) filtered: i64,
    /// When the last of them came, in microseconds since 1970.
    pub(super) last: i64,
}

/// Rows of a feed that came in one hour of the span.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) feed: Arc<str>,
    pub(super) hour: i64,
    pub(super) messages: i64,
}

/// How long the rows of a feed took to be seen.
#[derive(Debug)]
pub(super) struct Lag {
    pub(super) feed: Arc<str>,
    /// Rows of which it is known.
    pub(super) messages: i64,
    /// Seconds.
    pub(super) p95: Option<f64>,
    /// Seconds.
    pub(super) most: Option<f64>,
}

/// Receipts of a feed without a row that have the same fate.
#[derive(Debug)]
pub(super) struct Fate {
    pub(super) feed: Arc<str>,
    pub(super) fate: String,
    pub(super) messages: i64,
    /// Those in the span that is asked.
    pub(super) in_span: i64,
    /// When the first of them came, in microseconds since 1970.
    pub(super) first: i64,
}

/// Counts the receipts since `from`, and among them those since `since`, in hours back from `now`.
pub(super) async fn received(
    context: &SessionContext,
    now: i64,
    from: i64,
    since: i64,
    until: Option<i64>,
) -> Result<Vec<Received>> {
    let filtered = match has_rules(context).await? {
        true => "filtered_by IS NOT NULL",
        false => "FALSE",
    };
    let (hour, from, since) = (hour(now), moment(from), moment(since));
    let until = until.map(|until| format!(" AND received_at <= {}", moment(until))).unwrap_or_default();
    let question = format!(
        "SELECT feed, {hour} AS hour, count(*), count(*) FILTER (WHERE received_at >= {since}),
            count(*) FILTER (WHERE received_at >= {since} AND {filtered}), max(received_at)
        FROM lake.ledger.receipts WHERE received_at >= {from}{until} GROUP BY feed, hour"
    );
    ask(context, &question, |batch, row| {
        Some(Received {
            feed: text(batch, 0, row)?.into(),
            hour: number(batch, 1, row)?,
            messages: number(batch, 2, row)?,
            in_span: number(batch, 3, row)?,
            filtered: number(batch, 4, row)?,
            last: time(batch, 5, row)?,
        })
    })
    .await
}

/// Counts the rows whose messages came since then, in hours back from `now`.
pub(super) async fn staged(context: &SessionContext, now: i64, since: i64) -> Result<Vec<Staged>> {
    let (hour, since) = (hour(now), moment(since));
    let question = format!(
        "SELECT feed, {hour} AS hour, count(*) FROM lake.ledger.visible WHERE received_at >= {since} GROUP BY feed, hour"
    );
    ask(context, &question, |batch, row| {
        Some(Staged {
            feed: text(batch, 0, row)?.into(),
            hour: number(batch, 1, row)?,
            messages: number(batch, 2, row)?,
        })
    })
    .await
}

/// How long it took from receiving messages to seeing them, of those that came since then.
pub(super) async fn lags(context: &SessionContext, since: i64) -> Result<Vec<Lag>> {
    let since = moment(since);
    let question = format!(
        "SELECT feed, count(lag), approx_percentile_cont(lag, 0.95), max(lag) FROM (
            SELECT feed, CAST(greatest(CAST(visible_at AS BIGINT) - CAST(received_at AS BIGINT), 0) AS DOUBLE) / 1000000 AS lag
            FROM lake.ledger.visible WHERE received_at >= {since} AND visible_at IS NOT NULL
        ) GROUP BY feed"
    );
    ask(context, &question, |batch, row| {
        Some(Lag {
            feed: text(batch, 0, row)?.into(),
            messages: number(batch, 1, row)?,
            p95: decimal(batch, 2, row),
            most: decimal(batch, 3, row),
        })
    })
    .await
}

/// What became of the receipts of some feeds since `from` that are not the receipt of a row, and that no rule leaves out.
pub(super) async fn fates(
    context: &SessionContext,
    feeds: &[Arc<str>],
    from: i64,
    since: i64,
    until: Option<i64>,
) -> Result<Vec<Fate>> {
    let unfiltered = if has_rules(context).await? { " AND receipt.filtered_by IS NULL" } else { "" };
    let (from, since) = (moment(from), moment(since));
    let until =
        until.map(|until| format!(" AND receipt.received_at <= {}", moment(until))).unwrap_or_default();
    let feeds: Vec<String> = feeds.iter().map(|feed| format!("'{}'", feed.replace('\'', "''"))).collect();
    let feeds = feeds.join(", ");
    let question = format!(
        "WITH unstaged AS (
            SELECT receipt.message_id, receipt.feed, receipt.received_at
            FROM lake.ledger.receipts AS receipt
            LEFT ANTI JOIN (
                SELECT message_id, raw_key, raw_offset, received_at FROM lake.ledger.visible WHERE received_at >= {from}
            ) AS staged
                ON staged.message_id = receipt.message_id AND staged.raw_key = receipt.raw_key
                AND staged.raw_offset = receipt.raw_offset AND staged.received_at = receipt.received_at
            WHERE receipt.received_at >= {from}{until} AND receipt.feed IN ({feeds}){unfiltered}
        )
        SELECT feed, fate, count(*), count(*) FILTER (WHERE received_at >= {since}), min(received_at) FROM (
            SELECT unstaged.feed, unstaged.received_at,
                CASE
                    WHEN known.message_id IS NOT NULL THEN 'duplicate'
                    WHEN failed.message_id IS NOT NULL THEN 'error'
                    ELSE 'pending'
                END AS fate
            FROM unstaged
            LEFT JOIN lake.main.staging AS known ON known.message_id = unstaged.message_id
            LEFT JOIN lake.ledger.errors AS failed ON failed.message_id = unstaged.message_id
        ) GROUP BY feed, fate"
    );
    ask(context, &question, |batch, row| {
        Some(Fate {
            feed: text(batch, 0, row)?.into(),
            fate: text(batch, 1, row)?.into(),
            messages: number(batch, 2, row)?,
            in_span: number(batch, 3, row)?,
            first: time(batch, 4, row)?,
        })
    })
    .await
}

/// Whether receipts tell of rules that leave messages out.
async fn has_rules(context: &SessionContext) -> Result<bool> {
    let receipts = context.table_provider("lake.ledger.receipts").await?.schema();
    Ok(receipts.column_with_name("filtered_by").is_some())
}

/// The hour of a row, counted back from now; what a clock that is ahead has received belongs to the newest.
fn hour(now: i64) -> String {
    format!("greatest(({now} - CAST(received_at AS BIGINT)) / {HOUR}, 0)")
}

/// A moment in SQL, from microseconds since 1970.
fn moment(microseconds: i64) -> String {
    format!("arrow_cast({microseconds}, 'Timestamp(Microsecond, Some(\"UTC\"))')")
}

/// Puts a question and reads each row of its answer.
async fn ask<R>(
    context: &SessionContext,
    question: &str,
    read: impl Fn(&RecordBatch, usize) -> Option<R>,
) -> Result<Vec<R>> {
    let plan = context.state().create_logical_plan(question).await?;
    let mut batches = context.execute_logical_plan(plan).await?.execute_stream().await?;
    let mut rows = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        for row in 0..batch.num_rows() {
            let row = read(&batch, row);
            rows.push(row.ok_or_else(|| DataFusionError::Internal("a column is missing or empty".into()))?);
        }
    }
    Ok(rows)
}

fn text(batch: &RecordBatch, column: usize, row: usize) -> Option<&str> {
    let texts = batch.column(column).as_string_opt::<i32>()?;
    texts.is_valid(row).then(|| texts.value(row))
}

fn number(batch: &RecordBatch, column: usize, row: usize) -> Option<i64> {
    batch.column(column).as_primitive_opt::<Int64Type>().map(|numbers| numbers.value(row))
}

fn decimal(batch: &RecordBatch, column: usize, row: usize) -> Option<f64> {
    let decimals = batch.column(column).as_primitive_opt::<Float64Type>()?;
    decimals.is_valid(row).then(|| decimals.value(row))
}

fn time(batch: &RecordBatch, column: usize, row: usize) -> Option<i64> {
    let times = batch.column(column).as_primitive_opt::<TimestampMicrosecondType>()?;
    times.is_valid(row).then(|| times.value(row))
}
