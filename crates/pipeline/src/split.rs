//! Cuts a raw object into its messages, whatever its size, and writes a receipt for each.
//!
//! Every byte of the object is in a message, in framing, or in a piece that is reported as an error.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use hl7::stream::batch::{BatchWarning, Batches};
use hl7::stream::{Piece, PieceKind, Splitter};
use storage::Lake;

use crate::identity::sha256;
use crate::{Landed, MessageId, Receipt, Received, Result};

/// What stands in a raw object, with its receipt.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) receipt: Receipt,
    pub(crate) content: Content,
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
    /// The whole object: there is no message in it.
    NoMessage,
}

/// Reads a landed object from its beginning to its end and gives what it finds, in order.
pub(crate) struct Contents<'a> {
    landed: &'a Landed,
    received: &'a Received,
    chunks: BoxStream<'static, storage::Result<Bytes>>,
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

impl<'a> Contents<'a> {
    pub(crate) async fn open(
        lake: &Lake,
        landed: &'a Landed,
        received: &'a Received,
        limit_bytes: usize,
    ) -> Result<Self> {
        let chunks = match &landed.bytes {
            Some(bytes) => stream::iter([Ok(bytes.clone())]).boxed(),
            None => lake.read_chunks(&landed.key).await?,
        };
        Ok(Self {
            landed,
            received,
            chunks,
            splitter: Splitter::new(limit_bytes),
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
                    self.finish();
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
        let (message_id, hash) = match &content {
            Content::Message(bytes) | Content::Junk(bytes) => {
                (MessageId::of(&self.received.feed, bytes), sha256(bytes))
            }
            // Its bytes were never in memory together: it is named by where it lies.
            _ => self.named_by_place(piece.offset),
        };
        let receipt = Receipt {
            message_id,
            feed: self.received.feed.clone(),
            received_at: self.received.received_at,
            sequence: self.sequence,
            raw_key: self.landed.key.clone(),
            raw_offset: piece.offset,
            raw_length: piece.length,
            sha256: hash,
            origin: self.received.origin.clone(),
        };
        let found = Found { receipt, content };
        if matches!(found.content, Content::Junk(_))
            && self.messages == 0
            && self.early_junk.len() < EARLY_JUNK
        {
            self.early_junk.push(found);
        } else {
            self.messages += 1;
            self.ready.extend(self.early_junk.drain(..));
            self.ready.push_back(found);
        }
    }

    /// An object without a message, but with bytes, is one error as a whole.
    fn finish(&mut self) {
        if let Some(mut batches) = self.batches.take() {
            batches.end(&mut self.batch_warnings);
        }
        if self.messages == 0 && self.landed.length > 0 {
            self.messages = 1;
            self.early_junk.clear();
            self.ready.push_back(Found {
                receipt: Receipt {
                    message_id: self.landed.id,
                    feed: self.received.feed.clone(),
                    received_at: self.received.received_at,
                    sequence: 1,
                    raw_key: self.landed.key.clone(),
                    raw_offset: 0,
                    raw_length: self.landed.length,
                    sha256: self.landed.sha256.clone(),
                    origin: self.received.origin.clone(),
                },
                content: Content::NoMessage,
            });
        }
    }

    fn named_by_place(&self, offset: u64) -> (MessageId, String) {
        let place = format!("{} {offset}", self.landed.sha256);
        (MessageId::of(&self.received.feed, place.as_bytes()), String::new())
    }

    async fn fill(&mut self) -> Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        match self.chunks.next().await {
            Some(chunk) => self.buffer.extend_from_slice(&chunk?),
            None => self.at_end = true,
        }
        Ok(())
    }
}

/// Pieces of junk that are held back until a message shows that the object has one.
const EARLY_JUNK: usize = 64;
