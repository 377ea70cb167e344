//! Somebody who was recognised, and what they may do.

use std::collections::BTreeSet;

use super::{Feeds, Lack, Refusal, Scope};

/// How a principal was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Not at all: a user of this machine, on a server that asks nobody.
    Local,
    /// By a token of this lake.
    Token,
    /// By a token of the identity provider.
    Oidc,
}

impl Kind {
    /// Its name, for the audit and for logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Token => "token",
            Self::Oidc => "oidc",
        }
    }
}

/// Somebody who was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Stays the same: a token's id, the provider's `sub`; `local` without either.
    pub id: String,
    /// For people to read.
    pub name: String,
    /// How it was recognised.
    pub kind: Kind,
    /// What was granted. Ask [`Principal::may`]: feeds can take some of it back.
    pub scopes: BTreeSet<Scope>,
    /// The feeds it may use.
    pub feeds: Feeds,
}

impl Principal {
    /// The user of this machine, who may do all.
    pub fn local() -> Self {
        Self {
            id: "local".into(),
            name: "local".into(),
            kind: Kind::Local,
            scopes: Scope::ALL.into(),
            feeds: Feeds::All,
        }
    }

    /// What tells it apart from all others, of other kinds too: for rate limits and the audit.
    pub fn key(&self) -> String {
        format!("{}:{}", self.kind.name(), self.id)
    }

    /// Whether it may do this. What cannot be kept to some feeds is closed to whoever may use only some.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) && (scope.is_by_feed() || self.feeds == Feeds::All)
    }

    /// Whether it may use this feed.
    pub fn may_use_feed(&self, feed: &str) -> bool {
        self.feeds.contains(feed)
    }

    /// Refuses what it may not do.
    pub fn require(&self, scope: Scope) -> Result<(), Refusal> {
        if self.may(scope) {
            return Ok(());
        }
        let is_granted = self.scopes.contains(&scope);
        Err(Refusal::NotAllowed(if is_granted { Lack::EveryFeed(scope) } else { Lack::Scope(scope) }))
    }

    /// Refuses a feed it may not use.
    pub fn require_feed(&self, feed: &str) -> Result<(), Refusal> {
        if self.may_use_feed(feed) { Ok(()) } else { Err(Refusal::NotAllowed(Lack::Feed)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_kept_to_a_feed_is_closed_to_whoever_may_use_only_some() {
        let everything = Principal::local();
        assert!(Scope::ALL.into_iter().all(|scope| everything.require(scope).is_ok()));
        let some = Principal { feeds: Feeds::listed(["lab".to_owned()]), ..Principal::local() };
        assert!(some.may(Scope::Ingest) && some.may(Scope::Read));
        assert_eq!(some.require(Scope::Sql), Err(Refusal::NotAllowed(Lack::EveryFeed(Scope::Sql))));
        assert!(!some.may(Scope::Admin));
        assert!(some.require_feed("lab").is_ok());
        assert_eq!(some.require_feed("Lab"), Err(Refusal::NotAllowed(Lack::Feed)));
        let nothing = Principal { scopes: BTreeSet::new(), ..Principal::local() };
        assert_eq!(nothing.require(Scope::Read), Err(Refusal::NotAllowed(Lack::Scope(Scope::Read))));
    }
}
