//! The whole journey: receive, land, convert, commit, for any number of inputs.
//!
//! One task lands inputs and cuts them into messages; another converts and commits what is full. The bytes
//! are in the raw zone and the receipts beside them before anything is converted.

use bytes::Bytes;
use hl7::stream::batch::BatchWarning;
use storage::{Lake, error_table, staging_table};
use tokio::sync::mpsc;

use crate::commit::{Addition, commit};
use crate::convert::{Rules, convert};
use crate::delta::{Table, Writer};
use crate::failure::{self, Failure, Reason};
use crate::seen::Seen;
use crate::split::{Content, Contents, Found};
use crate::{Accounting, Error, Input, Receipt, Result, land, receipts};

/// Messages converted and committed together, at most.
const BATCH_MESSAGES: usize = 8_192;
/// Bytes of messages converted and committed together, save that a batch holds one message at least.
const BATCH_BYTES: usize = 32 << 20;

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum Event {
    /// An input had no bytes; nothing was received.
    Empty(Input),
    /// A batch or file is not what its header and trailer say. Its messages are received all the same.
    Batch(Input, BatchWarning),
    /// An input could not be read; the run goes on without it.
    Unreadable(Error),
}

/// How to ingest.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The sender's stream.
    pub feed: String,
    /// How its messages are read.
    pub rules: Rules,
}

impl Default for Settings {
    fn default() -> Self {
        Self { feed: "default".into(), rules: Rules::default() }
    }
}

/// Lands and converts inputs; when it returns, everything counted is durable.
pub async fn ingest(
    lake: &Lake,
    inputs: Vec<Result<Input>>,
    settings: &Settings,
    mut tell: impl FnMut(Event),
) -> Result<Accounting> {
    let stage = Stage::open(lake, settings).await?;
    let (sender, receiver) = mpsc::channel(1);
    let staging = tokio::spawn(stage.run(receiver));
    let read = take_up(lake, inputs, settings, &sender, &mut tell).await;
    drop(sender);
    // What was handed over is finished whatever became of the rest; the first failure is the one to tell.
    let accounting = staging.await?;
    read?;
    accounting
}

type Batch = Vec<Found>;

/// Lands every input and hands over its messages, batch by batch.
async fn take_up(
    lake: &Lake,
    inputs: Vec<Result<Input>>,
    settings: &Settings,
    sender: &mpsc::Sender<Batch>,
    tell: &mut impl FnMut(Event),
) -> Result<()> {
    let mut batch = Filling::default();
    for input in inputs {
        let (input, opened) = match input.and_then(|input| Ok((input.open()?, input))) {
            Ok((opened, input)) => (input, opened),
            Err(error) => {
                tell(Event::Unreadable(error));
                continue;
            }
        };
        let received = input.receive(&settings.feed);
        let landed = match land(lake, &received, opened).await {
            Ok(landed) => landed,
            Err(error @ Error::Input { .. }) => {
                tell(Event::Unreadable(error));
                continue;
            }
            Err(error) => return Err(error),
        };
        if landed.length == 0 {
            tell(Event::Empty(input));
            continue;
        }
        let limit = settings.rules.options.limits.message_bytes;
        let mut contents = Contents::open(lake, &landed, &received, limit).await?;
        while let Some(found) = contents.next().await? {
            if let Some(full) = batch.add(found) {
                hand_over(sender, full).await?;
            }
        }
        for warning in contents.batch_warnings {
            tell(Event::Batch(input.clone(), warning));
        }
    }
    if batch.found.is_empty() { Ok(()) } else { hand_over(sender, batch.found).await }
}

async fn hand_over(sender: &mpsc::Sender<Batch>, batch: Batch) -> Result<()> {
    sender.send(batch).await.map_err(|_| Error::Interrupted)
}

#[derive(Default)]
struct Filling {
    found: Batch,
    bytes: usize,
}

