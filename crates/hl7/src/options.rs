//! What a feed may decide about parsing.

use crate::charset::Charset;

/// How far a message may go before it is refused rather than read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message; 128 MiB unless set.
    pub message_bytes: usize,
    /// Segments of one message; one million unless set.
    pub segments: usize,
    /// Values of one message, empty ones included; four million unless set. Each becomes a name, a place and a text,
    /// many times its bytes: without this limit a line of nothing but delimiters would fill any memory.
    pub values: usize,
    /// Groups open inside each other; 32 unless set. A segment that would need a deeper one stays in the
    /// group that is open. No structure of the standard goes deeper than eight.
    pub nesting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { message_bytes: 128 << 20, segments: 1_000_000, values: 4_000_000, nesting: 32 }
    }
}

/// Settings of a [`Parser`](crate::Parser), usually those of one feed.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How large a message may be.
    pub limits: Limits,
    /// The charset of messages that do not declare one in MSH-18; detected when absent.
    pub default_charset: Option<Charset>,
}
