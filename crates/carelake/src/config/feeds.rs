//! `[feeds.NAME]`: one sender's stream, what belongs to it and how it is read.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::describe::{Written, settings};
use super::values::{Name, as_text, words};

settings! {
    /// One sender's stream: which messages belong to it, and how they are read. A message belongs to the feed that its token or
    /// the path of its request names; else to the feed that lists its sender, with MSH-4 before without; else to that
    /// of its door; else to the feed `default`. A feed without a section has the defaults.
    pub(crate) struct Feed {
        /// The MLLP doors, by name or port, whose messages are its.
        ports: Vec<Port> = [],
        /// The folders, by name, whose files are its; and other names for it in the paths of HTTP and in sub-folders.
        paths: Vec<Name> = [],
        /// The senders whose messages are its: what MSH-3 holds, or what MSH-3 and MSH-4 hold with a bar between. What is written
        /// without `^` is compared with the first component.
        senders: Vec<Sender> = [],
        /// The deviations from the standard that its sender is known for.
        dialect: Dialect = "none",
        /// Whether a message that breaks its own version of the standard goes to the error zone.
        strict: bool = false,
        /// The charset of messages without MSH-18; found out from the bytes when not set.
        charset: Option<Charset>,
        /// The offset from UTC of times that come without one. They are kept as they were sent; `feed_offset(feed)` tells it in SQL.
        timezone: Option<Offset>,
        /// When a message is acknowledged: once it is in safe storage, or once it is converted too, with an error if it cannot be.
        acknowledge: Acknowledge = "durable",
        /// Messages that are kept in raw, but not converted; they are counted as filtered. Whichever way they come; what `unchanged` compares
        /// with is forgotten when the program ends.
        drop: Vec<Filter> = [],
    }
}

words! {
    /// Deviations from the standard that are known by a name.
    pub(crate) enum Dialect: "a dialect" {
        /// None: the standard as it is.
        None = "none",
    }
}

words! {
    /// What an acknowledgment says.
    pub(crate) enum Acknowledge: "a way to acknowledge" {
        /// The message is in safe storage. One that cannot be converted waits in the error zone.
        Durable = "durable",
        /// The message is converted too.
        Converted = "converted",
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            ports: Vec::new(),
            paths: Vec::new(),
            senders: Vec::new(),
            dialect: Dialect::None,
            strict: false,
            charset: None,
            timezone: None,
            acknowledge: Acknowledge::Durable,
            drop: Vec::new(),
        }
    }
}

/// A door for MLLP, by the name of its section or the port that it listens on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Port {
    Number(u16),
    Door(Name),
}

impl Written for Port {
    const WHAT: &'static str = "an MLLP door";

    fn allowed() -> String {
        "the name of a section [mllp.NAME] in quotes, or a port without, such as 2575".to_owned()
    }
}

/// A sending application (MSH-3), or one of one facility (MSH-4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    pub(crate) application: String,
    pub(crate) facility: Option<String>,
}

as_text!(Sender, "a sender", "what MSH-3 holds, or MSH-3|MSH-4, such as \"LAB\" or \"LAB|NORTH\"");

impl Sender {
    fn from_text(text: &str) -> Option<Self> {
        let (application, facility) = match text.split_once('|') {
            Some((application, facility)) => (application, Some(facility)),
            None => (text, None),
        };
        let is_field = |text: &str| !text.trim().is_empty() && !text.contains(['|', '\r', '\n']);
        let is_fine = is_field(application) && facility.is_none_or(is_field);
        is_fine.then(|| Self {
            application: application.trim().to_owned(),
            facility: facility.map(|facility| facility.trim().to_owned()),
        })
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.application)?;
        self.facility.iter().try_for_each(|facility| write!(formatter, "|{facility}"))
    }
}

/// Messages that are not converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// All of a type (MSH-9.1).
    Type { message_type: String },
    /// All of a type and an event (MSH-9.1 and MSH-9.2).
    Event { message_type: String, trigger_event: String },
    /// Those of a type and an event in which nothing but MSH-7, MSH-10 and EVN differs from the last such message about the
    /// same patient.
    Unchanged { message_type: String, trigger_event: String },
}

as_text!(
    Filter,
    "a filter",
    "a message type such as \"ACK\", type^event such as \"ADT^A31\", or \"unchanged ADT^A31\": if nothing but MSH-7, MSH-10 and EVN changed since the patient's last"
);

impl Filter {
    fn from_text(text: &str) -> Option<Self> {
        let (only_unchanged, codes) = match text.strip_prefix("unchanged ") {
            Some(codes) => (true, codes.trim_start()),
            None => (false, text),
        };
        let code = |code: &str| {
            let is_code = code.len() == 3
                && code.starts_with(|first: char| first.is_ascii_uppercase())
                && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            is_code.then(|| code.to_owned())
        };
        match codes.split_once('^') {
            Some((message_type, trigger_event)) => {
                let (message_type, trigger_event) = (code(message_type)?, code(trigger_event)?);
                Some(match only_unchanged {
                    true => Self::Unchanged { message_type, trigger_event },
                    false => Self::Event { message_type, trigger_event },
                })
            }
            None if only_unchanged => None,
            None => Some(Self::Type { message_type: code(codes)? }),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type { message_type } => formatter.write_str(message_type),
            Self::Event { message_type, trigger_event } => {
                write!(formatter, "{message_type}^{trigger_event}")
            }
            Self::Unchanged { message_type, trigger_event } => {
                write!(formatter, "unchanged {message_type}^{trigger_event}")
            }
        }
    }
}

/// The charset of messages that name none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charset(pub(crate) hl7::charset::Charset);

as_text!(
    Charset,
    "a charset",
    "a code of HL7 table 0211 or a name of the web, such as \"8859/1\", \"UNICODE UTF-8\" or \"windows-1250\""
);

impl Charset {
    fn from_text(text: &str) -> Option<Self> {
        hl7::charset::Charset::from_name(text.as_bytes()).map(Self)
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.name())
    }
}

/// An offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offset {
    /// Minutes east of Greenwich.
    pub(crate) minutes: i16,
}

as_text!(
    Offset,
    "an offset from UTC",
    "a sign, hours and minutes, from \"-14:00\" to \"+14:00\", such as \"+01:00\"; the same all year: names of zones are not known"
);

impl Offset {
    fn from_text(text: &str) -> Option<Self> {
        let (is_west, digits) = match text.split_at_checked(1)? {
            ("+", digits) => (false, digits),
            ("-", digits) => (true, digits),
            _ => return None,
        };
        let (hours, minutes) = digits.split_once(':').or_else(|| digits.split_at_checked(2))?;
        let number = |text: &str| {
            let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse::<i16>().ok()).flatten()
        };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        let offset = hours * 60 + minutes;
        let is_fine = minutes < 60 && offset <= 14 * 60;
        is_fine.then_some(Self { minutes: if is_west { -offset } else { offset } })
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minutes < 0 { '-' } else { '+' };
        let minutes = self.minutes.abs();
        write!(formatter, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}
