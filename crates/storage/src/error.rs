//! What can go wrong with a lake's storage, told with the key it happened at.

use std::error::Error as StdError;

/// A failed operation on a lake's storage. Keys are names that Carelake made; no content is ever quoted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The lake's address cannot be used.
    #[error("cannot use {location} as a lake: {reason}")]
    Location {
        /// The address as given.
        location: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no lake at the address.
    #[error("there is no lake at {location}")]
    NoLake {
        /// The address that was looked at.
        location: String,
    },
    /// `init` found a lake.
    #[error("there already is a lake at {location}")]
    LakeExists {
        /// The address that was looked at.
        location: String,
    },
    /// The lake was made by a later Carelake.
    #[error("the lake has format {found}, and this program reads formats up to {supported}")]
    NewerFormat {
        /// The format of the lake.
        found: u32,
        /// The newest format this program knows.
        supported: u32,
    },
    /// The lake's marker object is not one.
    #[error("the lake's marker {key} is damaged")]
    DamagedMarker {
        /// The marker's key.
        key: String,
    },
    /// The store under the lake refused.
    #[error("cannot {action} {key}: {reason}")]
    Store {
        /// What was tried: `read`, `write`, `list` …
        action: &'static str,
        /// Where.
        key: String,
        /// The innermost reason the store gave.
        reason: String,
        /// All that the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// A background task was stopped.
    #[error("the operation was interrupted")]
    Interrupted,
}

/// The result of an operation on storage.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn store(
        action: &'static str,
        key: &object_store::path::Path,
        source: object_store::Error,
    ) -> Self {
        Self::Store {
            action,
            key: key.to_string(),
            reason: innermost_reason(&source),
            source: Box::new(source),
        }
    }

    /// What the operating system calls the reason, if it came from there.
    pub fn io_kind(&self) -> Option<std::io::ErrorKind> {
        let mut next: Option<&(dyn StdError + 'static)> = Some(self);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<std::io::Error>() {
                return Some(error.kind());
            }
            next = error.source();
        }
        None
    }

    /// Whether the store said that there is no such object.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Store { source, .. } if matches!(**source, object_store::Error::NotFound { .. }))
    }
}

/// The text at the bottom of a chain of errors: the operating system's or the server's own words.
fn innermost_reason(error: &dyn StdError) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
