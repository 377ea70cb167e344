//! Feeds: what each decides about its messages, whichever door they come by.

mod filter;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub(crate) use filter::News;
pub use filter::{Filter, FilterError};

/// What a feed decides about its messages. A copy remembers with it what its filters remember.
#[derive(Clone, Debug)]
pub struct FeedRules {
    /// The sender's stream.
    pub name: Arc<str>,
    /// Whether messages are refused that break their own version of the standard.
    pub strict: bool,
    /// The charset of messages that declare none, as in table 0211.
    pub charset: Option<String>,
    /// Messages that are left out, and counted.
    pub filters: Vec<Filter>,
}

impl FeedRules {
    /// A feed of which nothing but the name is known: all is taken, as the standard has it or not.
    pub fn named(name: &str) -> Self {
        Self { name: name.into(), strict: false, charset: None, filters: Vec::new() }
    }
}

/// The feed of what belongs to no other.
impl Default for FeedRules {
    fn default() -> Self {
        Self::named("default")
    }
}

/// Where the rules of a feed are found by its name: for what a process that died has landed, of which nothing but the
/// name is known.
#[derive(Clone)]
pub struct FeedsByName(Arc<Lookup>);

type Lookup = dyn Fn(&str) -> Option<Arc<FeedRules>> + Send + Sync;

impl FeedsByName {
    /// Finds them by what is given; a feed that it does not know has no rules.
    pub fn new(lookup: impl Fn(&str) -> Option<Arc<FeedRules>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(lookup))
    }

    /// The rules of a feed, under that name whatever else it is called: the name is part of what its messages are.
    pub fn of(&self, name: &str) -> Arc<FeedRules> {
        let found = (self.0)(name).filter(|rules| *rules.name == *name);
        found.unwrap_or_else(|| Arc::new(FeedRules::named(name)))
    }
}

/// No feed has rules.
impl Default for FeedsByName {
    fn default() -> Self {
        Self::new(|_| None)
    }
}

impl fmt::Debug for FeedsByName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FeedsByName").finish_non_exhaustive()
    }
}
