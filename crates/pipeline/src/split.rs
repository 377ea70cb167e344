//! Cuts a raw object into its messages, whatever its size, with a receipt for each.
//!
//! Every byte of the object is in a message, in framing, or in a piece that is reported as an error.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use hl7::Limits;
use hl7::stream::batch::{BatchWarning, Batches};
use hl7::stream::{Piece, PieceKind, Splitter};
use object_store::path::Path;
use sha2::{Digest, Sha256};
use storage::{Lake, raw};

use crate::feed::News;
use crate::identity::{hex, sha256};
use crate::{FeedRules, Landed, MessageId, Receipt, Received, Result, content};

/// A raw object that is being cut, as each of its receipts tells it.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) feed: Arc<FeedRules>,
    pub(crate) received_at: i64,
    pub(crate) origin: String,
    pub(crate) key: Path,
    /// Names the bytes: of an object its SHA-256 in hex, of a member that of the archive and the member's name.
    pub(crate) name: String,
}

/// What stands in a raw object, and where.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) source: Arc<Source>,
    pub(crate) sequence: i64,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) content: Content,
}

impl Found {
    /// The receipt; hashes the bytes, which takes a while. The filters of the feed look at the message, and at what those before
    /// it that become safe with it have said.
    pub(crate) fn receipt(&self, news: &mut News) -> Receipt {
        let Source { feed, received_at, origin, key, name } = &*self.source;
        let (message_id, sha256) = match &self.content {
            Content::Message(bytes) | Content::Junk(bytes) => {
                (MessageId::of(&feed.name, bytes), sha256(bytes))
            }
            // Its bytes were never in memory together, or are none: it is named by where it lies.
            Content::TooLong | Content::Damaged => {
                (MessageId::of(&feed.name, format!("{name} {}", self.offset).as_bytes()), String::new())
            }
            Content::NoMessage(whole) => (whole.id, whole.sha256.clone()),
        };
        let filtered_by = match &self.content {
            Content::Message(bytes) => news.leaves_out(feed, bytes),
            _ => None,
        };
        Receipt {
            message_id,
            feed: feed.name.to_string(),
            received_at: *received_at,
            sequence: self.sequence,
            raw_key: key.clone(),
            raw_offset: self.offset,
            raw_length: self.length,
            sha256,
            origin: origin.clone(),
            strict: feed.strict,
            charset: feed.charset.clone(),
            filtered_by,
            answer: None,
        }
    }
}

/// The bytes of a receipt.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// From MSH to before the last terminator.
    Message(Bytes),
    /// Text outside of messages.
    Junk(Bytes),
    /// A message over the size limit, whose bytes are in the raw zone only.
    TooLong,
    /// All of the bytes: there is no message in them.
    NoMessage(Whole),
    /// No bytes: what follows in the archive cannot be decoded.
    Damaged,
}

/// Bytes that are one error as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) id: MessageId,
    pub(crate) sha256: String,
    /// Whether they are no text at all.
    pub(crate) is_binary: bool,
}

/// Reads what a landed object holds from its beginning to its end and gives what it finds, in order.
pub(crate) struct Contents {
    lake: Lake,
    source: Arc<Source>,
    bytes: Option<Bytes>,
    chunks: BoxStream<'static, storage::Result<Bytes>>,
    /// Bytes read so far.
    length: u64,
    is_binary: bool,
    is_damaged: bool,
    splitter: Splitter,
    batches: Option<Batches>,
    /// What is odd about batches and files, up to here.
    pub(crate) batch_warnings: Vec<BatchWarning>,
    buffer: Vec<u8>,
    /// Bytes at the start of the buffer that are done with.
    start: usize,
    at_end: bool,
    sequence: i64,
    messages: u64,
    /// Junk seen before the first message: if no message comes, the object as a whole is the error.
    early_junk: Vec<Found>,
    ready: std::collections::VecDeque<Found>,
}

impl Contents {
    pub(crate) async fn open(
        lake: &Lake,
        landed: &Landed,
        content: &content::Content,
        received: &Received,
        feed: &Arc<FeedRules>,
        limits: &Limits,
    ) -> Result<Self> {
        let inside = content.member.as_ref().map(|member| format!("!{member}")).unwrap_or_default();
        let source = Source {
            feed: feed.clone(),
            received_at: received.received_at,
            origin: format!("{}{inside}", received.origin),
            key: content.key.clone(),
            name: format!("{}{inside}", landed.sha256),
        };
        let chunks = match &content.bytes {
            Some(bytes) => stream::iter([Ok(bytes.clone())]).boxed(),
            None => raw::open(lake, &content.key).await?,
        };
        Ok(Self {
            lake: lake.clone(),
            source: Arc::new(source),
            bytes: content.bytes.clone(),
            chunks,
            length: 0,
            is_binary: false,
            is_damaged: false,
            splitter: Splitter::new(limits.message_bytes),
            batches: Some(Batches::new()),
            batch_warnings: Vec::new(),
            buffer: Vec::new(),
            start: 0,
            at_end: false,
            sequence: 0,
            messages: 0,
            early_junk: Vec::new(),
            ready: std::collections::VecDeque::new(),
        })
    }

