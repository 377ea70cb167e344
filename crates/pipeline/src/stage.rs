//! The half of a run that converts and commits: batches in, rows of tables and objects of the error zone out.
//!
//! Receipts become durable and messages are converted on all cores; what decides on duplicates and what makes
//! rows visible goes one batch after the other, in the order of receiving.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use futures::future::FutureExt;
use futures::stream::{self, FuturesOrdered};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use storage::{Lake, error_table, staging_table};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use crate::commit::{Addition, commit};
use crate::convert::Rules;
use crate::delta::{DataFile, Table, Writer};
use crate::failure::{self, Failure, Reason};
use crate::feed::News;
use crate::ingest::Progress;
use crate::prepare::{Prepared, prepare, prepare_without};
use crate::resolve::resolve;
use crate::seen::{Claim, Known, Seen};
use crate::split::{Content, Found};
use crate::{Accounting, Error, MessageId, Receipt, Result, receipts, run, workers};

/// Objects of the error zone written at the same time: the waits for the disk overlap.
const WRITES: usize = 16;

/// What is converted and committed together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) name: String,
    pub(crate) found: Vec<Found>,
    /// Raw objects of which nothing comes after this batch.
    pub(crate) finished: Vec<Path>,
}

/// A batch whose receipts are durable.
#[derive(Debug)]
pub(crate) struct Receipted {
    /// The batch that is settled when all of these are committed; `None` if more of it is to come.
    pub(crate) settles: Option<String>,
    pub(crate) messages: Vec<(Receipt, Content)>,
}

/// A batch whose messages are converted.
pub(crate) struct Converted {
    settles: Option<String>,
    accounting: Accounting,
    /// Bytes of all that was received.
    bytes: u64,
    messages: Arc<Vec<(Receipt, Bytes)>>,
    prepared: Prepared,
    failures: Vec<Failure>,
    /// The same bytes as a message before them of which it is not yet known whether it can be converted.
    underway: Vec<MessageId>,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) accounting: Accounting,
    /// Messages that have a row by this batch.
    pub(crate) staged: HashSet<MessageId>,
    /// Messages that went to the error zone, and why.
    pub(crate) errors: HashMap<MessageId, Reason>,
    /// Messages with the bytes of one that went there by a batch that was under way before.
    pub(crate) shared: HashSet<MessageId>,
}

/// The ids of the staging table, for others to look into as well.
pub(crate) type SharedSeen = Arc<Mutex<Seen>>;

/// The tables of a lake, open for adding.
pub(crate) struct Stage {
    lake: Lake,
    rules: Rules,
    staging: Writer,
    staged: SharedSeen,
    errors: Writer,
    failed: Mutex<Seen>,
    reused_control_ids: u64,
    progress: Arc<Progress>,
}

impl Stage {
    pub(crate) async fn open(lake: &Lake, rules: &Rules, progress: Arc<Progress>) -> Result<Self> {
        // In this order: what is committed between the two is read again, and not passed over.
        let staging = Writer::open(Table::at(lake, staging_table())?).await?;
        let errors = Writer::open(Table::at(lake, error_table())?).await?;
        Ok(Self {
            lake: lake.clone(),
            rules: rules.clone(),
            staged: Arc::new(Mutex::new(Seen::open(lake, staging.table()).await?)),
            staging,
            failed: Mutex::new(Seen::open(lake, errors.table()).await?),
            errors,
            reused_control_ids: 0,
            progress,
        })
    }

    /// The same tables, for messages under other rules.
    pub(crate) fn with_rules(self, rules: &Rules) -> Self {
        Self { rules: rules.clone(), ..self }
    }

    /// Why a table's newest checkpoint could not be written, if one could not; told once.
    pub(crate) fn take_checkpoint_failure(&mut self) -> Option<Error> {
        let staging = self.staging.take_checkpoint_failure();
        let errors = self.errors.take_checkpoint_failure();
        staging.or(errors)
    }

    /// How many messages this run staged whose control ID another message of their sender has.
    pub(crate) fn reused_control_ids(&self) -> u64 {
        self.reused_control_ids
    }

    /// The same since it was last asked.
    pub(crate) fn take_reused_control_ids(&mut self) -> u64 {
        std::mem::take(&mut self.reused_control_ids)
    }

    /// How many commits another writer was faster than, since it was last asked; each was tried again.
    pub(crate) fn take_conflicts(&mut self) -> u64 {
        self.staging.take_overtaken() + self.errors.take_overtaken()
    }

    /// Keeps what is known of ids for the next run. If that fails, the next run reads it from the tables.
    pub(crate) async fn keep_seen(&mut self) {
        let _ = self.staged.lock().await.keep().await;
        let _ = self.failed.lock().await.keep().await;
    }

