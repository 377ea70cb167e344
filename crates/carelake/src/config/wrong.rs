//! What is wrong with a configuration: all of it at once, each with its place and what would be right.

use std::fmt;
use std::sync::Arc;

use crate::report::Failure;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    File {
        name: Arc<str>,
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
    },
    /// The variable.
    Environment(String),
    /// The option.
    CommandLine(&'static str),
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line, column } => write!(formatter, "{name}:{line}:{column}"),
            Self::Environment(variable) => formatter.write_str(variable),
            Self::CommandLine(option) => formatter.write_str(option),
            Self::Default => formatter.write_str("default"),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Nothing when it is the configuration as a whole.
    source: Option<Source>,
    text: String,
    hint: String,
}

impl Wrong {
    pub(super) fn at(source: &Source, text: impl Into<String>, hint: impl Into<String>) -> Self {
        // To say of a default that it is the default says nothing.
        let source = (*source != Source::Default).then(|| source.clone());
        Self { source, text: text.into(), hint: hint.into() }
    }

    pub(super) fn of_all(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { source: None, text: text.into(), hint: hint.into() }
    }

    pub(super) fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    pub(crate) fn hint(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.iter().try_for_each(|source| write!(formatter, "{source}: "))?;
        formatter.write_str(&self.text)
    }
}

/// Everything that is wrong with a configuration, by its place.
#[derive(Clone, Debug)]
pub(crate) struct Errors(Vec<Wrong>);

impl Errors {
    pub(super) fn new(mut wrongs: Vec<Wrong>) -> Self {
        wrongs.sort_by(|one, other| {
            // What has no place comes last.
            (one.source.is_none(), &one.source).cmp(&(other.source.is_none(), &other.source))
        });
        Self(wrongs)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Wrong> {
        self.0.iter()
    }
}

impl From<Errors> for Failure {
    /// One failure that reads like several, each with its hint.
    fn from(errors: Errors) -> Self {
        let mut text = String::new();
        let mut last_hint = String::new();
        for wrong in errors.iter() {
            if !text.is_empty() {
                text.push_str(&format!("\nhint: {last_hint}\nerror: "));
            }
            text.push_str(&wrong.to_string());
            last_hint = wrong.hint.clone();
        }
        Self::new(text).with_hint(last_hint)
    }
}
