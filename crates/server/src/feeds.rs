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
    /// Other names, and whose they are.
    others: HashMap<String, String>,
    /// Those with a facility first.
    senders: Vec<(Sender, Arc<Feed>)>,
    undeclared: Mutex<HashMap<String, Arc<Feed>>>,
}

/// What MSH-3, and MSH-4 if it is told, must say: the whole field if it has a `^`, else its first component.
#[derive(Debug)]
struct Sender {
    application: String,
    facility: Option<String>,
}

impl Sender {
    fn is(&self, application: &str, facility: &str) -> bool {
        let says = |wanted: &str, field: &str| {
            let first = field.split('^').next().unwrap_or_default();
            wanted == if wanted.contains('^') { field } else { first }
        };
        says(&self.application, application)
            && self.facility.as_deref().is_none_or(|wanted| says(wanted, facility))
    }
}

/// The feed of what belongs to no other.
pub const DEFAULT: &str = "default";

impl Feeds {
    /// Declares a feed. Each of its `senders` is `MSH-3` or `MSH-3|MSH-4`; `others` are further names for it.
    pub fn declare(&mut self, feed: Feed, senders: &[String], others: &[String]) {
        self.others.extend(others.iter().map(|other| (other.clone(), feed.rules.name.to_string())));
        let feed = Arc::new(feed);
        for sender in senders {
            let sender = match sender.split_once('|') {
                Some((application, facility)) => {
                    Sender { application: application.into(), facility: Some(facility.into()) }
                }
                None => Sender { application: sender.clone(), facility: None },
            };
            self.senders.push((sender, feed.clone()));
        }
        self.senders.sort_by_key(|(sender, _)| sender.facility.is_none());
        self.declared.insert(feed.rules.name.to_string(), feed);
    }

    /// The feed of a name. Without any declaration each name that can be one is a feed; with declarations, those and `default`.
    pub fn named(&self, name: &str) -> Option<Arc<Feed>> {
        let name = self.others.get(name).map_or(name, String::as_str);
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
            let named = self.senders.iter().find(|(sender, _)| sender.is(&application, &facility));
            named.map(|(_, feed)| feed.clone())
        };
        let found = if self.senders.is_empty() { None } else { by_sender() };
        found.or_else(|| door.cloned()).or_else(|| self.named(DEFAULT))
    }

    /// The rules of a feed that is declared, by its own name.
    pub fn rules_of(&self, name: &str) -> Option<Arc<FeedRules>> {
        self.declared.get(name).map(|feed| feed.rules.clone())
    }

    /// The names that are declared, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.declared.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

/// MSH-3 and MSH-4, with `^` between their components whatever the message has there.
fn sender(message: &[u8]) -> Option<(String, String)> {
    let delimiters = Delimiters::from_header(message)?;
    let header = message.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let mut fields = header.split(|byte| *byte == delimiters.field).skip(2);
    let mut first = || {
        let field = fields.next().unwrap_or_default();
        let text = String::from_utf8_lossy(field);
        text.trim().replace(char::from(delimiters.component), "^")
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
        feeds.declare(feed("lab"), &["LIS".into()], &["results".into()]);
        feeds.declare(feed("lab-west"), &["LIS|WEST^1.2^ISO".into()], &[]);
        assert_eq!(&*feeds.named("results").unwrap().rules.name, "lab");
        let of = |message: &str| feeds.of_message(message.as_bytes(), None).unwrap().rules.name.to_string();
        assert_eq!(of("MSH|^~\\&|LIS|WEST^1.2^ISO|\rPID|"), "lab-west");
        assert_eq!(of("MSH#*~\\&#LIS*x#EAST#"), "lab");
        assert_eq!(of("MSH|^~\\&|ADT|WEST"), "default");
        assert_eq!(of("nothing"), "default");
        assert!(feeds.named("other").is_none());
        assert_eq!(feeds.names(), ["lab", "lab-west"]);
        let lab = feeds.named("lab").unwrap();
        assert!(Arc::ptr_eq(&feeds.rules_of("lab").unwrap(), &lab.rules), "they remember together");
        assert!(feeds.rules_of("results").is_none() && feeds.rules_of("other").is_none());
    }

    #[test]
    fn without_declarations_any_name_is_a_feed() {
        let feeds = Feeds::default();
        assert!(feeds.named("anything").is_some());
        assert!(feeds.named("../up").is_none());
    }
}
