//! Replay: builds staging anew from raw and receipts, while others ingest and ask.
//!
//! At the beginning the settled receipts and the state of the table are fixed. Messages are converted in batches
//! into files that no commit names, so that nobody sees them. One commit at the end takes out every file that holds
//! a message of the scope and brings in the new ones, with copies of the other rows of those files. Readers see
//! the table before or the table after. What others commit meanwhile stays; a message they staged first is theirs.

mod feeds;
mod first;
mod keep;
mod mark;
mod progress;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use bytes::Bytes;
use futures::{StreamExt, stream};
use object_store::path::Path;
use storage::{Lake, error_table, raw, settled_prefix, staging_table};
use tokio::sync::Mutex;

use self::first::First;
use self::mark::Mark;
pub(crate) use self::mark::is_under_way;
pub use self::progress::ReplayProgress;
use crate::convert::Rules;
use crate::delta::{Attempt, DataFile, ListedFile, Table, Writer};
use crate::failure::Failure;
use crate::prepare::{Prepared, prepare};
use crate::resolve::resolve;
use crate::seen::{Seen, ids_in};
use crate::stage::put_failures;
use crate::{Error, MessageId, Receipt, Result, receipts, run, sha256};

/// Messages converted together, at most.
const BATCH_MESSAGES: usize = 8_192;
/// Bytes of messages converted together, save that there is one message at least.
const BATCH_BYTES: usize = 12 << 20;
/// How often a replay begins anew because another took files away under it.
const ATTEMPTS: usize = 3;

/// Which messages are replayed: those whose first receipt is of the feed and in the time.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The sender's stream.
    pub feed: Option<String>,
    /// Received at this time or later, in microseconds since 1970, UTC.
    pub from: Option<i64>,
    /// Received before this time, in microseconds since 1970, UTC.
    pub to: Option<i64>,
}

impl Scope {
    fn is_all(&self) -> bool {
        self.feed.is_none() && self.from.is_none() && self.to.is_none()
    }
}

/// What became of the messages of the scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Replayed {
    /// How many there are.
    pub replayed: u64,
    /// Rows that were built anew.
    pub staged: u64,
    /// In error now.
    pub error: u64,
    /// Rows of other messages that were copied as they are.
    pub kept: u64,
}

impl fmt::Display for Replayed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { replayed, staged, error, kept } = self;
        write!(formatter, "replayed={replayed} staged={staged} error={error} kept={kept}")
    }
}

/// Replays the messages of a scope, each under the rules it was received with, or was staged with by a retry.
///
/// # Errors
/// [`Error::UnknownFeed`] and [`Error::EmptySpan`] when no message can be in the scope.
pub async fn replay(
    lake: &Lake,
    scope: &Scope,
    rules: &Rules,
    progress: &Arc<ReplayProgress>,
) -> Result<Replayed> {
    if scope.from.zip(scope.to).is_some_and(|(from, to)| from >= to) {
        return Err(Error::EmptySpan);
    }
    let rules = Rules { strict: false, ..rules.of_received() };
    let mark = Mark::put(lake).await?;
    let ended = attempt(lake, scope, &rules, progress).await;
    mark.remove(lake).await;
    ended
}

async fn attempt(
    lake: &Lake,
    scope: &Scope,
    rules: &Rules,
    progress: &Arc<ReplayProgress>,
) -> Result<Replayed> {
    for _ in 0..ATTEMPTS {
        let replay = Replay::begin(lake, scope, rules, progress).await?;
        if let Some(replayed) = replay.run().await? {
            return Ok(replayed);
        }
    }
    Err(Error::TableInUse)
}

struct Replay<'l> {
    lake: &'l Lake,
    rules: &'l Rules,
    progress: &'l Arc<ReplayProgress>,
    is_all: bool,
    writer: Writer,
    /// The files of the table at the beginning.
    files: Vec<ListedFile>,
    /// Files that came in since.
    new_files: HashSet<Path>,
    batches: Vec<String>,
    first: First,
}

/// A file of messages built anew.
struct Built {
    schema: SchemaRef,
    file: DataFile,
    rows: u64,
}

