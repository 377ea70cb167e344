//! The one configuration, `carelake.toml`: typed, with a default for everything.
//!
//! Its sections are structs that are declared together with their description (`describe.rs`). What was given (`given.rs`, then
//! `environment.rs` over it) is merged with the description (`merge.rs`), read into the structs by serde, and looked at as a whole
//! (`validate.rs`). Everything that is wrong is told at once, with its place.

#![cfg_attr(
    not(test),
    expect(dead_code, reason = "what the doors and the engine read is not read by this command alone")
)]

pub(crate) mod assign;
mod describe;
pub(crate) mod doors;
mod effective;
mod environment;
pub(crate) mod feeds;
mod given;
mod merge;
mod nearest;
mod path;
pub(crate) mod sections;
mod show;
mod unknown;
mod validate;
pub(crate) mod values;
mod wrong;

use std::path::Path;
use std::sync::Arc;

use query::FeedOffsets;

pub(crate) use doors::{After, Folder, FolderFeed, Mllp, Ready, Tls};
pub(crate) use effective::{CommandLine, Effective};
pub(crate) use feeds::{Acknowledge, Feed};
pub(crate) use sections::{Algorithm, Config, Level, LogFormat, Logs, Oidc, Scope};
pub(crate) use values::Address;
pub(crate) use wrong::Errors;

impl Config {
    /// The configuration of the file at `path`, or of `carelake.toml` if it is there, or the default one; the environment comes before
    /// the file. For commands that open no door: they need not be able to read the keys of one.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, Errors> {
        Effective::unchecked(path, CommandLine::default(), std::env::vars_os())
            .map(|effective| effective.config)
    }
}

impl Config {
    /// The offset from UTC of each feed that has one, in minutes east.
    pub(crate) fn feed_offsets(&self) -> FeedOffsets {
        let offset =
            |(name, feed): (&values::Name, &Feed)| Some((name.as_str().to_owned(), feed.timezone?.minutes));
        Arc::new(self.feeds.iter().filter_map(offset).collect())
    }
}

#[cfg(test)]
mod page;
#[cfg(test)]
mod tests;
