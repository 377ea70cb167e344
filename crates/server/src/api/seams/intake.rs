//! The way of bytes into the lake.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;

/// Takes bytes for a feed and keeps them.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Keeps bytes that hold whole messages, with framing or junk between them; returns when they are durable. `origin` tells
    /// where they came from. Nothing of them is kept if they are refused.
    async fn put(&self, feed: &str, origin: String, bytes: Bytes) -> Result<Kept, Refused>;

    /// The feed of a message that came without the name of one.
    fn assign(&self, message: &[u8]) -> String;

    /// When messages of a feed are acknowledged.
    fn policy(&self, feed: &str) -> Policy;
}

/// When a message is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Once it is durable.
    #[default]
    Durable,
    /// Once it is converted; one that cannot be is answered with an error, though it is kept.
    Converted,
}

/// What was kept.
pub struct Kept {
    /// Messages and junk, in the order of the bytes.
    pub messages: Vec<KeptMessage>,
    /// What becomes of each of them, in the same order, once that is known; may be dropped unheard.
    pub fates: Option<Fates>,
}

/// The fates of messages, when they are known.
pub type Fates = BoxFuture<'static, Vec<Fate>>;

impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Kept").field("messages", &self.messages).finish_non_exhaustive()
    }
}

/// One message, or junk that should have been one.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptMessage {
    /// Its id.
    pub message_id: String,
    /// MSH-10, if it has one.
    pub control_id: Option<String>,
    /// Whether it is one.
    pub kind: MessageKind,
    /// Whether the same bytes were received before.
    pub duplicate: bool,
}

impl fmt::Debug for KeptMessage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("KeptMessage");
        shown.field("message_id", &self.message_id).field("kind", &self.kind);
        shown.field("duplicate", &self.duplicate).finish_non_exhaustive()
    }
}

/// What stands between framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// A message.
    Message,
    /// Bytes that belong to no message; they go to the error zone.
    Junk,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is in the table.
    Staged,
    /// It was there before.
    Duplicate,
    /// It is in the error zone. None of the texts quotes it.
    Error {
        /// The code, one of a closed list.
        code: String,
        /// What is wrong.
        reason: String,
        /// What a person can do.
        hint: String,
    },
    /// A rule of the feed drops it.
    Filtered {
        /// The rule's name.
        rule: String,
    },
}

/// Why bytes were not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// There is more to do than can be done; later there may be room.
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// The disk is full.
    Full,
    /// The bytes are more than may come at once.
    TooLarge,
    /// No feed has this name.
    UnknownFeed,
    /// The server is about to stop.
    Stopping,
    /// The store failed; the log of the server says how.
    Failed,
}
