//! What may be done, and on which feeds.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One thing that may be done. None includes another: who administers a lake need not see patients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Send messages.
    Ingest,
    /// Look at messages, errors and their fate.
    Read,
    /// Ask in SQL.
    Sql,
    /// Tokens, retries, the audit zone.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Read, Self::Sql, Self::Admin];

    /// Its name, as written in tokens and configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Sql => "sql",
            Self::Admin => "admin",
        }
    }

    /// Whether it can be kept to some feeds. A question in SQL sees every row, so it cannot.
    pub fn is_by_feed(self) -> bool {
        matches!(self, Self::Ingest | Self::Read)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|scope| scope.name() == text);
        found.ok_or("the scopes are ingest, read, sql and admin")
    }
}

/// The feeds that somebody may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Feeds {
    /// Every feed, those of tomorrow too.
    All,
    /// These; none if there is none.
    Only(BTreeSet<String>),
}

impl Feeds {
    /// The feeds of a list in which none stands for all.
    pub fn listed(names: impl IntoIterator<Item = String>) -> Self {
        let names: BTreeSet<String> = names.into_iter().collect();
        if names.is_empty() { Self::All } else { Self::Only(names) }
    }

    /// Whether a feed is one of them.
    pub fn contains(&self, feed: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(feed),
        }
    }
}

impl fmt::Display for Feeds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.write_str("all"),
            Self::Only(names) => {
                formatter.write_str(&names.iter().map(String::as_str).collect::<Vec<_>>().join(","))
            }
        }
    }
}
