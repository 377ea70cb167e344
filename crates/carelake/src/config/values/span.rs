//! Spans of time.

use std::fmt;
use std::time::Duration;

use super::as_text;

/// A span of time, at least a millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

as_text!(Span, "a time", "a whole number with ms, s, m, h or d, such as \"30s\"");

/// The names of units and their milliseconds, the largest first.
const UNITS: &[(&str, u64)] = &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Span {
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let unit_at = text.find(|character: char| !character.is_ascii_digit())?;
        let (number, unit) = text.split_at(unit_at);
        let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
        let milliseconds = number.parse::<u64>().ok()?.checked_mul(*milliseconds)?;
        (milliseconds > 0).then(|| Self(Duration::from_millis(milliseconds)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        let fits = UNITS.iter().find(|(_, unit)| milliseconds.is_multiple_of(u128::from(*unit)));
        let (name, unit) = fits.unwrap_or(&("ms", 1));
        write!(formatter, "{}{name}", milliseconds / u128::from(*unit))
    }
}
