//! Who saw or changed what: the door to audit.

use std::fmt;

use async_trait::async_trait;

use super::{Caller, TurnedAway};
use crate::api::Problem;

/// Keeps what callers saw and did.
#[async_trait]
pub trait Witness: Send + Sync {
    /// Notes it, durably. The API shows nothing that could not be noted.
    async fn saw(&self, caller: &Caller, sight: Sight) -> Result<(), Problem>;

    /// Notes that a caller was let in; as seldom as it likes, for callers come often. Nobody is let in whose coming could not
    /// be noted.
    async fn let_in(&self, caller: &Caller) -> Result<(), Problem>;

    /// Notes that somebody was turned away. It may put many into one: nobody can fill a disk by being refused.
    async fn turned_away(&self, request: TurnedAway);
}

/// Something that is shown or done. It may name patients, so that it has no words in `Debug`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sight {
    /// The answer to a question.
    Query {
        /// The id it runs under.
        id: String,
        /// The SQL.
        text: String,
    },
    /// A message.
    Message {
        /// Its id.
        id: String,
        /// As what: `er7`, `json`, `leaves`, `raw` or `fate`.
        form: &'static str,
    },
    /// Messages that were searched for.
    Search {
        /// The parameters of the search.
        text: String,
    },
    /// What is in the error zone.
    Errors,
    /// The report of one error.
    Error {
        /// Its id.
        id: String,
    },
    /// Errors that are tried again; all if there is no id.
    Retry {
        /// Their ids.
        ids: Vec<String>,
    },
    /// The objects of a zone.
    Zone {
        /// Its name.
        zone: &'static str,
        /// What their keys begin with.
        prefix: String,
    },
}

impl Sight {
    /// What kind it is, in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Query { .. } => "query",
            Self::Message { .. } => "message",
            Self::Search { .. } => "search",
            Self::Errors => "errors",
            Self::Error { .. } => "error",
            Self::Retry { .. } => "retry",
            Self::Zone { .. } => "zone",
        }
    }
}

impl fmt::Debug for Sight {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sight({})", self.word())
    }
}
