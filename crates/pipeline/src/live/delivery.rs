//! A delivery: bytes as a door received them, cut into messages, each with its receipt.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};
use hl7::stream::{PieceKind, pieces};
use hl7::{Delimiters, mllp};
use sha2::{Digest, Sha256};
use storage::wal::{Appended, Enqueued, Place};
use tables::{Note, NoteItem};
use tokio::sync::oneshot;

use super::backlog::{Room, Waiting};
use crate::failure::Reason;
use crate::feed::{FeedRules, News};
use crate::identity::hex;
use crate::split::Content;
use crate::{Error, MessageId, Receipt};

/// Bytes that a door received.
#[derive(Clone)]
pub struct Delivery {
    /// Whose they are.
    pub feed: Arc<FeedRules>,
    /// Where they came from.
    pub origin: Arc<str>,
    /// The bytes, without the framing of the door.
    pub bytes: Bytes,
    /// What the door wants to know.
    pub wish: Wish,
    /// What its sender is answered once it is safe.
    pub answer: Answer,
}

/// What a sender is answered once a delivery is safe, in a word of HL7 table 0008 or one of these: `none` where the sender wants
/// no answer, `after conversion` where the code depends on what becomes of the message, `http` for an answer in HTTP's words.
/// Nothing where nobody waits for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// If there is a message in it.
    pub accepted: Option<&'static str>,
    /// If there is none.
    pub no_message: Option<&'static str>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Delivery").field("length", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// How much a door wants to know before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// That the delivery is safe.
    Safe,
    /// Also, which of its messages were received before.
    Counted,
    /// Also, later, what became of each.
    Staged,
}

/// A delivery that is safe.
#[derive(Debug)]
pub struct Kept {
    /// Its messages, and pieces that are none, in the order of the bytes.
    pub messages: Vec<KeptMessage>,
    /// What becomes of each of them, if that was wished for. It is lost if the process ends before.
    pub fates: Option<oneshot::Receiver<Vec<Fate>>>,
}

/// A message of a delivery. Its control ID is not in the `Debug` text.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptMessage {
    /// Who it is.
    pub id: MessageId,
    /// MSH-10, if it has one and more was wished for than that it is safe.
    pub control_id: Option<String>,
    /// Whether it is a message, and not text without a header.
    pub is_message: bool,
    /// Whether the same bytes of the feed were received before, if that was wished for.
    pub is_duplicate: bool,
    /// The rule of its feed that leaves it out.
    pub filtered_by: Option<String>,
}

impl fmt::Debug for KeptMessage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("KeptMessage");
        shown.field("id", &self.id).field("is_message", &self.is_message);
        shown.field("is_duplicate", &self.is_duplicate).finish_non_exhaustive()
    }
}

/// What became of a message.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It has a row.
    Staged,
    /// The same bytes have one.
    Duplicate,
    /// A rule of its feed leaves it out.
    Filtered,
    /// It is in the error zone.
    Error(Reason),
}

/// Why a delivery was not taken. It may be sent again, save where it is too long.
#[derive(Debug)]
pub enum Refused {
    /// Too many messages wait.
    Overloaded,
    /// The disk has less room than is kept free.
    Full,
    /// It is longer than a message may be.
    TooLong {
        /// The limit in bytes.
        limit_bytes: usize,
    },
    /// The lake takes no more.
    Closed,
    /// It could not be made durable.
    Failed(Error),
}

/// A delivery before it has its place.
pub(super) struct Draft {
    feed: Arc<FeedRules>,
    origin: Arc<str>,
    answer: Option<&'static str>,
    framed: Bytes,
    items: Vec<Item>,
    news: News,
}

/// A delivery that has its turn in the log.
#[derive(Debug)]
pub struct Underway {
    pub(super) enqueued: Option<Enqueued>,
    pub(super) kept: Kept,
    pub(super) news: News,
}

impl Underway {
    /// A delivery of nothing.
    pub(super) fn nothing() -> Self {
        Self { enqueued: None, kept: Kept { messages: Vec::new(), fates: None }, news: News::default() }
    }

    /// Waits until it is safe.
    pub async fn safe(self) -> Result<Kept, Refused> {
        if let Some(enqueued) = self.enqueued {
            enqueued.durable().await.map_err(|error| Refused::Failed(error.into()))?;
            self.news.remember();
        }
        Ok(self.kept)
    }
}

#[derive(Clone, Debug)]
struct Item {
    id: MessageId,
    sha256: [u8; 32],
    start: usize,
    length: usize,
    is_message: bool,
    filtered_by: Option<String>,
}

impl Draft {
    /// Cuts a delivery that is no longer than a message may be.
    pub(super) fn of(delivery: Delivery, limit_bytes: usize) -> Self {
        let Delivery { feed, origin, bytes, answer, .. } = delivery;
        let mut framed = BytesMut::with_capacity(bytes.len() + 3);
        framed.put_u8(mllp::START);
        framed.extend_from_slice(&bytes);
        framed.extend_from_slice(&[mllp::END, b'\r']);
        let mut news = News::default();
        let mut item = |start: u64, length: u64, is_message: bool| {
            let part = &bytes[start as usize..(start + length) as usize];
            Item {
                id: MessageId::of(&feed.name, part),
                sha256: Sha256::digest(part).into(),
                start: start as usize + 1,
                length: length as usize,
                is_message,
                filtered_by: if is_message { news.leaves_out(&feed, part) } else { None },
            }
        };
        let mut items: Vec<Item> = pieces(&bytes, limit_bytes)
            .filter_map(|piece| match piece.kind {
                PieceKind::Message => Some(item(piece.offset, piece.length, true)),
                PieceKind::Junk => Some(item(piece.offset, piece.length, false)),
                _ => None,
            })
            .collect();
        if !bytes.is_empty() && !items.iter().any(|item| item.is_message) {
            items = vec![item(0, bytes.len() as u64, false)];
        }
        let has_message = items.iter().any(|item| item.is_message);
        let answer = if has_message { answer.accepted } else { answer.no_message };
        Self { feed, origin, answer, framed: framed.freeze(), items, news }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.framed.len()
    }

