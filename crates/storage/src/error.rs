//! What can go wrong with a lake's storage, told with the key it happened at.

use std::error::Error as StdError;
use std::io;

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
    /// The folder of a new lake cannot be made.
    #[error("no lake can be made at {location}: {source}")]
    Folder {
        /// Where it was to be.
        location: String,
        /// What the operating system says.
        source: io::Error,
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
    /// A table's log lacks a commit that later ones build on.
    #[error("the table's log lacks version {version}: {key} is not there")]
    LostCommit {
        /// The table's version that the commit made.
        version: u64,
        /// Where it should be.
        key: String,
    },
    /// A commit in a table's log is not whole.
    #[error("the table's log is damaged at version {version}: {key}, line {line}")]
    DamagedCommit {
        /// The table's version that the commit made.
        version: u64,
        /// The file.
        key: String,
        /// The first line that is not what it should be, 1-based.
        line: u64,
    },
    /// The checkpoint that a table's log is read from is not there.
    #[error("the table's log lacks the checkpoint of version {version}, which {pointer} names")]
    LostCheckpoint {
        /// The version.
        version: u64,
        /// The file that names it.
        pointer: String,
        /// Whether the log cannot be read without it.
        is_needed: bool,
    },
    /// The checkpoint that a table's log is read from was cut short.
    #[error("the checkpoint {key} of the table's log is damaged")]
    DamagedCheckpoint {
        /// The file.
        key: String,
        /// Whether the log cannot be read without it.
        is_needed: bool,
    },
    /// A segment of the write-ahead log has whole records behind one that is not.
    #[error("the write-ahead log is damaged: {key}, byte {offset}")]
    DamagedSegment {
        /// The segment.
        key: String,
        /// Where the first record begins that is not what was written.
        offset: u64,
    },
    /// The write-ahead log could not be written to, with what the disk or store said.
    #[error("cannot write {key}: {reason}")]
    Log {
        /// The segment.
        key: String,
        /// The operating system's or the store's words.
        reason: String,
        /// Of which kind that was.
        kind: Option<io::ErrorKind>,
    },
    /// An archive cannot be read, or not to its end.
    #[error("the archive {key} cannot be read further: {reason}")]
    Archive {
        /// The archive in the raw zone.
        key: String,
        /// What the decoder says.
        reason: String,
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
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        if let Self::Log { kind, .. } = self {
            return *kind;
        }
        let mut next: Option<&(dyn StdError + 'static)> = Some(self);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<io::Error>() {
                return Some(error.kind());
            }
            next = error.source();
        }
        None
    }

    /// What to do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        let from_backup = |key: &str| {
            format!(
                "put {key} back from a backup; without one, carelake ingest the folders of this lake's raw zone into a new lake"
            )
        };
        match self {
            Self::NoLake { location } => {
                Some(format!("carelake init {location} makes one; --lake names another"))
            }
            Self::LakeExists { .. } => Some("carelake ingest PATH… fills it".to_owned()),
            Self::NewerFormat { .. } => Some("use the newer carelake that made it".to_owned()),
            Self::LostCommit { key, .. } | Self::DamagedCommit { key, .. } => Some(from_backup(key)),
            Self::LostCheckpoint { version, pointer, is_needed: true } => {
                let folder = pointer.rsplit_once('/').map_or("", |(folder, _)| folder);
                Some(from_backup(&format!("{folder}/{version:020}.checkpoint.parquet")))
            }
            Self::LostCheckpoint { pointer, .. } => {
                Some(format!("remove {pointer}: the log is read without it"))
            }
            Self::DamagedSegment { key, .. } => Some(format!(
                "put {key} back from a backup, or move it away: what its senders were told to be safe is then to be sent again"
            )),
            Self::DamagedCheckpoint { key, is_needed: true } => Some(from_backup(key)),
            Self::DamagedCheckpoint { key, .. } => {
                let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
                Some(format!("remove {key} and {folder}/_last_checkpoint: the log is read without them"))
            }
            Self::Folder { source, .. } => Some(match source.kind() {
                io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                    "a lake is a folder: give the name of one that is empty or not there yet".to_owned()
                }
                _ => "give a place where the user who runs carelake may write".to_owned(),
            }),
            Self::Store { key, .. } if self.is_not_found() => {
                Some(format!("put {key} back from a backup; carelake verify tells what else is missing"))
            }
            other if other.is_of_a_bucket() => Some(
                "look at AWS_REGION, AWS_ENDPOINT_URL and the credentials, and at what the bucket's policy allows; \
                 nothing is lost or doubled when the same command is run again"
                    .to_owned(),
            ),
            other => match other.io_kind() {
                Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                    Some("make room, then run the same command again: what is landed is kept, and nothing is doubled".to_owned())
                }
                Some(io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
                    Some("the user who runs carelake must be able to read and write the lake's folder and all in it".to_owned())
                }
                Some(_) => Some("look at the disk, then run the same command again: nothing is lost or doubled".to_owned()),
                None => None,
            },
        }
    }

    fn is_of_a_bucket(&self) -> bool {
        let Self::Store { source, .. } = self else { return false };
        match **source {
            object_store::Error::Generic { store, .. } => store == "S3",
            object_store::Error::Unauthenticated { .. } | object_store::Error::PermissionDenied { .. } => {
                self.io_kind().is_none()
            }
            _ => false,
        }
    }

    /// Whether the store said that who runs the program may not do this.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Store { source, .. } if matches!(**source, object_store::Error::PermissionDenied { .. }))
    }

    /// Whether something is in the way whose name cannot be a key: it has an empty part, or `.` or `..` for one.
    pub fn is_bad_key(&self) -> bool {
        matches!(self, Self::Store { source, .. } if matches!(**source, object_store::Error::InvalidPath { .. }))
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
