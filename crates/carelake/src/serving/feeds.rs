//! The feeds of the configuration as the doors know them, and the files that are ingested by hand.

use std::sync::Arc;

use pipeline::{FeedRules, FeedsByName};
use server::feeds::{Acknowledge, Feed, Feeds};

use crate::config::{self, Config};
use crate::report::{Failure, Result};

pub(crate) fn feeds(config: &Config) -> Result<Feeds> {
    let mut feeds = Feeds::default();
    for (name, feed) in &config.feeds {
        let filters = feed.drop.iter().map(|filter| {
            filter.to_string().parse().map_err(|error: pipeline::FilterError| Failure::new(error.to_string()))
        });
        let rules = FeedRules {
            name: name.as_str().into(),
            strict: feed.strict,
            charset: feed.charset.map(|charset| charset.0.name().to_owned()),
            filters: filters.collect::<Result<_>>()?,
        };
        let acknowledge = match feed.acknowledge {
            config::Acknowledge::Durable => Acknowledge::Durable,
            config::Acknowledge::Converted => Acknowledge::Converted,
        };
        let senders: Vec<String> = feed.senders.iter().map(ToString::to_string).collect();
        let names: Vec<String> = feed.paths.iter().map(|path| path.as_str().to_owned()).collect();
        feeds.declare(Feed { rules: Arc::new(rules), acknowledge }, &senders, &names);
    }
    Ok(feeds)
}

/// The rules of each, for files; what its filters remember is one with what they remember of the doors.
pub(crate) fn by_name(feeds: &Arc<Feeds>) -> FeedsByName {
    let feeds = feeds.clone();
    FeedsByName::new(move |name| feeds.rules_of(name))
}
