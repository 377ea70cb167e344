//! How long something is kept.

use std::fmt;

use super::{Span, as_text};

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Forever,
    For(Span),
}

as_text!(Keep, "a time to keep", "\"forever\", or a whole number with ms, s, m, h or d, such as \"30d\"");

impl Keep {
    pub(super) fn from_text(text: &str) -> Option<Self> {
        match text {
            "forever" => Some(Self::Forever),
            text => Span::from_text(text).map(Self::For),
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forever => formatter.write_str("forever"),
            Self::For(span) => span.fmt(formatter),
        }
    }
}