    /// The next thing found; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Found>> {
        loop {
            if let Some(found) = self.ready.pop_front() {
                return Ok(Some(found));
            }
            let step = self.splitter.advance(&self.buffer[self.start..], self.at_end);
            let consumed = self.start..self.start + step.consumed;
            self.start = consumed.end;
            match step.piece {
                Some(piece) => {
                    if let Some(batches) = &mut self.batches {
                        let bytes = &self.buffer[consumed.clone()];
                        batches.piece(&piece, bytes, &mut self.batch_warnings);
                    }
                    let bytes = self.kept(&piece, &consumed);
                    self.take(&piece, bytes);
                }
                None if self.at_end => {
                    self.finish().await?;
                    return Ok(self.ready.pop_front());
                }
                None => self.fill().await?,
            }
        }
    }

    /// The bytes of a piece that is a message or junk.
    fn kept(&self, piece: &Piece, consumed: &std::ops::Range<usize>) -> Bytes {
        match piece.kind {
            PieceKind::Message | PieceKind::Junk => Bytes::copy_from_slice(&self.buffer[consumed.clone()]),
            _ => Bytes::new(),
        }
    }

    fn take(&mut self, piece: &Piece, bytes: Bytes) {
        let content = match piece.kind {
            PieceKind::Message => Content::Message(bytes),
            PieceKind::Junk => Content::Junk(bytes),
            PieceKind::TooLong => Content::TooLong,
            _ => return,
        };
        self.sequence += 1;
        let found = self.found(self.sequence, piece.offset, piece.length, content);
        let most = if self.is_binary { EARLY_SCRAPS } else { EARLY_JUNK };
        if matches!(found.content, Content::Junk(_))
            && self.messages == 0
            && self.early_junk.len() < most
            && self.length <= EARLY_BYTES
        {
            self.early_junk.push(found);
        } else {
            self.messages += 1;
            self.ready.extend(self.early_junk.drain(..));
            self.ready.push_back(found);
        }
    }

    /// An object without a message, but with bytes, is one error as a whole.
    async fn finish(&mut self) -> Result<()> {
        if let Some(mut batches) = self.batches.take() {
            batches.end(&mut self.batch_warnings);
        }
        if self.messages == 0 && self.length > 0 {
            self.messages = 1;
            self.early_junk.clear();
            let whole = self.whole().await?;
            self.ready.push_back(self.found(1, 0, self.length, Content::NoMessage(whole)));
        }
        if std::mem::take(&mut self.is_damaged) {
            self.sequence += 1;
            self.ready.push_back(self.found(self.sequence, self.length, 0, Content::Damaged));
        }
        Ok(())
    }

    fn found(&self, sequence: i64, offset: u64, length: u64, content: Content) -> Found {
        Found { source: self.source.clone(), sequence, offset, length, content }
    }

    /// What all the bytes together are called.
    async fn whole(&mut self) -> Result<Whole> {
        let (mut hash, mut id) = (Sha256::new(), MessageId::hasher(&self.source.feed.name));
        let mut take = |bytes: &[u8]| {
            hash.update(bytes);
            id.update(bytes);
        };
        match &self.bytes {
            Some(bytes) => take(bytes),
            None => {
                let mut pieces = raw::range_pieces(&self.lake, &self.source.key, 0..self.length).await?;
                while let Some(piece) = pieces.try_next().await? {
                    take(&piece);
                }
            }
        }
        let (id, sha256) = (MessageId::from_hasher(id), hex(hash.finalize()));
        Ok(Whole { id, sha256, is_binary: self.is_binary })
    }

    async fn fill(&mut self) -> Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        match self.chunks.next().await {
            Some(Ok(chunk)) => {
                self.is_binary |= self.length == 0 && is_binary(&chunk);
                self.length += chunk.len() as u64;
                self.buffer.extend_from_slice(&chunk);
            }
            Some(Err(storage::Error::Archive { .. })) => (self.is_damaged, self.at_end) = (true, true),
            Some(Err(error)) => return Err(error.into()),
            None => self.at_end = true,
        }
        Ok(())
    }
}

/// Whether bytes begin with something that is no text in any charset: mostly control characters.
fn is_binary(bytes: &[u8]) -> bool {
    const LOOKED_AT: usize = 4_096;
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    // Carriage return, line feed, tab, and the framing of MLLP are those of texts.
    let control =
        |byte: &&u8| **byte < 0x20 && !matches!(byte, b'\t' | b'\r' | b'\n' | 0x0b | 0x0c | 0x1c | 0x1b);
    head.iter().filter(control).count() * 20 > head.len()
}

/// Pieces of junk that are held back until a message shows that the object has one.
const EARLY_JUNK: usize = 64;
/// The same for what is no text: it is cut wherever a byte looks like framing.
const EARLY_SCRAPS: usize = 200_000;
/// Bytes up to which junk is held back.
const EARLY_BYTES: u64 = 64 << 20;
