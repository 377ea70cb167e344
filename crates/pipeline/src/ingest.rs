//! The whole journey: receive, land, convert, commit, for any number of inputs.
//!
//! One task lands inputs and cuts them into messages; [`Stage`] converts and commits them in batches. The bytes
//! are in the raw zone and the receipts beside them before anything is converted.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::{StreamExt, stream};
use hl7::stream::batch::BatchWarning;
use hl7::{Limits, Options};
use object_store::path::Path;
use storage::Lake;
use tokio::sync::mpsc;

use crate::convert::Rules;
use crate::run::Run;
use crate::split::{Content, Contents, Found};
use crate::stage::{Batch, Stage};
use crate::{
    Accounting, Error, FeedRules, FeedsByName, Input, Landed, Received, Result, content, land, recover,
};

/// Messages converted and committed together, at most.
const BATCH_MESSAGES: usize = 8_192;
/// Bytes of messages converted and committed together, save that a batch holds one message at least.
const BATCH_BYTES: usize = 12 << 20;
/// Raw objects that one batch can say are finished.
const BATCH_OBJECTS: usize = 8_192;
/// Inputs that are landed at the same time: the waits for the disk overlap.
const LANDINGS: usize = 8;

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum Event {
    /// All bytes of an input, as far as they were read, are durable in the raw zone.
    Landed {
        /// The input.
        input: Input,
        /// Bytes.
        length: u64,
        /// SHA-256 of them, in hex.
        sha256: String,
    },
    /// An input had no bytes; nothing was received.
    Empty(Input),
    /// A batch or file is not what its header and trailer say. Its messages are received all the same.
    Batch(Input, BatchWarning),
    /// An input could not be read; the run goes on without it.
    Unreadable(Error),
    /// A file was written to while it was read. What had been read is taken up; the file is to be taken up again.
    Changed(Input),
    /// A checkpoint of a table's log could not be written. Nothing is lost: opening takes longer until the next.
    Checkpoint(Error),
    /// So many messages have a control ID (MSH-10) that another message of the same feed, application and facility
    /// has, with other bytes. They are staged: which of them counts is for the sender to say.
    ReusedControlIds(u64),
    /// What interrupted runs had landed and not finished is finished now.
    Recovered(Accounting),
}

/// How to ingest.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The sender's stream, and what it decides about its messages.
    pub feed: Arc<FeedRules>,
    /// All feeds that have rules, for what interrupted runs have landed.
    pub feeds: FeedsByName,
    /// How large a message may be.
    pub limits: Limits,
    /// Where to see how far the run is.
    pub progress: Arc<Progress>,
}

impl Settings {
    /// Strictness and charset are those of each feed, and stand in the receipts.
    fn rules(&self) -> Rules {
        let options = Options { limits: self.limits, ..Options::default() };
        Rules { options, strict: false }
    }
}

/// How far a run is, for anyone to look at while it goes on.
#[derive(Debug, Default)]
pub struct Progress {
    landing: AtomicU64,
    bytes: AtomicU64,
    inputs: AtomicU64,
    messages: AtomicU64,
    settled: AtomicU64,
}

impl Progress {
    /// Bytes of the inputs that are read, and in the raw zone or on their way there.
    pub fn landing(&self) -> u64 {
        self.landing.load(Ordering::Relaxed)
    }

    /// Bytes of the inputs that are cut into messages.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Inputs that are cut into messages.
    pub fn inputs(&self) -> u64 {
        self.inputs.load(Ordering::Relaxed)
    }

    /// Messages that have found their end: staged, in error, a duplicate, or left out by a rule.
    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Bytes of those messages.
    pub fn settled_bytes(&self) -> u64 {
        self.settled.load(Ordering::Relaxed)
    }

