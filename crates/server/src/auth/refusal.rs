//! Why somebody is not let in, told without what they sent.

use super::Scope;

/// Why a request is refused. Its text, its hint and its `Debug` output never hold any part of a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Nothing was sent.
    #[error("no token was sent")]
    Missing,
    /// What was sent is not good; the words say in which way.
    #[error("the token is not valid: {0}")]
    Invalid(&'static str),
    /// It was good once.
    #[error("the token has expired")]
    Expired,
    /// It was good until somebody revoked it.
    #[error("the token was revoked")]
    Revoked,
    /// It is good, but not for this.
    #[error("not allowed: {0}")]
    NotAllowed(Lack),
    /// Whoever knows whether it is good cannot be asked.
    #[error("the token cannot be checked now: {0}")]
    Unavailable(&'static str),
}

/// What a principal lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// The scope was not granted.
    #[error("the scope {0} is needed")]
    Scope(Scope),
    /// The scope was granted, together with a limit that it cannot keep.
    #[error("the scope {0} covers every feed, and only some were granted")]
    EveryFeed(Scope),
    /// The feed is not one of those granted.
    #[error("the feed is not one of those granted")]
    Feed,
}

impl Refusal {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing => {
                "send the header Authorization: Bearer TOKEN; carelake token create makes a token"
            }
            Self::Invalid(_) => "send a whole token as Authorization: Bearer TOKEN, one made for this lake",
            Self::Expired | Self::Revoked => "ask for a new token; carelake token create makes one",
            Self::NotAllowed(Lack::Scope(_)) => "ask for a token that has this scope",
            Self::NotAllowed(Lack::EveryFeed(_) | Lack::Feed) => {
                "ask for a token that covers the feed, or every feed"
            }
            Self::Unavailable(_) => "send it again in a few seconds",
        }
    }

    /// The word for it in the audit.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Missing => "no_token",
            Self::Invalid(_) => "invalid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::NotAllowed(Lack::Scope(_)) => "scope",
            Self::NotAllowed(Lack::EveryFeed(_)) => "every_feed",
            Self::NotAllowed(Lack::Feed) => "feed",
            Self::Unavailable(_) => "unchecked",
        }
    }

    /// The HTTP status that says it.
    pub fn status(&self) -> u16 {
        match self {
            Self::Missing | Self::Invalid(_) | Self::Expired | Self::Revoked => 401,
            Self::NotAllowed(_) => 403,
            Self::Unavailable(_) => 503,
        }
    }

    /// The value of the header `WWW-Authenticate` that goes with it (RFC 6750), if one does.
    pub fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::Missing => Some(r#"Bearer realm="carelake""#),
            Self::Invalid(_) | Self::Expired | Self::Revoked => {
                Some(r#"Bearer realm="carelake", error="invalid_token""#)
            }
            Self::NotAllowed(_) => Some(r#"Bearer realm="carelake", error="insufficient_scope""#),
            Self::Unavailable(_) => None,
        }
    }
}
