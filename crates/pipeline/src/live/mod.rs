//! The live lake: deliveries are durable before their senders are answered, and in the tables about a second later.
//!
//! [`Live::put`] frames a delivery, appends it to the write-ahead log with its receipts, and answers when it is synced. One task
//! [follows](follow) the log: it converts and commits what is durable, in the order of the log, grouped by time and size, and
//! goes on when a commit fails, for what waits is safe. Closed segments of the log are [sealed](seal) into raw objects and a
//! file of receipts. What a process that died had in its log is sealed and staged by the next one that opens the lake.

mod backlog;
mod delivery;
mod event;
mod follow;
mod group;
mod reserve;
mod seal;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use storage::{Lake, wal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::convert::Rules;
use crate::run::Run;
use crate::stage::Stage;
use crate::{Accounting, FeedsByName, Result, recover};
use backlog::Backlog;
use delivery::Carried;
pub use delivery::{Answer, Delivery, Fate, Kept, KeptMessage, Refused, Underway, Wish};
pub use event::{LiveCommit, LiveEvent};
use follow::Follower;
use reserve::Reserve;
pub(crate) use seal::seal;

/// How a lake is live.
#[derive(Clone)]
pub struct LiveSettings {
    /// Limits of messages; strictness and charset are those of each feed.
    pub rules: Rules,
    /// The feeds that have rules.
    pub feeds: FeedsByName,
    /// When segments of the log are closed.
    pub log: wal::LogSettings,
    /// How long the first message of a commit waits for more.
    pub gather: Duration,
    /// Messages of one commit, at most, save those of one delivery.
    pub commit_messages: usize,
    /// Bytes of messages that wait for conversion in memory; beyond that they are read again from the log.
    pub backlog_bytes: usize,
    /// Messages that may wait for conversion; beyond that doors are held up, and then refuse.
    pub backlog_messages: usize,
    /// How long a door is held up.
    pub patience: Duration,
    /// Bytes that are kept free on the lake's disk: what is safe already needs room to become rows.
    pub disk_reserve: u64,
    /// Is told what happens.
    pub tell: Arc<dyn Fn(LiveEvent) + Send + Sync>,
}

impl std::fmt::Debug for LiveSettings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("LiveSettings").field("gather", &self.gather).finish_non_exhaustive()
    }
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            feeds: FeedsByName::default(),
            log: wal::LogSettings::default(),
            gather: Duration::from_millis(500),
            commit_messages: 8_192,
            backlog_bytes: 64 << 20,
            backlog_messages: 200_000,
            patience: Duration::from_secs(5),
            disk_reserve: 0,
            tell: Arc::new(drop),
        }
    }
}

/// A lake that takes deliveries.
#[derive(Debug)]
pub struct Live {
    lake: Lake,
    log: RwLock<Option<wal::Log<Carried>>>,
    backlog: Arc<Backlog>,
    patience: Duration,
    message_bytes: usize,
    reserve: Reserve,
    follower: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Live {
    /// Opens a lake for deliveries, after finishing what processes that died had begun; gives the account of that too.
    pub async fn open(lake: &Lake, settings: LiveSettings) -> Result<(Self, Accounting)> {
        let run = Run::begin(lake)?;
        let stage = Stage::open(lake, &settings.rules, Arc::default()).await?;
        let recovered = recover::finish_abandoned(lake, stage, &run, &settings.rules, &settings.feeds).await;
        let (stage, recovered) = recovered?;
        let names = run.names();
        let (log, told) = wal::Log::open(lake, settings.log, move || names.next());
        let backlog = Arc::new(Backlog::new(settings.backlog_messages, settings.backlog_bytes));
        let (patience, message_bytes) = (settings.patience, settings.rules.options.limits.message_bytes);
        let reserve = Reserve::new(settings.disk_reserve);
        let follower = Follower::new(lake, settings, backlog.clone(), run, stage);
        let live = Self {
            lake: lake.clone(),
            log: RwLock::new(Some(log)),
            backlog,
            patience,
            message_bytes,
            reserve,
            follower: tokio::sync::Mutex::new(Some(tokio::spawn(follower.run(told)))),
        };
        Ok((live, recovered))
    }

    /// The lake.
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// The longest delivery in bytes.
    pub fn longest(&self) -> usize {
        self.message_bytes
    }

    /// Takes a delivery; when this returns it is safe. Bytes without any message in them are kept as well, and are in error.
    pub async fn put(&self, delivery: Delivery) -> Result<Kept, Refused> {
        self.enqueue(delivery).await?.safe().await
    }

    /// Gives a delivery its turn in the log, behind those that had theirs before; it is not safe yet.
    pub async fn enqueue(&self, delivery: Delivery) -> Result<Underway, Refused> {
        if delivery.bytes.len() > self.message_bytes {
            return Err(Refused::TooLong { limit_bytes: self.message_bytes });
        }
        if self.reserve.is_touched(&self.lake) {
            return Err(Refused::Full);
        }
        let wish = delivery.wish;
        let mut draft = delivery::Draft::of(delivery, self.message_bytes);
        if draft.is_empty() {
            return Ok(Underway::nothing());
        }
        let log = self.log.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Refused::Closed)?;
        let room = tokio::time::timeout(self.patience, self.backlog.room_for(draft.len(), draft.bytes()));
        let room = room.await.map_err(|_| Refused::Overloaded)?;
        let (tell, fates) = match wish {
            Wish::Staged => {
                let (tell, fates) = oneshot::channel();
                (Some(tell), Some(fates))
            }
            Wish::Safe | Wish::Counted => (None, None),
        };
        let mut messages = draft.messages(wish);
        if wish != Wish::Safe {
            self.backlog.mark_known(&mut messages).await.map_err(Refused::Failed)?;
        }
        let waiting = self.backlog.begin(&messages);
        let news = draft.take_news();
        let (appended, carried) = draft.into_parts(room, waiting, tell);
        match log.enqueue(appended, carried).await {
            Ok(enqueued) => Ok(Underway { enqueued: Some(enqueued), kept: Kept { messages, fates }, news }),
            Err(error) => Err(Refused::Failed(error.into())),
        }
    }

    /// Messages that are safe and not in the tables yet.
    pub fn waiting(&self) -> usize {
        self.backlog.waiting()
    }

    /// Whether the disk has less room than is kept free, so that nothing is taken.
    pub fn is_full(&self) -> bool {
        self.reserve.is_touched(&self.lake)
    }

    /// How long the oldest of them has waited.
    pub fn waiting_since(&self) -> Option<Duration> {
        self.backlog.oldest()
    }

    /// Takes no more, and returns when all that was taken is in the tables and sealed.
    pub async fn close(&self) {
        drop(self.log.write().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(follower) = self.follower.lock().await.take() {
            let _ = follower.await;
        }
    }
}

/// What is sealed is told to.
type Sealing = mpsc::UnboundedSender<Arc<str>>;
