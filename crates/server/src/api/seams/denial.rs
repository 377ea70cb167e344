//! Somebody who was turned away, for the audit.

use std::fmt;
use std::net::SocketAddr;

use super::Caller;

/// Why somebody was turned away, and who, as far as that is known. Names are for the audit: the `Debug` text has the cause alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Denial {
    /// In a word, one of a few: `no_token`, `invalid`, `expired`, `revoked`, `scope`, `feed`, `unchecked` …
    pub cause: &'static str,
    /// Who proved to be whom, and may not do this.
    pub who: Option<Identity>,
    /// The id of a token of the lake that was named without its secret.
    pub token: Option<String>,
}

/// Who somebody is.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// As in [`Caller::name`].
    pub name: String,
    /// As in [`Caller::known_as`].
    pub known_as: String,
}

/// A request that was turned away.
#[derive(Clone, PartialEq, Eq)]
pub struct TurnedAway {
    /// Why, and who.
    pub denial: Denial,
    /// Where it comes from.
    pub peer: Option<SocketAddr>,
    /// Its method, and the address as the API's description has it.
    pub request: String,
}

impl Denial {
    /// Of somebody who is not known.
    pub fn new(cause: &'static str) -> Self {
        Self { cause, who: None, token: None }
    }

    /// Of a caller who was let in, and not to this.
    pub fn of(caller: &Caller, cause: &'static str) -> Self {
        let who = Identity { name: caller.name.clone(), known_as: caller.known_as.clone() };
        Self { who: Some(who), ..Self::new(cause) }
    }
}

impl fmt::Debug for Denial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Denial").field("cause", &self.cause).finish_non_exhaustive()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl fmt::Debug for TurnedAway {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TurnedAway").field("denial", &self.denial).finish_non_exhaustive()
    }
}
