//! Messages that a feed leaves out of staging: they are kept in raw, have a receipt that names the rule, and are counted.
//!
//! `ACK` leaves out a message type, `ADT^A31` a trigger event, and `unchanged ADT^A31` messages of that event that say nothing
//! new: all of the message but MSH and EVN is what the message before it of the same patient (PID-3) said.

use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hl7::Delimiters;

/// Patients that are remembered, at most. What is forgotten is staged once more.
const PATIENTS: usize = 200_000;

/// One rule.
#[derive(Debug)]
pub struct Filter {
    message_type: String,
    trigger_event: Option<String>,
    /// For rules on messages that say nothing new: what each patient's last message said, as hashes.
    last: Option<Mutex<HashMap<u64, u64>>>,
}

/// A text that is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no filter")]
pub struct FilterError {
    /// The text.
    pub text: String,
}

/// What a message said of a patient; to be remembered once the message is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    patient: u64,
    content: u64,
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let (event, is_unchanged) = match text.trim().strip_prefix("unchanged ") {
            Some(event) => (event.trim(), true),
            None => (text.trim(), false),
        };
        let (message_type, trigger_event) = match event.split_once('^') {
            Some((message_type, trigger_event)) => (message_type, Some(trigger_event)),
            None => (event, None),
        };
        let is_code = |code: &str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_code(message_type)
            || !trigger_event.is_none_or(is_code)
            || is_unchanged && trigger_event.is_none()
        {
            return Err(FilterError { text: text.into() });
        }
        Ok(Self {
            message_type: message_type.to_ascii_uppercase(),
            trigger_event: trigger_event.map(str::to_ascii_uppercase),
            last: is_unchanged.then(Mutex::default),
        })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unchanged = if self.last.is_some() { "unchanged " } else { "" };
        write!(formatter, "{unchanged}{}", self.message_type)?;
        self.trigger_event.as_ref().map_or(Ok(()), |event| write!(formatter, "^{event}"))
    }
}

impl Filter {
    /// Whether a message is left out; and what it says of its patient, if that is to be remembered.
    pub(super) fn look_at(&self, message: &[u8]) -> (bool, Option<Said>) {
        let Some(delimiters) = Delimiters::from_header(message) else { return (false, None) };
        let is_meant = self.is_about(message, delimiters);
        let Some(last) = &self.last else { return (is_meant, None) };
        let Some(said) = said(message, delimiters) else { return (false, None) };
        let is_known = lock(last).get(&said.patient) == Some(&said.content);
        (is_meant && is_known, Some(said))
    }

    /// Remembers what was said, now that it is safe.
    pub(super) fn remember(&self, said: Said) {
        let Some(last) = &self.last else { return };
        let mut last = lock(last);
        if last.len() >= PATIENTS && !last.contains_key(&said.patient) {
            last.clear();
        }
        last.insert(said.patient, said.content);
    }

    fn is_about(&self, message: &[u8], delimiters: Delimiters) -> bool {
        let header = message.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        let Some(field) = header.split(|byte| *byte == delimiters.field).nth(8) else { return false };
        let mut components = field.split(|byte| *byte == delimiters.component);
        let mut is =
            |code: &str| components.next().is_some_and(|part| part.eq_ignore_ascii_case(code.as_bytes()));
        is(&self.message_type) && self.trigger_event.as_deref().is_none_or(is)
    }
}

/// What a message says, and of whom; `None` if it does not name a patient.
fn said(message: &[u8], delimiters: Delimiters) -> Option<Said> {
    let mut content = DefaultHasher::new();
    let mut patient = None;
    for segment in message.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|segment| !segment.is_empty()) {
        let mut fields = segment.split(|byte| *byte == delimiters.field);
        match fields.next() {
            // The event counts: an admission is news however little it says.
            Some(b"MSH") => fields.nth(7).hash(&mut content),
            Some(b"EVN") => {}
            Some(b"PID") => {
                let ids = fields.nth(2).filter(|ids| !ids.is_empty());
                patient = patient.or(ids);
                segment.hash(&mut content);
            }
            _ => segment.hash(&mut content),
        }
    }
    let mut hasher = DefaultHasher::new();
    patient?.hash(&mut hasher);
    Some(Said { patient: hasher.finish(), content: content.finish() })
}

fn lock(last: &Mutex<HashMap<u64, u64>>) -> MutexGuard<'_, HashMap<u64, u64>> {
    last.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(event: &str, control_id: u32, address: &str) -> Vec<u8> {
        format!("MSH|^~\\&|A|B|C|D|2026||ADT^{event}|{control_id}|P|2.5\rEVN||2026{control_id}\rPID|1||77^^^X||N||||||{address}\r")
            .into_bytes()
    }

    #[test]
    fn rules_are_read_and_written() {
        for text in ["ACK", "ADT^A31", "unchanged ADT^A31"] {
            assert_eq!(text.parse::<Filter>().unwrap().to_string(), text);
        }
        for text in ["", "A", "unchanged ADT", "ADT^", "ADT^A31^X", "ADT A31"] {
            assert!(text.parse::<Filter>().is_err(), "{text}");
        }
    }

    #[test]
    fn types_and_events_are_left_out() {
        let leaves_out = |filter: &str, message: &[u8]| filter.parse::<Filter>().unwrap().look_at(message).0;
        assert!(leaves_out("ADT", &message("A31", 1, "")));
        assert!(leaves_out("ADT^A31", &message("A31", 1, "")));
        assert!(!leaves_out("ADT^A31", &message("A08", 1, "")));
        assert!(leaves_out("ACK", b"MSH#*~\\&#A#B#C#D#2026##ACK#1\rMSA#AA#1"));
        assert!(!leaves_out("ACK", b"MSH|^~\\&|ACK"));
    }

    #[test]
    fn what_says_nothing_new_is_left_out_once_what_said_it_is_safe() {
        let filter: Filter = "unchanged ADT^A31".parse().unwrap();
        let look = |message: Vec<u8>| filter.look_at(&message);
        let (left_out, said) = look(message("A31", 1, "HERE"));
        assert!(!left_out);
        assert!(!look(message("A31", 1, "HERE")).0, "it was not safe: sent again it is no repetition");
        filter.remember(said.unwrap());
        assert!(look(message("A31", 2, "HERE")).0);
        assert!(!look(message("A31", 3, "THERE")).0);
        // Another event in between says something else: then the old is news again.
        filter.remember(look(message("A08", 4, "THERE")).1.unwrap());
        assert!(!look(message("A31", 5, "HERE")).0);
        assert!(!look(message("A08", 6, "THERE")).0, "only the event of the rule is left out");
        assert_eq!(filter.look_at(b"MSH|^~\\&|||||||ADT^A31|1\rEVN|").1, None);
    }
}
