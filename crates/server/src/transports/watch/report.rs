//! What the door tells: for logs and metrics.
//!
//! A file's name may say who a patient is, so none is in a report: a tag stands for it. The receipts have the names.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pipeline::{Accounting, sha256};

/// Stands for a file or folder of a watched one: the first 12 digits of the SHA-256 of its path below it. Who has the folder
/// can tell: `printf %s lab/x.hl7 | sha256sum`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileTag(String);

impl FileTag {
    /// The tag of a path below a watched folder.
    pub fn of(below: &Path) -> Self {
        Self(sha256(below.as_os_str().as_encoded_bytes())[..12].to_owned())
    }
}

impl fmt::Display for FileTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What happened in a folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The watched folder, as configured.
    pub folder: PathBuf,
    /// What happened there.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Files of one feed were taken up.
    Taken {
        /// The feed.
        feed: String,
        /// How many.
        files: usize,
        /// Bytes of them.
        bytes: u64,
        /// What became of their messages.
        accounting: Accounting,
        /// Messages of interrupted runs that were finished with them.
        recovered: Accounting,
        /// Messages whose control ID another message of the same sender has, with other bytes.
        reused_control_ids: u64,
    },
    /// A batch or file is not what its header and trailer say. Its messages were taken up all the same.
    Batch {
        /// The file.
        file: FileTag,
        /// Where, in bytes.
        offset: u64,
        /// What is odd.
        code: String,
    },
    /// A file is empty. It is left where it is.
    Empty(FileTag),
    /// A file was written to while it was read. It is taken up again when it is ready again.
    Changed(FileTag),
    /// A file vanished before it was taken up.
    Vanished(FileTag),
    /// A file could not be read.
    Unreadable {
        /// The file.
        file: FileTag,
        /// The operating system's words.
        reason: String,
        /// When it is tried again.
        again_in: Duration,
    },
    /// A file was taken up and could not be removed or moved. It is not read again.
    NotWithdrawn {
        /// The file.
        file: FileTag,
        /// The operating system's words.
        reason: String,
        /// When it is tried again.
        again_in: Duration,
    },
    /// Something is not taken up.
    LeftOut {
        /// Which.
        file: FileTag,
        /// What it is.
        why: &'static str,
    },
    /// The name of a sub-folder cannot be a feed's. Its files wait.
    BadFeedName(FileTag),
    /// How many files wait, when that has changed.
    Waiting {
        /// Files that are not complete, or not taken up yet.
        files: usize,
        /// Files whose names say that they are not complete.
        passed_over: usize,
    },
    /// The folder cannot be looked into.
    FolderUnreadable {
        /// The operating system's words.
        reason: String,
    },
    /// It can be looked into again.
    FolderReadable,
    /// The lake takes nothing: nothing is lost, the files wait.
    Paused {
        /// Why.
        reason: String,
        /// Whether its disk is full.
        is_full: bool,
        /// When it is tried again.
        again_in: Duration,
    },
    /// The lake takes files again.
    Resumed,
    /// What was taken could not be written down. It is tried again with the next files; a restart before that reads the files
    /// again, and counts their messages as duplicates.
    NotRemembered {
        /// Why.
        reason: String,
    },
    /// Another process watches the folder for this lake. If it ends, this one takes over.
    StandsBy,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, what } = self;
        write!(formatter, "{}: {what}", folder.display())
    }
}

impl fmt::Display for What {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { feed, files, bytes, accounting, .. } => {
                write!(formatter, "took up {files} files of feed {feed}, {bytes} bytes: {accounting}")
            }
            Self::Batch { file, offset, code } => {
                write!(
                    formatter,
                    "file {file} at byte {offset}: {code}; its messages are taken up all the same"
                )
            }
            Self::Empty(file) => write!(formatter, "file {file} is empty and stays where it is"),
            Self::Changed(file) => {
                write!(
                    formatter,
                    "file {file} was written to while it was read; it is taken up again when it is complete"
                )
            }
            Self::Vanished(file) => write!(formatter, "file {file} vanished before it was taken up"),
            Self::Unreadable { file, reason, again_in } => {
                write!(
                    formatter,
                    "file {file} cannot be read: {reason}; tried again in {} s",
                    again_in.as_secs()
                )
            }
            Self::NotWithdrawn { file, reason, again_in } => write!(
                formatter,
                "file {file} is taken up and cannot be taken away: {reason}; tried again in {} s",
                again_in.as_secs()
            ),
            Self::LeftOut { file, why } => write!(formatter, "{file} is left out: {why}"),
            Self::BadFeedName(folder) => write!(
                formatter,
                "the name of sub-folder {folder} cannot be a feed's, so its files wait: use letters, digits, -, _ and ., or \
                 configure whose folder it is"
            ),
            Self::Waiting { files, passed_over } => {
                write!(
                    formatter,
                    "{files} files wait, and {passed_over} have names of files that are not complete"
                )
            }
            Self::FolderUnreadable { reason } => {
                write!(formatter, "the folder cannot be looked into: {reason}")
            }
            Self::FolderReadable => formatter.write_str("the folder can be looked into again"),
            Self::Paused { reason, again_in, .. } => {
                write!(
                    formatter,
                    "nothing can be taken up: {reason}; tried again in {} s",
                    again_in.as_secs()
                )
            }
            Self::Resumed => formatter.write_str("files are taken up again"),
            Self::NotRemembered { reason } => {
                write!(
                    formatter,
                    "what was taken up cannot be written down: {reason}; tried again with the next files"
                )
            }
            Self::StandsBy => formatter.write_str("another process watches the folder; this one stands by"),
        }
    }
}
