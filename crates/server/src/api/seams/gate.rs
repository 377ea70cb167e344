//! Who may come in.

use std::fmt;
use std::net::SocketAddr;

use async_trait::async_trait;
use axum::http::HeaderMap;

use super::Denial;
use crate::api::{Kind, Problem};

/// What a caller wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Something that shows and changes no message: whoever is known may do it.
    Any,
    /// Put messages in.
    Ingest,
    /// Look at messages and errors.
    Read,
    /// Ask in SQL.
    Sql,
    /// Change things, and look at the audit zone.
    Admin,
}

impl Scope {
    /// The word that tokens use for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Sql => "sql",
            Self::Admin => "admin",
        }
    }
}

/// Someone who was let in.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    /// As audit and idempotency keys know them, such as a token's id; never a secret.
    pub name: String,
    /// For people to read, such as a token's name.
    pub known_as: String,
    /// The feeds they are limited to; `None` for all.
    pub feeds: Option<Vec<String>>,
    /// Whether they have [`Scope::Admin`], whatever they came for.
    pub is_admin: bool,
    /// Where they come from.
    pub peer: Option<SocketAddr>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Caller").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Caller {
    /// Whether the caller may see and send what belongs to a feed.
    pub fn has_feed(&self, feed: &str) -> bool {
        self.feeds.as_ref().is_none_or(|feeds| feeds.iter().any(|own| own == feed))
    }

    /// Refuses a caller for whom a feed is not.
    pub(crate) fn check_feed(&self, feed: &str) -> Result<(), Problem> {
        if self.has_feed(feed) {
            return Ok(());
        }
        Err(Problem::new(
            Kind::Forbidden,
            "these credentials are limited to other feeds",
            "use a feed they are made for, or ask for credentials with this one",
        )
        .with_denial(Denial::of(self, "feed")))
    }

    /// Refuses a caller who may see some feeds only, where feeds cannot be told apart.
    pub(crate) fn check_all_feeds(&self) -> Result<(), Problem> {
        if self.feeds.is_none() {
            return Ok(());
        }
        Err(Problem::new(
            Kind::Forbidden,
            "these credentials are limited to some feeds, and this shows or changes all of them",
            "ask for credentials that are not limited to feeds",
        )
        .with_denial(Denial::of(self, "every_feed")))
    }
}

/// Authentication and authorisation.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Lets a caller in, or says why not: [`Kind::Unauthenticated`], with the header `WWW-Authenticate`, or
    /// [`Kind::Forbidden`], each [with a denial](Problem::with_denial). `peer` is where the connection comes from, when that is known.
    async fn admit(
        &self,
        headers: &HeaderMap,
        peer: Option<SocketAddr>,
        scope: Scope,
    ) -> Result<Caller, Problem>;
}