    /// The ids of the staging table.
    pub(crate) fn staged_ids(&self) -> SharedSeen {
        self.staged.clone()
    }

    /// Takes batches until there are no more.
    pub(crate) async fn run(mut self, batches: mpsc::Receiver<Batch>) -> Result<(Self, Accounting)> {
        let lake = self.lake.clone();
        let receipted = stream::unfold(batches, async |mut batches| Some((batches.recv().await?, batches)))
            // One after the other: what one says must be remembered before the next is looked at.
            .map(move |batch| tokio::spawn(receive(lake.clone(), batch)))
            .buffered(1)
            .map(|joined| joined.map_err(Into::into).flatten());
        let accounting = self.stage(receipted.boxed()).await?;
        Ok((self, accounting))
    }

    /// Converts and commits batches whose receipts are durable.
    pub(crate) async fn stage(
        &mut self,
        mut receipted: stream::BoxStream<'_, Result<Receipted>>,
    ) -> Result<Accounting> {
        let mut accounting = Accounting::default();
        let mut converting: FuturesOrdered<JoinHandle<Result<Converted>>> = FuturesOrdered::new();
        loop {
            let has_room = converting.len() < workers::count();
            tokio::select! {
                biased;
                Some(converted) = converting.next(), if !converting.is_empty() => {
                    accounting += self.commit(converted??).await?.accounting;
                }
                batch = receipted.next(), if has_room => match batch {
                    Some(batch) => {
                        let work = self.convert(batch?).await?;
                        converting.push_back(tokio::spawn(work));
                    }
                    None => break,
                },
            }
        }
        while let Some(converted) = converting.next().await {
            accounting += self.commit(converted??).await?.accounting;
        }
        Ok(accounting)
    }

    /// Decides which messages of a batch are new; gives the work of converting those.
    pub(crate) async fn convert(
        &mut self,
        batch: Receipted,
    ) -> Result<impl Future<Output = Result<Converted>> + Send + 'static> {
        let Receipted { settles, messages } = batch;
        let mut accounting = Accounting { received: messages.len() as u64, ..Accounting::default() };
        let bytes = messages.iter().map(|(receipt, _)| receipt.raw_length).sum();
        let limit = self.rules.options.limits.message_bytes;
        let (mut readable, mut failures) = (Vec::new(), Vec::new());
        for (receipt, content) in messages {
            if receipt.filtered_by.is_some() {
                accounting.filtered += 1;
                continue;
            }
            let (bytes, reason) = match content {
                Content::Message(bytes) => {
                    readable.push((receipt, bytes));
                    continue;
                }
                Content::Junk(bytes) => (Some(bytes), Reason::no_message()),
                Content::NoMessage(whole) if whole.is_binary => (None, Reason::binary()),
                Content::NoMessage(_) => (None, Reason::no_message()),
                Content::Damaged => (Some(Bytes::new()), Reason::damaged_archive()),
                Content::TooLong => (None, Reason::too_long(limit)),
            };
            failures.push(Failure { receipt, bytes, reason });
        }
        let ids: Vec<_> = readable.iter().map(|(receipt, _)| receipt.message_id).collect();
        let claims = self.staged.lock().await.claim_all(&ids).await?;
        let mut is_new = claims.iter().map(|claim| *claim == Claim::New);
        readable.retain(|_| is_new.next().unwrap_or(false));
        accounting.duplicate += claims.iter().filter(|claim| **claim == Claim::Held).count() as u64;
        let underway = claims.iter().zip(ids).filter(|(claim, _)| **claim == Claim::Underway);
        let underway = underway.map(|(_, id)| id).collect();

