//! Messages that a feed leaves out of staging: they are kept in raw, have a receipt that names the rule, and are counted.
//!
//! `ACK` leaves out a message type, `ADT^A31` a trigger event, and `unchanged ADT^A31` messages of that event that say nothing
//! new: all of the message but MSH and EVN is what the message before it of the same patient (PID-3) said.

use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hl7::Delimiters;

use super::FeedRules;

/// Patients that are remembered, at most. What is forgotten is staged once more.
const PATIENTS: usize = 200_000;

/// One rule. A copy of it remembers with it.
#[derive(Clone, Debug)]
pub struct Filter {
    message_type: String,
    trigger_event: Option<String>,
    /// For rules on messages that say nothing new.
    memory: Option<Memory>,
}

/// What each patient's last message said, as hashes.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<HashMap<u64, u64>>>);

/// A text that is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no filter")]
pub struct FilterError {
    /// The text.
    pub text: String,
}

/// What messages say of their patients, to be remembered when they are safe: one that is not is sent again, and is news then.
#[derive(Default)]
pub(crate) struct News(Vec<(Memory, HashMap<u64, u64>)>);

impl News {
    /// The rule of its feed that leaves a message out. What those before it said counts, for they become safe together.
    pub(crate) fn leaves_out(&mut self, feed: &FeedRules, message: &[u8]) -> Option<String> {
        if feed.filters.is_empty() {
            return None;
        }
        let delimiters = Delimiters::from_header(message)?;
        let rule = feed.filters.iter().find(|filter| self.looks_at(filter, message, delimiters));
        rule.map(ToString::to_string)
    }

    /// Remembers it all, now that it is safe.
    pub(crate) fn remember(self) {
        for (memory, said) in self.0 {
            let mut last = memory.lock();
            for (patient, content) in said {
                if last.len() >= PATIENTS && !last.contains_key(&patient) {
                    last.clear();
                }
                last.insert(patient, content);
            }
        }
    }

    fn looks_at(&mut self, filter: &Filter, message: &[u8], delimiters: Delimiters) -> bool {
        let is_meant = filter.is_about(message, delimiters);
        let Some(memory) = &filter.memory else { return is_meant };
        let Some((patient, content)) = said(message, delimiters) else { return false };
        let before = self.of(memory).insert(patient, content);
        let before = before.or_else(|| memory.lock().get(&patient).copied());
        is_meant && before == Some(content)
    }

    fn of(&mut self, memory: &Memory) -> &mut HashMap<u64, u64> {
        let known = self.0.iter().position(|(known, _)| Arc::ptr_eq(&known.0, &memory.0));
        let at = known.unwrap_or_else(|| {
            self.0.push((memory.clone(), HashMap::new()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }
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
            memory: is_unchanged.then(Memory::default),
        })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unchanged = if self.memory.is_some() { "unchanged " } else { "" };
        write!(formatter, "{unchanged}{}", self.message_type)?;
        self.trigger_event.as_ref().map_or(Ok(()), |event| write!(formatter, "^{event}"))
    }
}

impl Filter {
    fn is_about(&self, message: &[u8], delimiters: Delimiters) -> bool {
        let header = message.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        let Some(field) = header.split(|byte| *byte == delimiters.field).nth(8) else { return false };
        let mut components = field.split(|byte| *byte == delimiters.component);
        let mut is =
            |code: &str| components.next().is_some_and(|part| part.eq_ignore_ascii_case(code.as_bytes()));
        is(&self.message_type) && self.trigger_event.as_deref().is_none_or(is)
    }
}

/// Of whom a message says something, and what; `None` if it does not name a patient.
fn said(message: &[u8], delimiters: Delimiters) -> Option<(u64, u64)> {
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
    Some((hasher.finish(), content.finish()))
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without what is in it: hashes of identifiers can be guessed.
impl fmt::Debug for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Memory")
    }
}

impl fmt::Debug for News {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("News")
    }
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

    fn rules(filters: &[&str]) -> FeedRules {
        let filters = filters.iter().map(|text| text.parse().unwrap()).collect();
        FeedRules { filters, ..FeedRules::default() }
    }

    #[test]
    fn types_and_events_are_left_out() {
        let leaves_out =
            |filter: &str, message: &[u8]| News::default().leaves_out(&rules(&[filter]), message).is_some();
        assert!(leaves_out("ADT", &message("A31", 1, "")));
        assert!(leaves_out("ADT^A31", &message("A31", 1, "")));
        assert!(!leaves_out("ADT^A31", &message("A08", 1, "")));
        assert!(leaves_out("ACK", b"MSH#*~\\&#A#B#C#D#2026##ACK#1\rMSA#AA#1"));
        assert!(!leaves_out("ACK", b"MSH|^~\\&|ACK"));
        assert!(!leaves_out("ACK", b"ACK"));
    }

    #[test]
    fn what_says_nothing_new_is_left_out_once_what_said_it_is_safe() {
        let rules = rules(&["unchanged ADT^A31"]);
        // A batch of one, safe or not.
        let look = |message: Vec<u8>, is_safe: bool| {
            let mut news = News::default();
            let left_out = news.leaves_out(&rules, &message).is_some();
            if is_safe {
                news.remember();
            }
            left_out
        };
        assert!(!look(message("A31", 1, "HERE"), false));
        assert!(!look(message("A31", 1, "HERE"), true), "it was not safe: sent again it is no repetition");
        assert!(look(message("A31", 2, "HERE"), false));
        assert!(!look(message("A31", 3, "THERE"), false));
        // Another event in between says something else: then the old is news again.
        assert!(!look(message("A08", 4, "THERE"), true));
        assert!(!look(message("A31", 5, "HERE"), false));
        assert!(!look(message("A08", 6, "THERE"), false), "only the event of the rule is left out");
        let nobody = b"MSH|^~\\&|||||||ADT^A31|1\rEVN|".to_vec();
        assert!(!look(nobody.clone(), true) && !look(nobody, true));
    }

    #[test]
    fn a_batch_sees_its_own_messages_and_copies_of_a_rule_remember_together() {
        let rules = rules(&["ADT^A04", "unchanged ADT^A31", "unchanged ADT^A08"]);
        let mut news = News::default();
        let mut look = |event, number, address| news.leaves_out(&rules, &message(event, number, address));
        assert_eq!(look("A31", 1, "HERE"), None);
        assert_eq!(look("A31", 2, "HERE").as_deref(), Some("unchanged ADT^A31"));
        assert_eq!(look("A04", 3, "HERE").as_deref(), Some("ADT^A04"));
        assert_eq!(look("A08", 4, "HERE"), None);
        assert_eq!(look("A31", 5, "HERE"), None, "the A08 came in between");
        let other = message("A31", 6, "HERE");
        assert_eq!(News::default().leaves_out(&rules, &other), None, "it is not safe yet");
        news.remember();
        let copy = FeedRules { strict: true, ..rules.clone() };
        assert_eq!(News::default().leaves_out(&copy, &other).as_deref(), Some("unchanged ADT^A31"));
    }
}
