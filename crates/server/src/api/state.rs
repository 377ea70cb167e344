//! What all requests share.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use pipeline::{Lake, Rules};
use tokio::sync::{Mutex, Semaphore};

use super::idempotency::Claims;
use super::queries::Queries;
use super::seams::{FlatRows, Gate, Health, Intake, Metrics, Sql, Witness};
use crate::traces::Traces;

/// What the wiring gives the API.
pub struct Seams {
    /// The lake.
    pub lake: Lake,
    /// Answers questions.
    pub sql: Arc<dyn Sql>,
    /// Keeps what arrives.
    pub intake: Arc<dyn Intake>,
    /// Lets callers in.
    pub gate: Arc<dyn Gate>,
    /// Notes what they see.
    pub witness: Arc<dyn Witness>,
    /// Says whether all is well.
    pub health: Arc<dyn Health>,
    /// Gives the metrics.
    pub metrics: Metrics,
    /// Makes spans of requests and questions.
    pub traces: Traces,
    /// Writes messages as rows; without it, `shape=flat` is refused.
    pub flat: Option<Arc<dyn FlatRows>>,
    /// How messages are read that are only looked at, and those that are tried again.
    pub rules: Rules,
    /// The names that this server is called by, without ports; all if there is none. A server that needs no credentials
    /// because only this machine reaches it must name them: a page could otherwise call its own host that.
    pub hosts: Vec<String>,
    /// How far a request may go.
    pub limits: Limits,
}

/// How far a request may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body of messages, as sent and as unpacked.
    pub body: u64,
    /// Bytes of a body that is held in memory: of messages that are only looked at, and of questions a sixteenth.
    pub small_body: u64,
    /// Bytes that are handed on together, save that a message is never cut.
    pub piece: usize,
    /// How long a body may pause.
    pub body_pause: Duration,
    /// Bytes that a body must bring in a second, once it has been waited for as long as it may pause.
    pub body_rate: u64,
    /// Requests at the same time.
    pub requests: usize,
    /// Bodies that are held in memory at the same time.
    pub looks: usize,
    /// Questions at the same time.
    pub queries: usize,
    /// How long `wait=staged` waits, at most and unless told.
    pub wait: Duration,
    /// Ids that an answer names.
    pub listed: usize,
    /// Rows of an answer unless the question says how many.
    pub rows: u64,
    /// Rows of an answer that a question may ask for.
    pub most_rows: u64,
    /// How long a question may take, at most and unless told.
    pub query_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 4 << 30,
            small_body: 32 << 20,
            piece: 4 << 20,
            body_pause: Duration::from_secs(30),
            body_rate: 1 << 10,
            requests: 256,
            looks: 16,
            queries: 16,
            wait: Duration::from_secs(30),
            listed: 1_000,
            rows: 10_000,
            most_rows: 10_000_000,
            query_time: Duration::from_secs(300),
        }
    }
}

/// What all requests share. Cheap to clone.
#[derive(Clone)]
pub struct State {
    seams: Arc<Seams>,
    /// Requests that may still begin.
    pub(super) permits: Arc<Semaphore>,
    /// Bodies that may still be held in memory as a whole.
    pub(super) looks: Arc<Semaphore>,
    /// Idempotency keys of requests that are under way.
    pub(super) claims: Arc<Claims>,
    /// Questions that are being answered.
    pub(super) queries: Arc<Queries>,
    /// One retry at a time: two would do the same work twice.
    pub(super) retrying: Arc<Mutex<()>>,
}

impl State {
    /// The state of a new server.
    pub fn new(seams: Seams) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(seams.limits.requests)),
            looks: Arc::new(Semaphore::new(seams.limits.looks)),
            claims: Arc::default(),
            queries: Arc::new(Queries::new(seams.limits.queries)),
            retrying: Arc::default(),
            seams: Arc::new(seams),
        }
    }
}

impl Deref for State {
    type Target = Seams;

    fn deref(&self) -> &Seams {
        &self.seams
    }
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("State").field("lake", &self.seams.lake).finish_non_exhaustive()
    }
}

impl fmt::Debug for Seams {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Seams").field("limits", &self.limits).finish_non_exhaustive()
    }
}
