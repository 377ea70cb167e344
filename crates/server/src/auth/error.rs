//! What can go wrong with making and keeping tokens, and with settings; a refused request is no error but a [`Refusal`].
//!
//! [`Refusal`]: super::Refusal

use super::Scope;

/// A failed operation on tokens, or settings that cannot be. It never holds a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The lake refused.
    #[error(transparent)]
    Lake(#[from] pipeline::Error),
    /// The operating system has no randomness to give.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
    /// A token's name is for people to read.
    #[error("a token's name has 1 to 100 printable characters")]
    Name,
    /// A token that may do nothing.
    #[error("a token needs a scope")]
    NoScope,
    /// A scope that sees every feed, on a token for some.
    #[error("the scope {0} covers every feed and cannot be kept to some")]
    NotByFeed(Scope),
    /// It would be of no use.
    #[error("the token would expire before it is made")]
    AlreadyExpired,
    /// What was given as an id is none; it may be a secret, so it is not told.
    #[error("this is no token id")]
    NoId,
    /// The lake has no token of this id.
    #[error("there is no token {id}")]
    UnknownToken {
        /// The id.
        id: String,
    },
    /// What the lake keeps of a token cannot be read.
    #[error("{key} is damaged")]
    Damaged {
        /// The object.
        key: String,
    },
    /// The settings of the identity provider cannot be.
    #[error("{key} {reason}")]
    Oidc {
        /// The setting, as its field is called.
        key: &'static str,
        /// What is wrong with it, without its value.
        reason: String,
        /// What to do about it.
        hint: &'static str,
    },
}

/// The result of an operation on tokens or settings.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What to do about it, where that is not clear from the text.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoScope => Some("the scopes are ingest, read, sql and admin"),
            Self::NotByFeed(_) => Some("make a token for all feeds, or one with ingest and read alone"),
            Self::NoId => Some("an id is 16 hex digits, as carelake token list shows them"),
            Self::UnknownToken { .. } => Some("carelake token list shows those there are"),
            Self::Damaged { .. } => {
                Some("nobody is let in with it: revoke it and make another, or restore it from a backup")
            }
            Self::Oidc { hint, .. } => Some(hint),
            _ => None,
        }
    }
}
