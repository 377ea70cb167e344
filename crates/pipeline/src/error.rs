//! What can go wrong in the pipeline itself; a message that cannot be read is no error but an outcome.

use std::path::PathBuf;

/// A failed run. Its text says where and never quotes a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The lake's storage refused.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// A file or the standard input could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        #[source]
        source: std::io::Error,
    },
    /// An object was replaced after it was listed, or while it was read. Nothing of it was taken up.
    #[error("{} is not what it was when it was listed", path.display())]
    Replaced {
        /// The object.
        path: PathBuf,
    },
    /// Something in a folder is not taken up.
    #[error("{} is left out: {what}", path.display())]
    LeftOut {
        /// What it is called.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// Reading or writing a Delta log failed.
    #[error("the table's log: {0}")]
    Delta(#[source] Box<deltalake::DeltaTableError>),
    /// A Delta log holds a line this program cannot read.
    #[error("the table's log is damaged (line {line})")]
    DamagedLog {
        /// The line in the commit, 1-based; 0 when it is the table's schema.
        line: usize,
    },
    /// The table uses something that this program's writer would break.
    #[error("the table {table} uses deletion vectors or column mapping, which this program does not write")]
    ForeignFeature {
        /// The table's folder.
        table: String,
    },
    /// A run of ids that were seen is not what was written. It can be made again from the table.
    #[error("the run {key} is damaged")]
    DamagedRun {
        /// The run.
        key: String,
    },
    /// A file of receipts does not hold what receipts hold.
    #[error("the receipts {key} are damaged")]
    DamagedReceipts {
        /// The file.
        key: String,
    },
    /// No open error has this id.
    #[error("message {id} is not in the error zone, or was resolved")]
    NotInError {
        /// The id that was asked for.
        id: String,
    },
    /// A data file of staging cannot be read, and not all that is in it is to be replayed.
    #[error("{key} cannot be read: {reason}")]
    UnreadableFile {
        /// The file.
        key: String,
        /// Why.
        reason: String,
    },
    /// Raw bytes are not those that were received.
    #[error("{key} is not what was received: the bytes at {offset} have another hash than their receipt")]
    ChangedRaw {
        /// The raw object, or the member of an archive.
        key: String,
        /// Where the message begins.
        offset: u64,
    },
    /// No message of this feed was ever received.
    #[error("no message was received on the feed {name:?}")]
    UnknownFeed {
        /// The feed's name as given.
        name: String,
        /// The feeds with the names most like it.
        near: Vec<String>,
    },
    /// A span of time that ends where it begins, or before.
    #[error("the time to end with is not later than the time to begin with")]
    EmptySpan,
    /// Others replaced files of the table again and again.
    #[error("another replay, or maintenance, changed the table meanwhile")]
    TableInUse,
    /// The objects of a lake could not be listed.
    #[error("cannot list the lake: {reason}")]
    Listing {
        /// What the store said.
        reason: String,
    },
    /// A list of documents, or a document, does not hold what it should.
    #[error("{key} is damaged")]
    DamagedDocuments {
        /// The object.
        key: String,
    },
    /// A feed's name is part of keys, so it is plain.
    #[error("{name:?} cannot be a feed's name")]
    FeedName {
        /// The name as given.
        name: String,
    },
    /// Another writer took the version; never leaves the pipeline.
    #[error("another writer was first")]
    VersionTaken,
    /// Columns could not be brought together.
    #[error("the table's columns: {0}")]
    Columns(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Rows could not be made or read.
    #[error("a batch of rows: {0}")]
    Rows(#[source] Box<arrow_schema::ArrowError>),
    /// A Parquet file could not be written or read.
    #[error("a Parquet file: {0}")]
    Parquet(#[source] Box<parquet::errors::ParquetError>),
    /// A Parquet file of the lake is damaged or gone.
    #[error("the file {key} cannot be read: {source}")]
    DataFile {
        /// The file.
        key: String,
        /// What the reader says.
        #[source]
        source: Box<parquet::errors::ParquetError>,
    },
    /// An access could not be recorded, so nobody may have it.
    #[error("the access cannot be recorded: {0}")]
    Audit(#[source] std::sync::Arc<Self>),
    /// No message of this id is staged or in error.
    #[error("no message {id} in this lake")]
    UnknownMessage {
        /// The id that was asked for.
        id: String,
    },
    /// A background task ended before its work did.
    #[error("the run was interrupted")]
    Interrupted,
    /// A fault of this program.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// Whether there was no room left on the disk.
    pub fn is_full(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, Self::Storage(error) if matches!(error.io_kind(), Some(StorageFull | QuotaExceeded)))
    }

    /// What the operating system calls the reason, if it came from there.
    pub fn io_kind(&self) -> Option<std::io::ErrorKind> {
        if let Self::Storage(error) = self {
            return error.io_kind();
        }
        let mut next = std::error::Error::source(self);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<std::io::Error>() {
                return Some(error.kind());
            }
            next = error.source();
        }
        None
    }
}

/// The result of a step of the pipeline.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<deltalake::DeltaTableError> for Error {
    fn from(error: deltalake::DeltaTableError) -> Self {
        Self::Delta(Box::new(error))
    }
}

impl From<arrow_schema::ArrowError> for Error {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Rows(Box::new(error))
    }
}

impl From<parquet::errors::ParquetError> for Error {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Parquet(Box::new(error))
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(_: tokio::task::JoinError) -> Self {
        Self::Interrupted
    }
}