impl Filling {
    /// Adds to the batch; gives the batch back when it is full.
    fn add(&mut self, found: Found) -> Option<Batch> {
        self.bytes += match &found.content {
            Content::Message(bytes) | Content::Junk(bytes) => bytes.len(),
            Content::TooLong | Content::NoMessage => 0,
        };
        self.found.push(found);
        let full = self.found.len() >= BATCH_MESSAGES || self.bytes >= BATCH_BYTES;
        full.then(|| std::mem::take(self).found)
    }
}

/// The half that converts and commits.
struct Stage {
    lake: Lake,
    rules: Rules,
    staging: Writer,
    staged: Seen,
    errors: Writer,
    failed: Seen,
}

impl Stage {
    async fn open(lake: &Lake, settings: &Settings) -> Result<Self> {
        let staging = Table::at(lake, staging_table())?;
        let errors = Table::at(lake, error_table())?;
        Ok(Self {
            lake: lake.clone(),
            rules: settings.rules.clone(),
            staged: Seen::open(lake, &staging).await?,
            staging: Writer::open(staging).await?,
            failed: Seen::open(lake, &errors).await?,
            errors: Writer::open(errors).await?,
        })
    }

    async fn run(mut self, mut batches: mpsc::Receiver<Batch>) -> Result<Accounting> {
        let mut accounting = Accounting::default();
        while let Some(batch) = batches.recv().await {
            accounting += self.stage(batch).await?;
        }
        Ok(accounting)
    }

    async fn stage(&mut self, batch: Batch) -> Result<Accounting> {
        let mut accounting = Accounting { received: batch.len() as u64, ..Accounting::default() };
        let name = uuid::Uuid::new_v4().to_string();
        let receipts: Vec<&Receipt> = batch.iter().map(|found| &found.receipt).collect();
        receipts::write(&self.lake, &name, &receipts).await?;

        let (messages, mut failures) = self.sort(batch, &mut accounting);
        let rules = self.rules.clone();
        let converted = tokio::task::spawn_blocking(move || convert(&messages, &rules)).await??;
        for failure in &converted.failures {
            self.staged.release(failure.receipt.message_id);
        }
        failures.extend(converted.failures);
        accounting.error += failures.len() as u64;
        self.put_failures(failures).await?;

        let rows = converted.rows.num_rows() as u64;
        let addition = Addition { rows: converted.rows, documents: converted.documents };
        let left_out = commit(&self.lake, &mut self.staging, &mut self.staged, addition).await?.len() as u64;
        accounting.staged += rows - left_out;
        accounting.duplicate += left_out;
        Ok(accounting)
    }

    /// Tells new messages from duplicates and from what is no message.
    fn sort(&mut self, batch: Batch, accounting: &mut Accounting) -> (Vec<(Receipt, Bytes)>, Vec<Failure>) {
        let (mut messages, mut failures) = (Vec::new(), Vec::new());
        for Found { receipt, content } in batch {
            let limit = self.rules.options.limits.message_bytes;
            let (bytes, reason) = match content {
                Content::Message(bytes) if self.staged.claim(receipt.message_id) => {
                    messages.push((receipt, bytes));
                    continue;
                }
                Content::Message(_) => {
                    accounting.duplicate += 1;
                    continue;
                }
                Content::Junk(bytes) => (Some(bytes), Reason::no_message()),
                Content::NoMessage => (None, Reason::no_message()),
                Content::TooLong => (None, Reason::too_long(limit)),
            };
            failures.push(Failure { receipt, bytes, reason });
        }
        (messages, failures)
    }

    /// Puts failures in the error zone; one that is there already is counted and left as it is.
    async fn put_failures(&mut self, mut failures: Vec<Failure>) -> Result<()> {
        failures.retain(|failure| self.failed.claim(failure.receipt.message_id));
        if failures.is_empty() {
            return Ok(());
        }
        for failure in &failures {
            failure::put(&self.lake, failure).await?;
        }
        let addition = Addition { rows: failure::rows(&failures)?, documents: Vec::new() };
        commit(&self.lake, &mut self.errors, &mut self.failed, addition).await?;
        Ok(())
    }
}