impl<'l> Replay<'l> {
    async fn begin(
        lake: &'l Lake,
        scope: &Scope,
        rules: &'l Rules,
        progress: &'l Arc<ReplayProgress>,
    ) -> Result<Self> {
        // In this order: what is settled is in the table.
        let settled = lake.list(&settled_prefix()).await?;
        let settled: HashSet<&str> = settled.iter().filter_map(|mark| mark.key.filename()).collect();
        let mut batches = run::batches(lake).await?;
        batches.retain(|batch| settled.contains(batch.as_str()));
        let writer = Writer::open(Table::at(lake, staging_table())?).await?;
        let (_, files) = writer.table().listed().await?;
        let first = First::of(lake, &batches, scope).await?;
        progress.begin(first.len());
        let is_all = scope.is_all();
        Ok(Self { lake, rules, progress, is_all, writer, files, new_files: HashSet::new(), batches, first })
    }

    /// Does it all; gives nothing if another has taken files away that were to be replaced.
    async fn run(mut self) -> Result<Option<Replayed>> {
        let (removes, copies, kept) = self.keep().await?;
        let (mut built, failures, staged) = self.build().await?;
        let error = self.first.len() - staged;
        let mut errors = Writer::open(Table::at(self.lake, error_table())?).await?;
        let failed = Mutex::new(Seen::open(self.lake, errors.table()).await?);
        put_failures(self.lake, &mut errors, &failed, failures).await?;
        for Built { schema, .. } in &built {
            let theirs = self.writer.widen(schema).await?;
            self.note(theirs);
        }
        let theirs = self.writer.catch_up().await?;
        self.note(theirs);
        loop {
            if removes.iter().any(|file| self.writer.has_removed(&file.key)) {
                return Ok(None);
            }
            self.leave_out_theirs(&mut built).await?;
            let adds: Vec<DataFile> =
                built.iter().map(|built| built.file.clone()).chain(copies.iter().cloned()).collect();
            if adds.is_empty() && removes.is_empty() {
                break;
            }
            match self.writer.try_swap(&removes, &adds).await? {
                Attempt::Done => break,
                Attempt::Overtaken { new_files } => self.note(new_files),
            }
        }
        self.resolve_staged(&failed, &built).await?;
        Ok(Some(Replayed { replayed: self.first.len(), staged, error, kept }))
    }

    fn note(&mut self, files: Vec<Path>) {
        let known: HashSet<&Path> = self.files.iter().map(|file| &file.key).collect();
        self.new_files.extend(files.into_iter().filter(|file| !known.contains(file)));
    }

    /// Finds the files to replace, and copies those of their rows that are not in the scope.
    async fn keep(&self) -> Result<(Vec<ListedFile>, Vec<DataFile>, u64)> {
        let (mut removes, mut copies, mut kept) = (Vec::new(), Vec::new(), 0);
        for file in &self.files {
            let others = match ids_in(self.lake, &file.key).await {
                Ok(ids) => {
                    let others = ids.iter().filter(|id| !self.first.holds(**id)).count();
                    if others == ids.len() && !ids.is_empty() {
                        continue;
                    }
                    others as u64
                }
                // All that was in it is in the receipts.
                Err(_) if self.is_all => 0,
                Err(error) => {
                    return Err(Error::UnreadableFile {
                        key: file.key.to_string(),
                        reason: error.to_string(),
                    });
                }
            };
            if others > 0 {
                let stays = |id: MessageId| !self.first.holds(id);
                copies.extend(keep::copy(self.lake, self.writer.table(), file, stays).await?);
                kept += others;
            }
            removes.push(file.clone());
        }
        Ok((removes, copies, kept))
    }

    /// Converts all messages of the scope into files that nobody sees yet.
    async fn build(&self) -> Result<(Vec<Built>, Vec<Failure>, u64)> {
        let (mut built, mut failures, mut staged) = (Vec::new(), Vec::new(), 0);
        let work = stream::unfold(Reader::new(self), async |mut reader| {
            let messages = reader.next().await.transpose()?;
            Some((messages, reader))
        });
        let prepared = work
            .map(|messages| async {
                let messages = messages?;
                let (lake, rules, progress) = (self.lake.clone(), self.rules.clone(), self.progress.clone());
                let table = self.writer.table().clone();
                tokio::spawn(async move {
                    let prepared = prepare(&lake, &table, &messages, &rules).await?;
                    let bytes = messages.iter().map(|(_, bytes)| bytes.len() as u64).sum();
                    progress.converted(messages.len() as u64, bytes);
                    Ok::<Prepared, Error>(prepared)
                })
                .await?
            })
            .buffered(std::thread::available_parallelism().map_or(1, Into::into));
        futures::pin_mut!(prepared);
        while let Some(prepared) = prepared.next().await {
            let Prepared { addition, failures: more } = prepared?;
            failures.extend(more.into_iter().map(|failure| Failure { bytes: None, ..failure }));
            if let Some(addition) = addition {
                let rows = addition.known.ids.len() as u64;
                staged += rows;
                built.push(Built { schema: addition.schema, file: addition.file, rows });
            }
        }
        Ok((built, failures, staged))
    }

