//! The audit zone: who saw or changed what.
//!
//! Append-only: each process writes a chain of events, in which every event carries the hash of the one before. The first event of a chain
//! names the ends of the others, so that a chain that was cut off, or is gone, is missed once another began behind it.
//!
//! Patient-class data, as a question's text may name a patient. Nothing of it enters a log.

mod access;
mod chain;
mod event;
mod heads;
pub(crate) mod line;
mod policy;
mod writer;

use storage::Lake;
use tokio::sync::mpsc;

pub use access::{Access, Action, Entity, Outcome, Who, WhoKind};
pub(crate) use heads::days;
pub(crate) use policy::beginning;
pub use policy::{declare, is_audited};

use crate::Result;

/// What records accesses to a lake; cheap to clone. The clones write one chain.
#[derive(Clone, Debug)]
pub struct Audit {
    requests: mpsc::Sender<writer::Request>,
}

impl Audit {
    /// Begins to record; `source` is what the program calls itself in the events. Nothing is written, or read, before the first of them.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn open(lake: &Lake, source: &str) -> Self {
        Self { requests: writer::open(lake, source) }
    }

    /// Records an access; it is durable when this returns. Nobody is to be given what they asked for before.
    ///
    /// # Errors
    /// [`Error::Audit`](crate::Error::Audit) when it is not known to be durable.
    pub async fn record(&self, access: Access) -> Result<()> {
        self.record_at(access).await.map(|_| ())
    }

    async fn record_at(&self, access: Access) -> Result<line::Head> {
        writer::record(&self.requests, access).await
    }
}
