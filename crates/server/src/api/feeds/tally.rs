//! Counts what was taken, and waits for what becomes of it.

use std::collections::VecDeque;
use std::time::Duration;

use pipeline::{Fate, Kept, KeptMessage};
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

/// Pieces whose fates are waited for at the same time, so that what is not known yet does not pile up.
const OPEN_PIECES: usize = 8;

/// How many messages there were. `received` is the sum of the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Counts {
    /// Messages and pieces of junk.
    pub(super) received: u64,
    /// In the table now. Known with `wait=staged` only.
    pub(super) staged: u64,
    /// Received before.
    pub(super) duplicate: u64,
    /// In the error zone, or on the way there.
    pub(super) error: u64,
    /// Dropped by a rule of the feed.
    pub(super) filtered: u64,
    /// Durable, and not known yet what becomes of them.
    pub(super) pending: u64,
}

/// What was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Taken {
    /// The feed.
    feed: String,
    #[serde(flatten)]
    pub(super) counts: Counts,
    /// The first messages, in the order of the body.
    messages: Vec<Listed>,
    /// Whether these are all.
    all_listed: bool,
}

/// One message of the body.
#[derive(Serialize, ToSchema)]
struct Listed {
    /// Its id.
    message_id: String,
    /// MSH-10.
    #[serde(skip_serializing_if = "Option::is_none")]
    control_id: Option<String>,
    /// `message` or `junk`.
    kind: &'static str,
    /// `staged`, `duplicate`, `error`, `filtered` or `pending`.
    outcome: &'static str,
    /// Of an error: its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Of an error: what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Of an error: what can be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// The rule that dropped it.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
}

impl std::fmt::Debug for Listed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.message_id, self.outcome)
    }
}

/// Counts pieces as they are kept.
pub(super) struct Tally {
    taken: Taken,
    most_listed: usize,
    wait: Option<Duration>,
    /// Pieces whose fates are not known yet.
    waiting: VecDeque<Waiting>,
    /// Whether some fate was not known in time.
    is_late: bool,
}

struct Waiting {
    fates: oneshot::Receiver<Vec<Fate>>,
    /// How each message was counted when it was kept.
    outcomes: Vec<&'static str>,
    /// Where the first of them stands in the list.
    listed_from: usize,
}

impl Tally {
    pub(super) fn new(feed: &str, most_listed: usize, wait: Option<Duration>) -> Self {
        let taken = Taken {
            feed: feed.to_owned(),
            counts: Counts::default(),
            messages: Vec::new(),
            all_listed: true,
        };
        Self { taken, most_listed, wait, waiting: VecDeque::new(), is_late: false }
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.taken.counts
    }

    pub(super) async fn add(&mut self, kept: Kept) {
        let listed_from = self.taken.messages.len();
        let mut outcomes = Vec::new();
        let fates = kept.fates.filter(|_| self.wait.is_some() && !self.is_late);
        for message in kept.messages {
            let outcome = first_outcome(&message);
            self.taken.counts.received += 1;
            *self.taken.counts.of(outcome) += 1;
            if fates.is_some() {
                outcomes.push(outcome);
            }
            if self.taken.messages.len() < self.most_listed {
                self.taken.messages.push(listed(message, outcome));
            } else {
                self.taken.all_listed = false;
            }
        }
        let Some(fates) = fates else { return };
        self.waiting.push_back(Waiting { fates, outcomes, listed_from });
        while self.waiting.len() > OPEN_PIECES {
            let deadline = self.deadline();
            self.settle(deadline).await;
        }
    }

    pub(super) async fn finish(mut self) -> (Taken, bool) {
        let deadline = self.deadline();
        while !self.waiting.is_empty() {
            self.settle(deadline).await;
        }
        let is_complete = self.wait.is_none() || self.taken.counts.pending == 0;
        (self.taken, is_complete)
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.wait.unwrap_or_default()
    }

    /// Waits for the fates of the first piece. Once that took too long, nothing is waited for any more.
    async fn settle(&mut self, deadline: Instant) {
        let Some(Waiting { fates, outcomes, listed_from }) = self.waiting.pop_front() else { return };
        // A lake that closes before has kept them all the same: their fates are for the next start to tell.
        let Ok(Ok(fates)) = timeout_at(deadline, fates).await else {
            self.is_late = true;
            self.waiting.clear();
            return;
        };
        for (at, (fate, earlier)) in fates.into_iter().zip(outcomes).enumerate() {
            let outcome = word(&fate);
            *self.taken.counts.of(earlier) -= 1;
            *self.taken.counts.of(outcome) += 1;
            if let Some(listed) = self.taken.messages.get_mut(listed_from + at) {
                listed.outcome = outcome;
                if let Fate::Error(reason) = fate {
                    listed.code = Some(reason.code.text());
                    (listed.reason, listed.hint) = (Some(reason.text), Some(reason.hint));
                }
            }
        }
    }
}

impl Counts {
    fn of(&mut self, outcome: &str) -> &mut u64 {
        match outcome {
            "staged" => &mut self.staged,
            "duplicate" => &mut self.duplicate,
            "error" => &mut self.error,
            "filtered" => &mut self.filtered,
            _ => &mut self.pending,
        }
    }
}

/// What is known of a message at once.
fn first_outcome(message: &KeptMessage) -> &'static str {
    match message {
        KeptMessage { is_duplicate: true, .. } => "duplicate",
        KeptMessage { is_message: false, .. } => "error",
        KeptMessage { filtered_by: Some(_), .. } => "filtered",
        KeptMessage { .. } => "pending",
    }
}

fn word(fate: &Fate) -> &'static str {
    match fate {
        Fate::Staged => "staged",
        Fate::Duplicate => "duplicate",
        Fate::Error(_) => "error",
        Fate::Filtered => "filtered",
    }
}

fn listed(message: KeptMessage, outcome: &'static str) -> Listed {
    Listed {
        message_id: message.id.to_string(),
        control_id: message.control_id,
        kind: if message.is_message { "message" } else { "junk" },
        outcome,
        code: None,
        reason: None,
        hint: None,
        rule: message.filtered_by,
    }
}
