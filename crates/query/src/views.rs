//! `receipts` and `errors`: what the log of a lake says, seen together with what became of it.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::ViewTable;
use datafusion::execution::context::SessionContext;

use crate::Result;

/// The receipts alone, without what became of them.
pub(crate) const LEDGER_OF_RECEIPTS: &str = "lake.ledger.receipts";

/// Every receipt with what became of it. An id that is staged is so whatever else is known of it.
const RECEIPTS: &str = "
    SELECT receipt.*,
        CASE
            WHEN receipt.filtered_by IS NOT NULL THEN 'filtered'
            WHEN staged.raw_key = receipt.raw_key AND staged.raw_offset = receipt.raw_offset
                AND staged.received_at = receipt.received_at THEN 'staged'
            WHEN staged.message_id IS NOT NULL THEN 'duplicate'
            WHEN failed.message_id IS NOT NULL THEN 'error'
            ELSE 'pending'
        END AS fate
    FROM lake.ledger.receipts AS receipt
    LEFT JOIN lake.main.staging AS staged ON staged.message_id = receipt.message_id
    LEFT JOIN lake.ledger.errors AS failed ON failed.message_id = receipt.message_id";

/// The same where nothing has failed.
const RECEIPTS_WITHOUT_ERRORS: &str = "
    SELECT receipt.*,
        CASE
            WHEN receipt.filtered_by IS NOT NULL THEN 'filtered'
            WHEN staged.raw_key = receipt.raw_key AND staged.raw_offset = receipt.raw_offset
                AND staged.received_at = receipt.received_at THEN 'staged'
            WHEN staged.message_id IS NOT NULL THEN 'duplicate'
            ELSE 'pending'
        END AS fate
    FROM lake.ledger.receipts AS receipt
    LEFT JOIN lake.main.staging AS staged ON staged.message_id = receipt.message_id";

/// Whoever stages a failed message takes its row out of the table; between the two, staged wins.
const ERRORS: &str = "
    SELECT failed.* FROM lake.ledger.errors AS failed
    LEFT ANTI JOIN lake.main.staging AS staged ON staged.message_id = failed.message_id";

/// A control ID is unique for the application and the facility that send it (HL7 v2.5.1, 2.15.9.10): what has one in
/// common with a message of other content.
const REUSED_CONTROL_IDS: &str = "
    SELECT one.feed, one.sending_application, one.sending_facility, one.control_id, one.message_id, one.received_at,
        one.sequence, one.message_type, one.trigger_event, reused.messages
    FROM lake.main.staging AS one
    JOIN (
        SELECT feed, sending_application, sending_facility, control_id, count(*) AS messages
        FROM lake.main.staging WHERE control_id <> ''
        GROUP BY feed, sending_application, sending_facility, control_id
        HAVING count(*) > 1
    ) AS reused
        ON reused.control_id = one.control_id AND reused.feed = one.feed
        AND (reused.sending_application IS NOT DISTINCT FROM one.sending_application)
        AND (reused.sending_facility IS NOT DISTINCT FROM one.sending_facility)";

/// The view of the receipts up to a moment, in microseconds since 1970.
pub(crate) async fn receipts(
    context: &SessionContext,
    has_errors: bool,
    moment: Option<i64>,
) -> Result<Arc<dyn TableProvider>> {
    let receipts = if has_errors { RECEIPTS } else { RECEIPTS_WITHOUT_ERRORS };
    view(context, &format!("{receipts}{}", received_until(moment))).await
}

/// The condition on a `receipt` that it was written up to a moment.
pub(crate) fn received_until(moment: Option<i64>) -> String {
    let until = |moment| {
        format!(" WHERE receipt.received_at <= arrow_cast({moment}, 'Timestamp(Microsecond, Some(\"UTC\"))')")
    };
    moment.map(until).unwrap_or_default()
}

/// The view of what has failed and is not staged.
pub(crate) async fn errors(context: &SessionContext) -> Result<Arc<dyn TableProvider>> {
    view(context, ERRORS).await
}

/// The view of messages whose senders gave them a control ID twice.
pub(crate) async fn reused_control_ids(context: &SessionContext) -> Result<Arc<dyn TableProvider>> {
    view(context, REUSED_CONTROL_IDS).await
}

pub(crate) async fn view(context: &SessionContext, query: &str) -> Result<Arc<dyn TableProvider>> {
    let plan = context.state().create_logical_plan(query).await?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}
