//! The way of bytes into the lake.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pipeline::{Answer, Kept};

/// Takes bytes for a feed and keeps them.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Keeps bytes that hold whole messages, with framing or junk between them; returns when they are durable. `origin` tells
    /// where they came from, `answer` what is answered once they are. Nothing of them is kept if they are refused.
    async fn put(&self, feed: &str, origin: String, bytes: Bytes, answer: Answer) -> Result<Kept, Refused>;

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
