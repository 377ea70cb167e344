//! The schema `ops`: whether the feeds are alive, and what became of what they sent.
//!
//! `ops.receipts` is a view like others. `ops.feeds` and `ops.feed_volume` are computed when they are asked for, by the same
//! code that answers [`Engine::feeds`](crate::Engine::feeds): the command line and SQL cannot tell different things.

mod feeds;
mod hours;
mod questions;
mod table;

use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::SchemaProvider;
use datafusion::execution::context::SessionContext;
use storage::Lake;

pub use feeds::Feed;
pub use hours::{Silence, Usual};

use crate::{Engine, Result, views};
use feeds::Span;
pub(crate) use table::columns;

/// The receipts with what became of each, and when.
///
/// A row was visible as soon as the commit that names its file was; a file that was rewritten since tells nothing of that.
const RECEIPTS: &str = "
    SELECT receipt.*, visible.visible_at,
        CASE WHEN visible.visible_at IS NOT NULL THEN
            CAST(greatest(CAST(visible.visible_at AS BIGINT) - CAST(receipt.received_at AS BIGINT), 0) AS DOUBLE) / 1000000
        END AS lag_seconds
    FROM lake.main.receipts AS receipt
    LEFT JOIN lake.ledger.visible AS visible
        ON visible.message_id = receipt.message_id AND visible.raw_key = receipt.raw_key
        AND visible.raw_offset = receipt.raw_offset AND visible.received_at = receipt.received_at";

/// The tables of the schema, as the catalog lists them.
pub(crate) const TABLES: [(&str, &str); 3] = [
    ("ops.feeds", "one row for each feed, with what came in the last 24 hours and whether it is alive"),
    ("ops.feed_volume", "one row for each feed and hour of the last week, with what is usual for the hour"),
    ("ops.receipts", "one row for each message received, with its fate and when it could be asked for"),
];

/// Fills the schema, when `lake.ledger` and `lake.main.receipts` are there; gives the columns of `ops.receipts`.
pub(crate) async fn fill(
    schema: &dyn SchemaProvider,
    context: &SessionContext,
    lake: &Lake,
    moment: Option<i64>,
) -> Result<SchemaRef> {
    let receipts = views::view(context, RECEIPTS).await?;
    let columns = receipts.schema();
    schema.register_table("receipts".into(), receipts)?;
    for computed in table::Computed::all(lake, moment) {
        schema.register_table(computed.name().into(), Arc::new(computed))?;
    }
    Ok(columns)
}

impl Engine {
    /// How each feed is that sent anything in the last nine weeks or in the span, which ends now or at the moment that is asked.
    pub async fn feeds(&self, span: Duration) -> Result<Vec<Feed>> {
        let microseconds = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        let span = Span::up_to(self.moment, microseconds);
        Ok(feeds::feeds(&self.context, &self.lake, span, self.moment).await?)
    }
}