        let (lake, table, rules) = (self.lake.clone(), self.staging.table().clone(), self.rules.clone());
        Ok(async move {
            let prepared = prepare(&lake, &table, &readable, &rules).await?;
            Ok(Converted {
                settles,
                accounting,
                bytes,
                messages: Arc::new(readable),
                prepared,
                failures,
                underway,
            })
        })
    }

    /// Makes a batch visible, and says that it is done with; batches come in the order in which they were given to be converted.
    pub(crate) async fn commit(&mut self, converted: Converted) -> Result<Outcome> {
        let Converted { settles, mut accounting, bytes, messages, prepared, mut failures, underway } =
            converted;
        {
            let mut staged = self.staged.lock().await;
            prepared.failures.iter().for_each(|failure| staged.release(failure.receipt.message_id));
        }
        failures.extend(prepared.failures);
        accounting.error += failures.len() as u64;
        let reason = |failure: &Failure| (failure.receipt.message_id, failure.reason.clone());
        let errors = failures.iter().map(reason).collect();
        let mut new = HashSet::new();
        put_failures(&self.lake, &mut self.errors, &self.failed, failures).await?;

        if let Some(addition) = prepared.addition {
            let ids = addition.known.ids.clone();
            let (lake, table, rules) = (&self.lake, self.staging.table().clone(), &self.rules);
            let again = |left_out| {
                let (table, messages) = (table.clone(), messages.clone());
                async move { prepare_without(lake, &table, &messages, rules, &left_out).await }.boxed()
            };
            let committed = commit(&mut self.staging, &self.staged, addition, again).await?;
            let left_out = committed.left_out.len();
            accounting.staged += (ids.len() - left_out) as u64;
            accounting.duplicate += left_out as u64;
            self.reused_control_ids += committed.reused_control_ids;
            self.resolve(&ids).await?;
            new.extend(ids.into_iter().filter(|id| !committed.left_out.contains(id)));
        }
        // By now those before them have found their end, and they share it.
        let held = self.staged.lock().await.hold_all(&underway).await?;
        let staged = held.iter().filter(|held| **held).count() as u64;
        accounting.duplicate += staged;
        accounting.error += underway.len() as u64 - staged;
        let shared = underway.into_iter().zip(held).filter(|(_, held)| !held).map(|(id, _)| id).collect();
        if let Some(batch) = &settles {
            run::settle(&self.lake, batch).await?;
        }
        self.progress.settle(accounting.received, bytes);
        Ok(Outcome { accounting, staged: new, errors, shared })
    }
}

impl Stage {
    /// What is staged is in error no more.
    async fn resolve(&mut self, staged: &[MessageId]) -> Result<()> {
        let failed = self.failed.lock().await.hold_all(staged).await?;
        let resolved = staged.iter().zip(failed).filter(|(_, failed)| *failed).map(|(id, _)| *id).collect();
        resolve(&self.lake, &resolved, &[]).await
    }
}

/// Puts failures in the error zone; one that is there already is left as it is.
pub(crate) async fn put_failures(
    lake: &Lake,
    errors: &mut Writer,
    failed: &Mutex<Seen>,
    mut failures: Vec<Failure>,
) -> Result<()> {
    let ids: Vec<_> = failures.iter().map(|failure| failure.receipt.message_id).collect();
    let mut claims = failed.lock().await.claim_all(&ids).await?.into_iter();
    failures.retain(|_| claims.next() == Some(Claim::New));
    if failures.is_empty() {
        return Ok(());
    }
    let table = errors.table().clone();
    let failures = Arc::new(failures);
    put_all(lake, &failures).await?;
    let again = |left_out: HashSet<_>| {
        let (lake, table, failures) = (lake.clone(), table.clone(), failures.clone());
        async move {
            let kept = failures.iter().filter(|failure| !left_out.contains(&failure.receipt.message_id));
            write_rows(&lake, &table, &kept.collect::<Vec<_>>()).await
        }
        .boxed()
    };
    if let Some(addition) = again(HashSet::new()).await? {
        commit(errors, failed, addition, again).await?;
    }
    Ok(())
}

/// Hashes the messages of a batch, asks the filters of their feeds, and writes their receipts.
async fn receive(lake: Lake, batch: Batch) -> Result<Receipted> {
    let Batch { name, found, finished } = batch;
    let looked_at = tokio::task::spawn_blocking(move || {
        let mut news = News::default();
        let messages = found.into_iter().map(|found| (found.receipt(&mut news), found.content));
        (messages.collect::<Vec<_>>(), news)
    });
    let (messages, news) = looked_at.await?;
    let receipts: Vec<&Receipt> = messages.iter().map(|(receipt, _)| receipt).collect();
    receipts::write(&lake, &name, &receipts, &finished).await?;
    news.remember();
    Ok(Receipted { settles: Some(name), messages })
}

/// Puts the bytes and reports of failures in the error zone.
async fn put_all(lake: &Lake, failures: &Arc<Vec<Failure>>) -> Result<()> {
    stream::iter(0..failures.len())
        .map(|position| {
            let (lake, failures) = (lake.clone(), failures.clone());
            async move { failure::put(&lake, &failures[position]).await }
        })
        .buffer_unordered(WRITES)
        .try_for_each(|()| futures::future::ok(()))
        .await
}

/// Writes rows of the error table, not yet visible.
async fn write_rows(lake: &Lake, table: &Table, failures: &[&Failure]) -> Result<Option<Addition>> {
    if failures.is_empty() {
        return Ok(None);
    }
    let rows = failure::rows(failures)?;
    let ids = failures.iter().map(|failure| failure.receipt.message_id).collect();
    let (schema, known) = (rows.schema(), Known::of(ids, &rows));
    let (file, bytes) = DataFile::of(rows)?;
    lake.put_new(&table.key_of(&file.path), bytes).await?;
    Ok(Some(Addition { known, schema, file }))
}
