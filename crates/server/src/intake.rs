//! The API's way of bytes into a live lake.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use pipeline::{Delivery, Live, Wish};

use crate::api::{Fate, Fates, Intake, Kept, KeptMessage, MessageKind, Policy, Refused};
use crate::feeds::{Acknowledge, DEFAULT, Feeds};
use crate::metrics::Metrics;

/// When a sender may come again after the lake was too busy.
const AGAIN: Duration = Duration::from_secs(5);

/// A live lake behind the API.
#[derive(Debug)]
pub struct LiveIntake {
    live: Arc<Live>,
    feeds: Arc<Feeds>,
    metrics: Arc<Metrics>,
}

impl LiveIntake {
    /// The API's door to a lake and its feeds.
    pub fn new(live: Arc<Live>, feeds: Arc<Feeds>, metrics: Arc<Metrics>) -> Self {
        Self { live, feeds, metrics }
    }
}

#[async_trait]
impl Intake for LiveIntake {
    async fn put(&self, feed: &str, origin: String, bytes: Bytes) -> Result<Kept, Refused> {
        let began = std::time::Instant::now();
        let found = self.feeds.named(feed).ok_or(Refused::UnknownFeed)?;
        let delivery = Delivery { feed: found.rules.clone(), origin, bytes, wish: Wish::Staged };
        let kept = self.live.put(delivery).await;
        let code = if kept.is_ok() { "kept" } else { "refused" };
        self.metrics.acknowledged(Some(feed), Some(code), began.elapsed());
        let kept = kept.map_err(|refused| refusal(&refused))?;
        let rules = found.rules.clone();
        let fates = kept.fates.map(|fates| -> Fates {
            let number = kept.messages.len();
            async move {
                // A lake that closes before has kept them all the same: their fates are for the next start to tell.
                let Ok(fates) = fates.await else { return std::future::pending().await };
                debug_assert_eq!(fates.len(), number);
                fates.into_iter().map(|fate| told(fate, &rules.name)).collect()
            }
            .boxed()
        });
        let messages = kept.messages.into_iter().map(|message| KeptMessage {
            message_id: message.id.to_string(),
            control_id: message.control_id,
            kind: if message.is_message { MessageKind::Message } else { MessageKind::Junk },
            duplicate: message.is_duplicate,
        });
        Ok(Kept { messages: messages.collect(), fates })
    }

    fn assign(&self, message: &[u8]) -> String {
        let feed = self.feeds.of_message(message, None);
        feed.map_or_else(|| DEFAULT.to_owned(), |feed| feed.rules.name.to_string())
    }

    fn policy(&self, feed: &str) -> Policy {
        match self.feeds.named(feed).map(|feed| feed.acknowledge) {
            Some(Acknowledge::Converted) => Policy::Converted,
            Some(Acknowledge::Durable) | None => Policy::Durable,
        }
    }
}

fn told(fate: pipeline::Fate, feed: &str) -> Fate {
    match fate {
        pipeline::Fate::Staged => Fate::Staged,
        pipeline::Fate::Duplicate => Fate::Duplicate,
        pipeline::Fate::Filtered => Fate::Filtered { rule: format!("a rule of the feed {feed}") },
        pipeline::Fate::Error(reason) => {
            Fate::Error { code: reason.code.text(), reason: reason.text, hint: reason.hint }
        }
    }
}

fn refusal(refused: &pipeline::Refused) -> Refused {
    match refused {
        pipeline::Refused::Overloaded => Refused::Overloaded { retry_after: AGAIN },
        pipeline::Refused::TooLong { .. } => Refused::TooLarge,
        pipeline::Refused::Closed => Refused::Stopping,
        pipeline::Refused::Full => Refused::Full,
        pipeline::Refused::Failed(error) => {
            tracing::error!(%error, "what an HTTP request brought could not be stored");
            if error.is_full() { Refused::Full } else { Refused::Failed }
        }
    }
}
