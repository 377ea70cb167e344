//! How the program speaks when something is wrong.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind as Usage;

/// A command that failed: what, and what to do about it. Never a value of a message.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    hint: Option<String>,
    /// Whoever reads our output went away: nothing to say.
    is_silent: bool,
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), hint: None, is_silent: false }
    }

    /// A file that cannot be read.
    pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Self {
        let failure = Self::new(format!("cannot read {}: {error}", path.display()));
        match error.kind() {
            ErrorKind::NotFound => failure.with_hint("look at the path; - is the standard input"),
            ErrorKind::PermissionDenied => {
                failure.with_hint("the user who runs carelake must be able to read it")
            }
            _ => failure
                .with_hint("look at the disk, then run the same command again: nothing is lost or doubled"),
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Prints a failure; the exit code for it.
pub(crate) fn failure(failure: &Failure) -> ExitCode {
    if !failure.is_silent {
        error(&failure.text, failure.hint.as_deref());
    }
    ExitCode::from(1)
}

/// Prints what is wrong with the command line, or the help that was asked for.
pub(crate) fn usage(error_of_clap: &clap::Error) -> ExitCode {
    if matches!(error_of_clap.kind(), Usage::DisplayHelp | Usage::DisplayVersion) {
        let _ = error_of_clap.print();
        return ExitCode::SUCCESS;
    }
    if error_of_clap.kind() == Usage::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = write!(io::stderr(), "{}", error_of_clap.render());
        return ExitCode::from(2);
    }
    let text = error_of_clap.render().to_string();
    let mut paragraphs = text.split("\n\n");
    let first = paragraphs.next().unwrap_or_default().trim_start_matches("error: ").trim();
    let tip = paragraphs.find_map(|paragraph| paragraph.trim().strip_prefix("tip: "));
    error(first, Some(tip.unwrap_or("carelake help lists the commands, carelake help COMMAND its options")));
    ExitCode::from(2)
}

/// Prints an error and its hint.
pub(crate) fn error(text: impl Display, hint: Option<&str>) {
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "error: {text}");
    if let Some(hint) = hint {
        let _ = writeln!(stderr, "hint: {hint}");
    }
}

/// Prints one of the things that an error is made of.
pub(crate) fn detail(text: impl Display) {
    let _ = writeln!(io::stderr(), "  {text}");
}

/// Prints a warning.
pub(crate) fn warning(text: impl Display) {
    let _ = writeln!(io::stderr(), "warning: {text}");
}

/// Prints what is good to know.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr(), "note: {text}");
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { text: error.to_string(), hint: None, is_silent: error.kind() == ErrorKind::BrokenPipe }
    }
}

impl From<storage::Error> for Failure {
    fn from(error: storage::Error) -> Self {
        Self { text: error.to_string(), hint: error.hint(), is_silent: false }
    }
}

impl From<pipeline::Error> for Failure {
    fn from(error: pipeline::Error) -> Self {
        match error {
            pipeline::Error::Storage(error) => error.into(),
            pipeline::Error::Input { ref path, ref source } => Self::unreadable(path, source),
            error @ pipeline::Error::UnknownMessage { .. } => Self::new(error.to_string())
                .with_hint("carelake sql 'SELECT message_id FROM staging' lists ids"),
            error @ pipeline::Error::Audit(_) => Self::new(error.to_string()).with_hint(
                "this lake is an audited one, so nothing is shown or changed; the user who runs carelake must be able to write to its audit folder",
            ),
            error @ pipeline::Error::NotInError { .. } => {
                Self::new(error.to_string()).with_hint("carelake errors list shows what is in error now")
            }
            error @ pipeline::Error::ChangedRaw { .. } => Self::new(error.to_string())
                .with_hint("nothing was replaced; carelake verify tells what has changed and what helps"),
            error @ pipeline::Error::UnreadableFile { .. } => Self::new(error.to_string())
                .with_hint("carelake replay without --feed, --from and --to builds it anew"),
            pipeline::Error::UnknownFeed { ref near, .. } => {
                let hint = match &near[..] {
                    [] => "this lake has received nothing so far".to_owned(),
                    near => format!("there are: {}", near.join(", ")),
                };
                Self::new(error.to_string()).with_hint(hint)
            }
            error @ pipeline::Error::EmptySpan => {
                Self::new(error.to_string()).with_hint("give --from the earlier time and --to the later one")
            }
            error @ pipeline::Error::TableInUse => {
                Self::new(error.to_string()).with_hint("run it again when the other has ended")
            }
            pipeline::Error::DataFile { ref key, .. } if !key.starts_with("staging/") => Self::new(error.to_string())
                .with_hint("restore the file from a backup; carelake verify tells all that is damaged"),
            error @ pipeline::Error::DataFile { .. } => Self::new(error.to_string()).with_hint(
                "carelake verify tells all that is damaged; carelake replay makes staging again from the raw zone",
            ),
            error @ pipeline::Error::Delta(_) if is_forbidden(&error) => Self::new(error.to_string())
                .with_hint("the user who runs carelake must be able to read and write the lake's folder"),
            error @ (pipeline::Error::Delta(_) | pipeline::Error::DamagedLog { .. }) => Self::new(error.to_string())
                .with_hint("carelake verify tells what is damaged; restore the _delta_log folder from a backup"),
            error @ pipeline::Error::DamagedReceipts { .. } => {
                Self::new(error.to_string()).with_hint("restore the file from a backup: receipts are part of the raw zone")
            }
            error @ pipeline::Error::FeedName { .. } => Self::new(error.to_string())
                .with_hint("use 1 to 100 letters, digits, '-', '_' and '.', with a letter or digit in front"),
            other => Self::new(other.to_string()),
        }
    }
}

fn is_forbidden(error: &pipeline::Error) -> bool {
    matches!(error.io_kind(), Some(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem))
}

impl From<server::auth::Error> for Failure {
    fn from(error: server::auth::Error) -> Self {
        match error {
            server::auth::Error::Lake(error) => error.into(),
            error => {
                Self { text: error.to_string(), hint: error.hint().map(str::to_owned), is_silent: false }
            }
        }
    }
}

impl From<query::Error> for Failure {
    fn from(error: query::Error) -> Self {
        Self { text: error.to_string(), hint: error.hint().map(str::to_owned), is_silent: false }
    }
}

impl From<arrow::error::ArrowError> for Failure {
    fn from(error: arrow::error::ArrowError) -> Self {
        match error {
            arrow::error::ArrowError::IoError(_, error) => error.into(),
            // The writer of CSV has only the words left.
            arrow::error::ArrowError::CsvError(text) => match text.contains("Broken pipe") {
                true => io::Error::from(ErrorKind::BrokenPipe).into(),
                false => Self::new(text),
            },
            other => query::Error::from(other).into(),
        }
    }
}
