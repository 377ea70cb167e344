//! Where a door listens.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::as_text;

/// Where a door listens, if it is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    Off,
    At(Address),
}

/// A host and a port; port 0 stands for any that is free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// An IP address without brackets, or a name.
    pub(crate) host: String,
    pub(crate) port: u16,
}

as_text!(
    Listen,
    "an address to listen on",
    "HOST:PORT, such as \"127.0.0.1:2575\", \"[::1]:2575\" or \"0.0.0.0:2575\" (all of this machine), or \"off\""
);

impl Listen {
    pub(crate) fn address(&self) -> Option<&Address> {
        match self {
            Self::Off => None,
            Self::At(address) => Some(address),
        }
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        if text == "off" {
            return Some(Self::Off);
        }
        let (host, port) = text.rsplit_once(':')?;
        let port = port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok())??;
        let host = match host.strip_prefix('[') {
            Some(bracketed) => {
                let address = bracketed.strip_suffix(']')?;
                address.parse::<Ipv6Addr>().ok()?;
                address
            }
            None => {
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
                (!host.is_empty() && host.bytes().all(is_plain)).then_some(host)?
            }
        };
        Some(Self::At(Address { host: host.to_owned(), port }))
    }
}

impl Address {
    /// Whether only this machine can reach it. A name other than `localhost` may be anything.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => formatter.write_str("off"),
            Self::At(address) => address.fmt(formatter),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(formatter, "[{}]:{}", self.host, self.port),
            false => write!(formatter, "{}:{}", self.host, self.port),
        }
    }
}
