//! The doors: `[mllp.NAME]`, `[http]`, `[folders.NAME]`, `[raw_folder]`.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

use super::describe::settings;
use super::values::{FilePath, Listen, Name, Size, Span, as_text, words};

settings! {
    /// A door for HL7 v2 by MLLP. When no door is named there is one, `default`.
    pub(crate) struct Mllp {
        /// Where it listens; port 0 takes any that is free.
        listen: Listen = "127.0.0.1:2575",
        /// TLS, off when there is no such section.
        tls: Option<Tls>,
        /// The feed of its messages, unless a feed lists their sender.
        feed: Option<Name>,
        /// The largest frame that is taken.
        max_frame: Size = "64MB",
        /// How long a connection may be silent between frames before it is closed.
        idle_timeout: Span = "1h",
        /// How long a frame that has begun may stand still before the connection is closed.
        read_timeout: Span = "30s",
        /// How many connections may be open at a time.
        max_connections: NonZeroU32 = 1_000,
    }
}

settings! {
    /// The door for programs and browsers.
    pub(crate) struct Http {
        /// Where it listens; port 0 takes any that is free.
        listen: Listen = "127.0.0.1:8080",
        /// TLS, off when there is no such section.
        tls: Option<Tls>,
        /// The largest body of a request, after decompression too.
        max_body: Size = "1GB",
        /// How many requests are worked on at a time; others are told to come again.
        max_requests: NonZeroU32 = 256,
        /// How many requests a second each token may make; others are told to come again.
        requests_per_second: NonZeroU32 = 1_000,
        /// How long a query may run.
        query_time_limit: Span = "1m",
        /// How many rows a query may give.
        query_row_limit: NonZeroU64 = 1_000_000,
        /// The memory that all queries together may take.
        query_memory: Size = "256MB",
    }
}

settings! {
    /// TLS 1.2 and later, with certificates that are read again when their files change.
    pub(crate) struct Tls {
        /// The certificate of the server and those that signed it, in PEM.
        certificate: FilePath,
        /// The private key that belongs to it, in PEM.
        key: FilePath,
        /// The certificates that must have signed those of clients, in PEM; clients need none when not set.
        client_ca: Option<FilePath>,
    }
}

settings! {
    /// A folder that is watched: each file that comes into it is taken up once.
    pub(crate) struct Folder {
        /// Where it is.
        path: FilePath,
        /// The feed of its files. By sub-folder: each sub-folder is the feed of its name, and what is in none belongs to the feed that
        /// lists the folder in `paths`.
        feed: FolderFeed = "by sub-folder",
        /// How a file shows that it is complete: it has not changed for a while; it gets its name when it is (names that begin with a
        /// dot or end with `.tmp` or `.part` wait); a file NAME.done lies beside it.
        ready: Ready = "stable",
        /// How long a file must not have changed, for `ready = "stable"`.
        settle: Span = "2s",
        /// What is done with a file once it is in safe storage.
        after: After = "keep",
        /// The folder that files are moved to, for `after = "move"`.
        move_to: Option<FilePath>,
    }
}

settings! {
    /// The raw zone of the lake itself as a door: a file that is dropped into `raw/` is taken up, its sub-folder is its feed.
    pub(crate) struct RawFolder {
        /// Whether it is watched.
        watch: bool = true,
        /// How a file shows that it is complete, as with folders. An object on a store is there when all of it is: `stable` waits for nothing.
        ready: Ready = "stable",
        /// How long a file must not have changed, for `ready = "stable"`.
        settle: Span = "2s",
    }
}

words! {
    /// How a file shows that it is complete.
    pub(crate) enum Ready: "a sign" {
        /// It has not changed for a while.
        Stable = "stable",
        /// It gets its name when it is complete.
        Rename = "rename",
        /// A file with `.done` behind its name lies beside it.
        DoneFile = "done-file",
    }
}

words! {
    /// What becomes of a file that was taken up.
    pub(crate) enum After: "a fate" {
        /// It stays.
        Keep = "keep",
        /// It is removed.
        Remove = "remove",
        /// It goes to another folder.
        Move = "move",
    }
}

/// Which feed a folder's files belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FolderFeed {
    BySubFolder,
    Named(Name),
}

as_text!(FolderFeed, "a feed", "the name of a feed, or \"by sub-folder\"");

const BY_SUB_FOLDER: &str = "by sub-folder";

impl FolderFeed {
    fn from_text(text: &str) -> Option<Self> {
        match text {
            BY_SUB_FOLDER => Some(Self::BySubFolder),
            name => Name::from_text(name).map(Self::Named),
        }
    }
}

impl fmt::Display for FolderFeed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BySubFolder => formatter.write_str(BY_SUB_FOLDER),
            Self::Named(name) => name.fmt(formatter),
        }
    }
}