    /// What is to be remembered once the delivery is safe.
    pub(super) fn take_news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }

    pub(super) fn messages(&self, wish: Wish) -> Vec<KeptMessage> {
        let control_id = |item: &Item| {
            let bytes = &self.framed[item.start..item.start + item.length];
            (wish != Wish::Safe && item.is_message).then(|| control_id(bytes))?
        };
        let message = |item: &Item| KeptMessage {
            id: item.id,
            control_id: control_id(item),
            is_message: item.is_message,
            is_duplicate: false,
            filtered_by: item.filtered_by.clone(),
        };
        self.items.iter().map(message).collect()
    }

    /// What is written to the log, and what is given to whoever follows it.
    pub(super) fn into_parts(
        self,
        room: Room,
        waiting: Waiting,
        tell: Option<oneshot::Sender<Vec<Fate>>>,
    ) -> (Appended, Carried) {
        let Self { feed, origin, answer, framed, items, .. } = self;
        let note = Note {
            feed: feed.name.to_string(),
            origin: origin.to_string(),
            strict: feed.strict,
            charset: feed.charset.clone(),
            answer: answer.map(str::to_owned),
            items: items.iter().map(Item::note).collect(),
        };
        let appended = Appended {
            feed: feed.name.clone(),
            items: u32::try_from(items.len()).unwrap_or(u32::MAX),
            note: note.to_bytes().into(),
            bytes: framed.clone(),
        };
        let bytes = room.has_memory().then_some(framed);
        let began = Instant::now();
        let carried =
            Carried { feed, origin, answer, bytes, items, began, tell, _room: room, _waiting: waiting };
        (appended, carried)
    }
}

/// MSH-10 as it was sent, if it is text.
fn control_id(message: &[u8]) -> Option<String> {
    let delimiters = Delimiters::from_header(message)?;
    let header = message.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let field = header.split(|byte| *byte == delimiters.field).nth(9).filter(|field| !field.is_empty())?;
    std::str::from_utf8(field).ok().map(str::to_owned)
}

impl Item {
    fn note(&self) -> NoteItem {
        NoteItem {
            id: self.id.to_string(),
            start: self.start as u64,
            length: self.length as u64,
            sha256: hex(self.sha256),
            filtered_by: self.filtered_by.clone(),
        }
    }
}

/// A delivery on its way from the log to the tables.
#[derive(Debug)]
pub(super) struct Carried {
    feed: Arc<FeedRules>,
    origin: Arc<str>,
    answer: Option<&'static str>,
    /// Its framed bytes; if there was no room for them they are read from the log.
    bytes: Option<Bytes>,
    items: Vec<Item>,
    /// When it arrived, by a clock that nobody sets.
    pub(super) began: Instant,
    pub(super) tell: Option<oneshot::Sender<Vec<Fate>>>,
    /// Given back when the delivery is committed, or is not safe after all.
    _room: Room,
    _waiting: Waiting,
}

impl Carried {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn feed(&self) -> &str {
        &self.feed.name
    }

    /// How long it is, framed, up to the end of its last message.
    pub(super) fn bytes(&self) -> u64 {
        self.items.last().map_or(0, |item| (item.start + item.length) as u64)
    }

    /// Its messages, and whether each is left out by a rule.
    pub(super) fn messages(&self) -> impl Iterator<Item = (&MessageId, bool)> {
        self.items.iter().map(|item| (&item.id, item.filtered_by.is_some()))
    }

    /// Its bytes, framed, if there was room to keep them.
    pub(super) fn held(&self) -> Option<Bytes> {
        self.bytes.clone()
    }

    /// The receipts with the content of each, which is a part of the framed bytes.
    pub(super) fn receipts(&self, place: &Place, framed: &Bytes) -> Vec<(Receipt, Content)> {
        let receipt = |(item, sequence): (&Item, u64)| {
            let receipt = Receipt {
                message_id: item.id,
                feed: self.feed.name.to_string(),
                received_at: place.at,
                sequence: sequence.cast_signed(),
                raw_key: place.key.clone(),
                raw_offset: place.offset + item.start as u64,
                raw_length: item.length as u64,
                sha256: hex(item.sha256),
                origin: self.origin.to_string(),
                strict: self.feed.strict,
                charset: self.feed.charset.clone(),
                filtered_by: item.filtered_by.clone(),
                answer: self.answer.map(str::to_owned),
            };
            let bytes = framed.slice(item.start..item.start + item.length);
            (receipt, if item.is_message { Content::Message(bytes) } else { Content::Junk(bytes) })
        };
        self.items.iter().zip(place.first..).map(receipt).collect()
    }
}
