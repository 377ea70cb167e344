//! Values by themselves, for questions that look into messages or texts instead of columns.

use hl7::charset::Charset;
use hl7::timestamp::Timestamp;
use hl7::{Delimiters, Parser};

pub use hl7::{Path, PathError};

/// Looks into one message after the other.
#[derive(Debug, Default)]
pub struct Reader {
    parser: Parser,
}

impl Reader {
    /// The text at a path of a message; `None` if nothing stands there or the bytes are no message.
    pub fn field(&mut self, message: &[u8], path: &Path) -> Option<String> {
        let message = self.parser.parse(message).ok()?;
        message.value(path).map(|part| part.text()).filter(|text| !text.is_empty())
    }
}

/// The first moment that an HL7 date or time names, in microseconds since 1970, UTC; `None` if it is neither.
///
/// `assumed_offset_minutes`, east of UTC, is that of the sender's clock, for times sent without an offset.
pub fn timestamp_microseconds(text: &str, assumed_offset_minutes: i16) -> Option<i64> {
    Timestamp::parse(text.trim().as_bytes()).map(|time| time.start_unix_microseconds(assumed_offset_minutes))
}

/// The offset that an HL7 date or time was sent with, in minutes east of UTC; `None` without one.
pub fn offset_minutes(text: &str) -> Option<i64> {
    Timestamp::parse(text.trim().as_bytes())?.offset().map(|offset| offset.minutes_east())
}

/// The text with every delimiter of `|^~\&` in it escaped (chapter 2, use of escape sequences).
pub fn escape(text: &str) -> String {
    let mut escaped = Vec::new();
    hl7::escape::escape(text, &Delimiters::STANDARD, &mut escaped);
    String::from_utf8_lossy(&escaped).into_owned()
}

/// The text with the escape sequences of delimiters and characters decoded; formatting commands stay.
pub fn unescape(text: &str) -> String {
    let mut plain = String::new();
    hl7::escape::unescape(text.as_bytes(), &Delimiters::STANDARD, Charset::Utf8, &mut plain);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_path_and_times_from_their_first_moment() {
        let message = b"MSH|^~\\&|A|B|C|D|2024||ADT^A08|1|P|2.5\rPID|1||P1^^^X~P2^^^Y&1.2&ISO";
        let mut reader = Reader::default();
        let mut at = |path: &str| reader.field(message, &path.parse().unwrap());
        assert_eq!(at("PID-3[2].4.2").as_deref(), Some("1.2"));
        assert_eq!(at("PID-5"), None);
        assert_eq!(Reader::default().field(b"no message", &"PID-3".parse().unwrap()), None);
        assert_eq!(timestamp_microseconds("1970", 0), Some(0));
        assert_eq!(timestamp_microseconds("197001020100+0100", 0), Some(86_400_000_000));
        assert_eq!(timestamp_microseconds("19700101", 60), Some(-3_600_000_000));
        assert_eq!(timestamp_microseconds("soon", 0), None);
        assert_eq!(unescape(&escape("a|b^c\\d")), "a|b^c\\d");
    }
}
