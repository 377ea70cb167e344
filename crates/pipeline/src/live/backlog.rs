//! What is safe and not in the tables yet: how much, since when, and which messages.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::delivery::KeptMessage;
use crate::stage::SharedSeen;
use crate::{MessageId, Result};

/// Bytes that one permit stands for.
const UNIT: usize = 1 << 10;

#[derive(Debug)]
pub(super) struct Backlog {
    messages: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    most_messages: usize,
    waiting: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How often each message is on its way.
    ids: HashMap<MessageId, u32>,
    /// When deliveries began to wait, oldest first, with how many messages each has left.
    since: VecDeque<(Instant, usize)>,
    /// What is in the tables.
    staged: Option<SharedSeen>,
}

/// Room that a delivery takes; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    _messages: OwnedSemaphorePermit,
    memory: Option<OwnedSemaphorePermit>,
}

/// Messages that are in the log, or on their way there, and not in the tables.
#[derive(Debug)]
pub(super) struct Waiting {
    backlog: Arc<Backlog>,
    ids: Vec<MessageId>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.backlog.end(&self.ids);
    }
}

impl Room {
    /// Whether the bytes may stay in memory.
    pub(super) fn has_memory(&self) -> bool {
        self.memory.is_some()
    }
}

impl Backlog {
    pub(super) fn new(messages: usize, bytes: usize) -> Self {
        let most_messages = messages.clamp(1, u32::MAX as usize);
        Self {
            messages: Arc::new(Semaphore::new(most_messages)),
            memory: Arc::new(Semaphore::new(bytes / UNIT)),
            most_messages,
            waiting: AtomicUsize::new(0),
            state: Mutex::default(),
        }
    }

    /// Waits until so many messages have room.
    pub(super) async fn room_for(&self, messages: usize, bytes: usize) -> Room {
        let permits = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        // One delivery may have more than all the room there is; it has it alone then.
        let wanted = permits(messages.min(self.most_messages));
        let acquired = self.messages.clone().acquire_many_owned(wanted).await;
        // The semaphores are never closed.
        let Ok(acquired) = acquired else { return std::future::pending().await };
        let memory = self.memory.clone().try_acquire_many_owned(permits(bytes.div_ceil(UNIT))).ok();
        Room { _messages: acquired, memory }
    }

    /// Where to look up what is in the tables.
    pub(super) fn staged_in(&self, seen: SharedSeen) {
        self.state().staged = Some(seen);
    }

    /// Says of messages which were received before.
    pub(super) async fn mark_known(&self, messages: &mut [KeptMessage]) -> Result<()> {
        let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
        let (mut known, staged) = {
            let state = self.state();
            let known: Vec<bool> = ids.iter().map(|id| state.ids.contains_key(id)).collect();
            (known, state.staged.clone())
        };
        if let Some(staged) = staged {
            let held = staged.lock().await.hold_all(&ids).await?;
            known.iter_mut().zip(held).for_each(|(known, held)| *known |= held);
        }
        let mut met = std::collections::HashSet::new();
        for (message, known) in messages.iter_mut().zip(known) {
            message.is_duplicate = (known || !met.insert(message.id)) && message.filtered_by.is_none();
        }
        Ok(())
    }

    /// Messages that wait from now on, until what this gives is dropped.
    pub(super) fn begin(self: &Arc<Self>, messages: &[KeptMessage]) -> Waiting {
        let ids = messages.iter().map(|message| message.id).collect();
        let mut state = self.state();
        for message in messages {
            *state.ids.entry(message.id).or_default() += 1;
        }
        state.since.push_back((Instant::now(), messages.len()));
        self.waiting.fetch_add(messages.len(), Ordering::Relaxed);
        Waiting { backlog: self.clone(), ids }
    }

    fn end(&self, ids: &[MessageId]) {
        let mut state = self.state();
        let mut ended = ids.len();
        for id in ids {
            if let Some(count) = state.ids.get_mut(id) {
                *count -= 1;
                if *count == 0 {
                    state.ids.remove(id);
                }
            }
        }
        self.waiting.fetch_sub(ended, Ordering::Relaxed);
        // They end in the order in which they began, or nearly.
        while let Some((_, left)) = state.since.front_mut() {
            let of_this = ended.min(*left);
            *left -= of_this;
            ended -= of_this;
            if *left > 0 {
                break;
            }
            state.since.pop_front();
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) fn oldest(&self) -> Option<Duration> {
        self.state().since.front().map(|(since, _)| since.elapsed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
