//! The API's way of bytes into a live lake.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use pipeline::{Answer, Delivery, Kept, Live, Wish};

use crate::api::{Intake, Policy, Refused};
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
    async fn put(&self, feed: &str, origin: String, bytes: Bytes, answer: Answer) -> Result<Kept, Refused> {
        let began = std::time::Instant::now();
        let found = self.feeds.named(feed).ok_or(Refused::UnknownFeed)?;
        let (rules, origin) = (found.rules.clone(), origin.into());
        let delivery = Delivery { feed: rules, origin, bytes, wish: Wish::Staged, answer };
        let kept = self.live.put(delivery).await;
        let code = if kept.is_ok() { "kept" } else { "refused" };
        self.metrics.acknowledged(Some(feed), Some(code), began.elapsed());
        kept.map_err(|refused| refusal(&refused))
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