    /// Leaves messages out of the new files that another writer has staged meanwhile.
    async fn leave_out_theirs(&mut self, built: &mut Vec<Built>) -> Result<()> {
        let mut theirs = HashSet::new();
        for file in self.new_files.drain() {
            theirs.extend(ids_in(self.lake, &file).await?.into_iter().filter(|id| self.first.holds(*id)));
        }
        if theirs.is_empty() {
            return Ok(());
        }
        let table = self.writer.table().clone();
        for Built { schema, file, rows } in std::mem::take(built) {
            let listed = ListedFile {
                key: table.key_of(&file.path),
                size: file.size as u64,
                rows: Some(rows),
                documents: file
                    .tags
                    .get("carelake.documents")
                    .and_then(|key| Path::parse(key.as_str()?).ok()),
                order: Default::default(),
            };
            if !ids_in(self.lake, &listed.key).await?.iter().any(|id| theirs.contains(id)) {
                built.push(Built { schema, file, rows });
                continue;
            }
            let copies = keep::copy(self.lake, &table, &listed, |id| !theirs.contains(&id)).await?;
            built.extend(copies.into_iter().map(|file| Built { schema: schema.clone(), file, rows }));
        }
        Ok(())
    }

    /// Takes out of the error table what is staged now.
    async fn resolve_staged(&self, failed: &Mutex<Seen>, built: &[Built]) -> Result<()> {
        let mut resolved = HashSet::new();
        for built in built {
            let ids = ids_in(self.lake, &self.writer.table().key_of(&built.file.path)).await?;
            let in_error = failed.lock().await.hold_all(&ids).await?;
            resolved
                .extend(ids.into_iter().zip(in_error).filter(|(_, in_error)| *in_error).map(|(id, _)| id));
        }
        resolve(self.lake, &resolved, &[]).await
    }
}

/// Reads the messages of the scope from raw, in the order of receiving.
struct Reader<'r> {
    replay: &'r Replay<'r>,
    batches: std::slice::Iter<'r, String>,
    receipts: std::vec::IntoIter<Receipt>,
    /// Of the receipt that comes next.
    number: u64,
    raw: raw::Forward,
}

impl<'r> Reader<'r> {
    fn new(replay: &'r Replay<'r>) -> Self {
        let raw = raw::Forward::new(replay.lake);
        Self { replay, batches: replay.batches.iter(), receipts: Vec::new().into_iter(), number: 0, raw }
    }

    /// The next messages to convert together; nothing after the last.
    async fn next(&mut self) -> Result<Option<Vec<(Receipt, Bytes)>>> {
        let (mut messages, mut bytes) = (Vec::new(), 0);
        while messages.len() < BATCH_MESSAGES && bytes < BATCH_BYTES {
            let Some(receipt) = self.next_receipt().await? else { break };
            // What was too long to be read, or could not be unpacked, is in error and stays there.
            if receipt.sha256.is_empty() {
                self.replay.progress.converted(1, 0);
                continue;
            }
            let range = receipt.raw_offset..receipt.raw_offset + receipt.raw_length;
            let message = self.raw.read(&receipt.raw_key, range).await?;
            // The rows in place may be the last that is left of what was received.
            if sha256(&message) != receipt.sha256 {
                let key = receipt.raw_key.to_string();
                return Err(Error::ChangedRaw { key, offset: receipt.raw_offset });
            }
            bytes += message.len();
            messages.push((receipt, message));
        }
        Ok((!messages.is_empty()).then_some(messages))
    }

    async fn next_receipt(&mut self) -> Result<Option<Receipt>> {
        loop {
            for receipt in self.receipts.by_ref() {
                self.number += 1;
                if self.replay.first.is_first(self.number - 1) {
                    let strict = !self.replay.first.is_lenient(self.number - 1);
                    return Ok(Some(Receipt { strict, ..receipt }));
                }
            }
            let Some(batch) = self.batches.next() else { return Ok(None) };
            self.receipts = receipts::read(self.replay.lake, batch).await?.into_iter();
        }
    }
}
