//! What is to be sent: how much, how fast, to whom.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::answer::control_id;
use crate::feed::{self, Mix};

/// A load, as the command line asks for it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Addresses; connections are spread over them, and one that breaks goes on with the next.
    pub addresses: Vec<String>,
    /// By which door.
    pub door: Door,
    /// How many at the same time.
    pub connections: usize,
    /// What the messages are.
    pub mix: Mix,
    /// Another seed, other messages and other control IDs.
    pub seed: u64,
    /// What they say comes again after so many, under control IDs of their own: made once, they take the sender no time.
    pub repeat: Option<usize>,
    /// The number of the first message.
    pub first: u64,
    /// How many messages; without it until the time is over.
    pub messages: Option<u64>,
    /// After this time no further message is begun.
    pub seconds: Option<f64>,
    /// Messages a second over all connections; without it as fast as they are answered.
    pub rate: Option<f64>,
    /// An answer that takes longer is waited for no more: the connection counts as broken.
    pub answer_within: Duration,
    /// For so long a server that cannot be reached is tried again.
    pub patience: Duration,
}

/// By which door, with what is special to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// Frames.
    Mllp {
        /// Messages of a connection that may be unanswered.
        window: usize,
        /// Each frame in several writes of any size.
        split: bool,
    },
    /// `POST /v1/feeds/{feed}/messages`.
    Batches {
        /// The feed.
        feed: String,
        /// Messages in a request.
        size: usize,
    },
    /// `POST /hl7`, one message each, answered by an acknowledgment.
    Hl7OverHttp,
}

/// A message that is due.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) number: u64,
    pub(crate) control_id: String,
    pub(crate) bytes: Vec<u8>,
    /// When it is to be sent; the latency counts from then, or a server that stops would stop the clock too.
    pub(crate) due: Instant,
}

/// Hands out each message once, to whichever connection asks next.
#[derive(Debug)]
pub(crate) struct Work<'p> {
    plan: &'p Plan,
    made: Vec<Vec<u8>>,
    began: Instant,
    taken: AtomicU64,
}

impl<'p> Work<'p> {
    pub(crate) fn new(plan: &'p Plan) -> Self {
        let made = feed::messages(plan.mix, plan.seed).take(plan.repeat.unwrap_or(0)).collect();
        Self { plan, made, began: Instant::now(), taken: AtomicU64::new(0) }
    }

    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// The next message; nothing when all are taken or the time is over.
    pub(crate) fn take(&self) -> Option<Message> {
        let now = Instant::now();
        let place = self.taken.fetch_add(1, Ordering::Relaxed);
        if self.plan.messages.is_some_and(|messages| place >= messages) {
            return None;
        }
        let due = match self.plan.rate {
            Some(rate) => self.began + Duration::from_secs_f64(place as f64 / rate),
            None => now,
        };
        if self
            .plan
            .seconds
            .is_some_and(|seconds| due.max(now) >= self.began + Duration::from_secs_f64(seconds))
        {
            return None;
        }
        let number = self.plan.first + place;
        let bytes = match self.made.get((number % self.made.len().max(1) as u64) as usize) {
            Some(message) => renamed(message, &feed::control_id(self.plan.seed, number)),
            None => feed::message(self.plan.mix, self.plan.seed, number),
        };
        Some(Message { number, control_id: control_id(&bytes), bytes, due })
    }
}

/// The message under another control ID.
fn renamed(message: &[u8], control_id: &str) -> Vec<u8> {
    let mut fields = message.splitn(11, |byte| *byte == b'|');
    let mut parts: Vec<&[u8]> = fields.by_ref().take(9).collect();
    parts.push(control_id.as_bytes());
    parts.extend(fields.skip(1));
    parts.join(&b'|')
}
