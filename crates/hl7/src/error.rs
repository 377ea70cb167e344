//! Why a message could not be read: where and what was expected, never what stood there.

use core::fmt;

/// The few things that make bytes unreadable as a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The bytes do not begin with an MSH segment.
    NoHeader,
    /// There is an MSH, but it ends before its encoding characters do.
    TruncatedHeader,
    /// The message has more bytes than [`Limits::message_bytes`](crate::Limits::message_bytes).
    TooLong,
    /// The message has more segments than [`Limits::segments`](crate::Limits::segments).
    TooManySegments,
    /// The message has more values than [`Limits::values`](crate::Limits::values).
    TooManyValues,
}

/// A message that was refused: the kind of fault and the byte where it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    kind: ParseErrorKind,
    offset: usize,
}

impl ParseError {
    pub(crate) fn new(kind: ParseErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// What is wrong.
    pub fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// Where it shows, in bytes from the start of what was given to the parser.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What the person who sees the error can try.
    pub fn hint(&self) -> &'static str {
        match self.kind {
            ParseErrorKind::NoHeader => {
                "a message begins with MSH and its field delimiter, such as MSH|^~\\&|"
            }
            ParseErrorKind::TruncatedHeader => {
                "ask the sender for the whole message: the first segment was cut off"
            }
            ParseErrorKind::TooLong => {
                "raise the limit on message bytes, or look for a missing line end before the next MSH"
            }
            ParseErrorKind::TooManySegments => {
                "raise the limit on segments if the message is meant to be this long"
            }
            ParseErrorKind::TooManyValues => {
                "ask the sender to split the message, and look for text whose delimiters were not escaped"
            }
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ParseErrorKind::NoHeader => "no MSH segment",
            ParseErrorKind::TruncatedHeader => "the MSH segment ends before MSH-2 does",
            ParseErrorKind::TooLong => "the message is longer than the limit",
            ParseErrorKind::TooManySegments => "the message has more segments than the limit",
            ParseErrorKind::TooManyValues => "the message has more values than the limit",
        };
        write!(formatter, "{what} (byte {})", self.offset)
    }
}

impl core::error::Error for ParseError {}