    pub(crate) fn settle(&self, messages: u64, bytes: u64) {
        self.messages.fetch_add(messages, Ordering::Relaxed);
        self.settled.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// An input that tells how far it is read.
struct Counted {
    input: Box<dyn Read + Send>,
    progress: Arc<Progress>,
}

impl Read for Counted {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(bytes)?;
        self.progress.landing.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Lands and converts inputs; when it returns, everything counted is durable.
///
/// At the end, what earlier runs landed and did not finish because they were interrupted is finished too.
pub async fn ingest(
    lake: &Lake,
    inputs: Vec<Result<Input>>,
    settings: &Settings,
    mut tell: impl FnMut(Event),
) -> Result<Accounting> {
    check_feed(&settings.feed.name)?;
    let rules = settings.rules();
    let run = Run::begin(lake)?;
    let stage = Stage::open(lake, &rules, settings.progress.clone()).await?;
    let (sender, receiver) = mpsc::channel(1);
    let staging = tokio::spawn(stage.run(receiver));
    let mut batches = Batches::new(&run, sender);
    let taken = take_up(lake, inputs, settings, &mut batches, &mut tell).await;
    let handed = match taken {
        Ok(()) => batches.finish().await,
        Err(error) => {
            drop(batches);
            Err(error)
        }
    };
    // What was handed over is finished whatever became of the rest. The stage's failure is the cause of the other.
    let (stage, accounting) = staging.await??;
    handed?;
    let recovered = recover::finish_abandoned(lake, stage, &run, &rules, &settings.feeds).await;
    let (mut stage, recovered) = recovered?;
    stage.keep_seen().await;
    stage.take_checkpoint_failure().into_iter().for_each(|failure| tell(Event::Checkpoint(failure)));
    if stage.reused_control_ids() > 0 {
        tell(Event::ReusedControlIds(stage.reused_control_ids()));
    }
    if recovered.received > 0 {
        tell(Event::Recovered(recovered));
    }
    run.end();
    Ok(accounting)
}

/// A feed's name is a part of keys and must be the same there.
pub fn check_feed(name: &str) -> Result<()> {
    if is_feed_name(name) { Ok(()) } else { Err(Error::FeedName { name: name.into() }) }
}

/// Whether a name can be a feed's: letters, digits, `-`, `_` and `.`, the first of them a letter or a digit.
pub fn is_feed_name(name: &str) -> bool {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    (1..=100).contains(&name.len()) && name.chars().all(plain) && !name.starts_with(['.', '_', '-'])
}

/// Lands every input and hands over its messages, batch by batch, in the order of the inputs.
async fn take_up(
    lake: &Lake,
    inputs: Vec<Result<Input>>,
    settings: &Settings,
    batches: &mut Batches<'_>,
    tell: &mut impl FnMut(Event),
) -> Result<()> {
    let landings = stream::iter(inputs)
        .map(async |input| {
            let input = input?;
            let state = input.state();
            let opened = Counted { input: input.open(lake)?, progress: settings.progress.clone() };
            let received = input.receive(&settings.feed.name);
            let landed = land(lake, &received, Box::new(opened)).await?;
            let has_changed = input.state() != state;
            Ok((input, received, landed, has_changed))
        })
        .buffered(LANDINGS);
    futures::pin_mut!(landings);
    while let Some(landing) = landings.next().await {
        let (input, received, landed, has_changed) = match landing {
            Ok(landing) => landing,
            Err(error @ (Error::Input { .. } | Error::Replaced { .. } | Error::LeftOut { .. })) => {
                tell(Event::Unreadable(error));
                continue;
            }
            Err(error) => return Err(error),
        };
        if has_changed {
            tell(Event::Changed(input.clone()));
        }
        if landed.length == 0 {
            tell(Event::Empty(input));
            continue;
        }
        let (length, sha256) = (landed.length, landed.sha256.clone());
        tell(Event::Landed { input: input.clone(), length, sha256 });
        let warnings = cut(lake, &landed, &received, settings, batches).await?;
        warnings.into_iter().for_each(|warning| tell(Event::Batch(input.clone(), warning)));
        settings.progress.inputs.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// Cuts a raw object into messages; gives what is odd about its batches.
async fn cut(
    lake: &Lake,
    landed: &Landed,
    received: &Received,
    settings: &Settings,
    batches: &mut Batches<'_>,
) -> Result<Vec<BatchWarning>> {
    let contents = match content::contents(lake, landed).await {
        Ok(contents) => contents,
        // It begins like an archive and is none: an error as a whole, and its bytes are in the raw zone.
        Err(Error::Storage(storage::Error::Archive { .. })) => vec![content::Content::of(landed)],
        Err(error) => return Err(error),
    };
    let is_archive = contents.iter().any(|content| content.member.is_some());
    let mut warnings = Vec::new();
    let mut counted = 0;
    for content in &contents {
        let Settings { feed, limits, .. } = settings;
        let mut found = Contents::open(lake, landed, content, received, feed, limits).await?;
        while let Some(found) = found.next().await? {
            let end = found.offset + found.length;
            // How far an archive has been read is not known from what is in it.
            if !is_archive && end > counted {
                settings.progress.bytes.fetch_add(end - counted, Ordering::Relaxed);
                counted = end;
            }
            batches.add(found).await?;
        }
        warnings.append(&mut found.batch_warnings);
    }
    settings.progress.bytes.fetch_add(landed.length.saturating_sub(counted), Ordering::Relaxed);
    batches.finished(landed.key.clone()).await?;
    Ok(warnings)
}

/// Fills batches and hands them over.
pub(crate) struct Batches<'r> {
    run: &'r Run,
    sender: mpsc::Sender<Batch>,
    filling: Batch,
    bytes: usize,
}

impl<'r> Batches<'r> {
    pub(crate) fn new(run: &'r Run, sender: mpsc::Sender<Batch>) -> Self {
        Self { run, sender, filling: Batch::default(), bytes: 0 }
    }

    pub(crate) async fn add(&mut self, found: Found) -> Result<()> {
        self.bytes += match &found.content {
            Content::Message(bytes) | Content::Junk(bytes) => bytes.len(),
            Content::TooLong | Content::NoMessage(_) | Content::Damaged => 0,
        };
        self.filling.found.push(found);
        let is_full = self.filling.found.len() >= BATCH_MESSAGES || self.bytes >= BATCH_BYTES;
        if is_full { self.hand_over().await } else { Ok(()) }
    }

    /// Says that all of a raw object has been added.
    pub(crate) async fn finished(&mut self, raw_key: Path) -> Result<()> {
        self.filling.finished.push(raw_key);
        if self.filling.finished.len() >= BATCH_OBJECTS { self.hand_over().await } else { Ok(()) }
    }

    /// Hands over the last batch.
    pub(crate) async fn finish(mut self) -> Result<()> {
        let is_empty = self.filling.found.is_empty() && self.filling.finished.is_empty();
        if is_empty { Ok(()) } else { self.hand_over().await }
    }

    async fn hand_over(&mut self) -> Result<()> {
        self.bytes = 0;
        let name = self.run.next_batch();
        let batch = Batch { name, ..std::mem::take(&mut self.filling) };
        self.sender.send(batch).await.map_err(|_| Error::Interrupted)
    }
}
