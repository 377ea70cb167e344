//! Texts: plain ones, paths of files, addresses on the web.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use super::as_text;

/// A text that is not empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text(String);

as_text!(Text, "a text", "a text in quotes that is not empty");

/// The path of a file or folder; a relative one starts in the folder that the program runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilePath(String);

as_text!(FilePath, "a path", "a path in quotes; a relative one starts in the folder that carelake runs in");

/// An address on the web.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebAddress(String);

as_text!(WebAddress, "a web address", "https://HOST or http://HOST, with a port and a path if need be");

impl Text {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }
}

impl FilePath {
    pub(crate) fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }
}

impl WebAddress {
    /// Whether it is protected on its way or does not leave this machine.
    pub(crate) fn is_safe(&self) -> bool {
        let host = host(&self.0).unwrap_or_default().trim_matches(['[', ']']);
        let is_loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        self.0.starts_with("https://") || is_loopback || host.eq_ignore_ascii_case("localhost")
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        let is_odd = |character: char| character.is_whitespace() || character.is_control();
        // User and password would be a secret in the file.
        let is_fine = host(text).is_some_and(|host| !host.is_empty()) && !text.contains('@');
        (is_fine && !text.contains(is_odd)).then(|| Self(text.to_owned()))
    }
}

/// The host of an address, an IPv6 one with its brackets.
fn host(address: &str) -> Option<&str> {
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    match authority.find(']') {
        Some(end) => authority.get(..=end),
        None => authority.split(':').next(),
    }
}

macro_rules! shown_as_written {
    ($($type:ident),+) => {
        $(impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        })+
    };
}

shown_as_written!(Text, FilePath, WebAddress);
