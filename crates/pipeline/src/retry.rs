//! Retry: converts again what is in the error zone, after what stood in the way is mended.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use hl7::stream::PieceKind;
use storage::{Lake, error_bytes_key, error_lenient_key, staging_table};
use tokio::sync::Mutex;

use crate::commit::commit;
use crate::convert::Rules;
use crate::delta::{Table, Writer};
use crate::failure::{self, Code, Failure};
use crate::prepare::{prepare, prepare_without};
use crate::resolve::resolve;
use crate::seen::Seen;
use crate::show::{ErrorEntry, errors};
use crate::{Error, MessageId, Receipt, Result, receipts, run};

/// Bytes converted and committed together, save that there is one message at least.
const BATCH_BYTES: usize = 12 << 20;
/// Marks written at the same time: the waits for the disk overlap.
const WRITES: usize = 16;

/// What became of the messages that were tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Retried {
    /// How many there were.
    pub retried: u64,
    /// Staged now.
    pub staged: u64,
    /// Still in error.
    pub error: u64,
}

impl fmt::Display for Retried {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { retried, staged, error } = self;
        write!(formatter, "retried={retried} staged={staged} error={error}")
    }
}

/// Converts messages in error again, under the receipts they have; all of them if `ids` is empty.
///
/// Whether a message is held to the standard is for `rules` to say, whatever it was received under.
pub async fn retry(lake: &Lake, ids: &[MessageId], rules: &Rules) -> Result<Retried> {
    // What it writes is not swept as long as it lives.
    let own = run::Run::begin(lake)?;
    let outcome = retry_all(lake, ids, &rules.of_received()).await;
    own.end();
    outcome
}

async fn retry_all(lake: &Lake, ids: &[MessageId], rules: &Rules) -> Result<Retried> {
    let entries = wanted(lake, ids).await?;
    let mut outcome = Retried { retried: entries.len() as u64, ..Retried::default() };
    let receipts = receipts_of(lake, &entries).await?;
    let mut staging = Writer::open(Table::at(lake, staging_table())?).await?;
    let staged = Mutex::new(Seen::open(lake, staging.table()).await?);
    let mut batch = Vec::new();
    let mut waived = HashSet::new();
    let mut bytes = 0;
    let mut waiting = receipts.into_iter().peekable();
    while let Some(receipt) = waiting.next() {
        // What was too long to be read, or could not be unpacked, is no more readable now.
        if !receipt.sha256.is_empty() {
            if receipt.strict && !rules.strict {
                waived.insert(receipt.message_id);
            }
            let receipt = Receipt { strict: rules.strict, ..receipt };
            let message = lake.read(&error_bytes_key(&receipt.message_id.to_string())).await?;
            bytes += message.len();
            batch.push((receipt, message));
        }
        if bytes >= BATCH_BYTES || waiting.peek().is_none() {
            let messages = std::mem::take(&mut batch);
            outcome.staged += stage(lake, &mut staging, &staged, messages, &entries, rules, &waived).await?;
            bytes = 0;
        }
    }
    outcome.error = outcome.retried - outcome.staged;
    Ok(outcome)
}

/// Stages what can be converted, and brings the error table up to date; gives how many are in error no more.
async fn stage(
    lake: &Lake,
    staging: &mut Writer,
    staged: &Mutex<Seen>,
    messages: Vec<(Receipt, Bytes)>,
    entries: &HashMap<MessageId, ErrorEntry>,
    rules: &Rules,
    waived: &HashSet<MessageId>,
) -> Result<u64> {
    let messages = Arc::new(messages);
    let table = staging.table().clone();
    let prepared = prepare(lake, &table, &messages, rules).await?;
    let mut resolved = HashSet::new();
    if let Some(addition) = prepared.addition {
        // What another has staged meanwhile is in error no more either.
        resolved.extend(addition.known.ids.iter().copied());
        mark(lake, addition.known.ids.iter().filter(|id| waived.contains(id))).await?;
        let again = |left_out| {
            let (table, messages) = (table.clone(), messages.clone());
            async move { prepare_without(lake, &table, &messages, rules, &left_out).await }.boxed()
        };
        commit(staging, staged, addition, again).await?;
    }
    let mut renewed = prepared.failures;
    renewed.retain(|failure| {
        let entry = entries.get(&failure.receipt.message_id);
        entry.is_none_or(|entry| {
            let is_new = entry.reason != failure.reason.text || entry.code != failure.reason.code.text();
            // Bytes without a message are the same as before: what they are was told better when they were received.
            is_new && !(entry.code == Code::NoMessage.text() && has_no_message(failure, rules))
        })
    });
    for failure in &renewed {
        failure::put_again(lake, failure).await?;
    }
    resolve(lake, &resolved, &renewed).await?;
    Ok(resolved.len() as u64)
}

fn has_no_message(failure: &Failure, rules: &Rules) -> bool {
    let limit = rules.options.limits.message_bytes;
    let bytes = failure.bytes.as_deref().unwrap_or_default();
    !hl7::stream::pieces(bytes, limit).any(|piece| piece.kind == PieceKind::Message)
}

/// Marks messages that are about to be staged although their receipts would hold them to the standard: a replay
/// does as was done here.
async fn mark(lake: &Lake, ids: impl Iterator<Item = &MessageId>) -> Result<()> {
    let ids: Vec<MessageId> = ids.copied().collect();
    stream::iter(ids)
        .map(async |id| lake.put_new(&error_lenient_key(&id.to_string()), Bytes::from_static(b"\n")).await)
        .buffer_unordered(WRITES)
        .try_for_each(async |_| Ok(()))
        .await?;
    Ok(())
}

/// The open errors of the ids, or all.
async fn wanted(lake: &Lake, ids: &[MessageId]) -> Result<HashMap<MessageId, ErrorEntry>> {
    let open = errors(lake).await?.into_iter();
    let mut open: HashMap<MessageId, ErrorEntry> =
        open.filter_map(|entry| Some((MessageId::parse(&entry.message_id)?, entry))).collect();
    if ids.is_empty() {
        return Ok(open);
    }
    if let Some(unknown) = ids.iter().find(|id| !open.contains_key(id)) {
        return Err(Error::NotInError { id: unknown.to_string() });
    }
    open.retain(|id, _| ids.contains(id));
    Ok(open)
}

/// The first receipt of each message, in the order of receiving.
async fn receipts_of(lake: &Lake, entries: &HashMap<MessageId, ErrorEntry>) -> Result<Vec<Receipt>> {
    let mut found = Vec::new();
    let mut known = HashSet::new();
    if entries.is_empty() {
        return Ok(found);
    }
    for batch in run::batches(lake).await? {
        for receipt in receipts::read(lake, &batch).await? {
            if entries.contains_key(&receipt.message_id) && known.insert(receipt.message_id) {
                found.push(receipt);
            }
        }
        if known.len() == entries.len() {
            break;
        }
    }
    Ok(found)
}
