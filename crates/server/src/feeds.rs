//! Whose a message is: feeds by name, and by what a message says of its sender.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hl7::Delimiters;
use pipeline::FeedRules;

/// Feeds without a declaration that are remembered, at most.
const UNDECLARED: usize = 10_000;

/// When an MLLP sender is told that its message is accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acknowledge {
    /// As soon as it is safe; if it cannot be converted, it waits in the error zone.
    #[default]
    Durable,
    /// When it is in the tables; one that cannot be converted is answered with an error.
    Converted,
}

/// A feed as doors see it.
#[derive(Debug, Default)]
pub struct Feed {
    /// What it decides about its messages.
    pub rules: Arc<FeedRules>,
    /// When its senders are answered.
    pub acknowledge: Acknowledge,
}

/// The feeds of a lake.
#[derive(Debug, Default)]
pub struct Feeds {
    declared: HashMap<String, Arc<Feed>>,
    /// By MSH-3, or MSH-3 and MSH-4, each its first component.
    senders: HashMap<(String, Option<String>), Arc<Feed>>,
    undeclared: Mutex<HashMap<String, Arc<Feed>>>,
}

/// The feed of what belongs to no other.
pub const DEFAULT: &str = "default";

impl Feeds {
    /// Declares a feed. Each of its `senders` is `MSH-3` or `MSH-3|MSH-4`.
    pub fn declare(&mut self, feed: Feed, senders: &[String]) {
        let feed = Arc::new(feed);
        for sender in senders {
            let key = match sender.split_once('|') {
                Some((application, facility)) => (application.to_owned(), Some(facility.to_owned())),
                None => (sender.clone(), None),
            };
            self.senders.insert(key, feed.clone());
        }
        self.declared.insert(feed.rules.name.to_string(), feed);
    }

    /// The feed of a name. Without any declaration each name that can be one is a feed; with declarations, those and `default`.
    pub fn named(&self, name: &str) -> Option<Arc<Feed>> {
        if let Some(feed) = self.declared.get(name) {
            return Some(feed.clone());
        }
        let may_be = name == DEFAULT || self.declared.is_empty() && pipeline::is_feed_name(name);
        if !may_be {
            return None;
        }
        let mut undeclared = self.undeclared.lock().unwrap_or_else(PoisonError::into_inner);
        if undeclared.len() >= UNDECLARED && !undeclared.contains_key(name) {
            return None;
        }
        let feed = undeclared.entry(name.to_owned()).or_insert_with(|| {
            let rules = FeedRules { name: name.into(), ..FeedRules::default() };
            Arc::new(Feed { rules: Arc::new(rules), acknowledge: Acknowledge::default() })
        });
        Some(feed.clone())
    }

    /// The feed of a message: that which names its sender, else that of its door, else `default`.
    pub fn of_message(&self, message: &[u8], door: Option<&Arc<Feed>>) -> Option<Arc<Feed>> {
        let by_sender = || {
            let (application, facility) = sender(message)?;
            let both = self.senders.get(&(application.clone(), Some(facility)));
            both.or_else(|| self.senders.get(&(application, None))).cloned()
        };
        let found = if self.senders.is_empty() { None } else { by_sender() };
        found.or_else(|| door.cloned()).or_else(|| self.named(DEFAULT))
    }

    /// The names that are declared, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.declared.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

/// The first components of MSH-3 and MSH-4.
fn sender(message: &[u8]) -> Option<(String, String)> {
    let delimiters = Delimiters::from_header(message)?;
    let header = message.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let mut fields = header.split(|byte| *byte == delimiters.field).skip(2);
    let mut first = || {
        let field = fields.next().unwrap_or_default();
        let component = field.split(|byte| *byte == delimiters.component).next().unwrap_or_default();
        String::from_utf8_lossy(component).trim().to_owned()
    };
    Some((first(), first()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(name: &str) -> Feed {
        let rules = FeedRules { name: name.into(), ..FeedRules::default() };
        Feed { rules: Arc::new(rules), acknowledge: Acknowledge::Durable }
    }

    #[test]
    fn a_message_belongs_to_the_feed_that_names_its_sender() {
        let mut feeds = Feeds::default();
        feeds.declare(feed("lab"), &["LIS".into()]);
        feeds.declare(feed("lab-west"), &["LIS|WEST".into()]);
        let of = |message: &str| feeds.of_message(message.as_bytes(), None).unwrap().rules.name.to_string();
        assert_eq!(of("MSH|^~\\&|LIS|WEST^1.2^ISO|\rPID|"), "lab-west");
        assert_eq!(of("MSH#*~\\&#LIS*x#EAST#"), "lab");
        assert_eq!(of("MSH|^~\\&|ADT|WEST"), "default");
        assert_eq!(of("nothing"), "default");
        assert!(feeds.named("other").is_none());
        assert_eq!(feeds.names(), ["lab", "lab-west"]);
    }

    #[test]
    fn without_declarations_any_name_is_a_feed() {
        let feeds = Feeds::default();
        assert!(feeds.named("anything").is_some());
        assert!(feeds.named("../up").is_none());
    }
}
