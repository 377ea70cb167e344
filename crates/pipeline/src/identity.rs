//! Who a message is: ids and hashes made from exactly its bytes.

use std::fmt;

use sha2::{Digest, Sha256};

/// The first 16 bytes of SHA-256 over the feed's name, a zero byte and the message's bytes; written as 32
/// lower-case hex digits. The same bytes of the same feed are the same message, wherever they are read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    // Two halves need no place that is a multiple of 16: in a table of a million that is a quarter.
    high: u64,
    low: u64,
}

impl MessageId {
    /// The id of a message: its bytes from MSH to before the final terminator.
    pub fn of(feed: &str, message: &[u8]) -> Self {
        let mut hasher = Self::hasher(feed);
        hasher.update(message);
        Self::from_hasher(hasher)
    }

    /// A hash to which a stream of bytes can be added before [`MessageId::from_hasher`].
    pub(crate) fn hasher(feed: &str) -> Sha256 {
        Sha256::new().chain_update(feed).chain_update([0])
    }

    pub(crate) fn from_hasher(hasher: Sha256) -> Self {
        let digest: [u8; 32] = hasher.finalize().into();
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        Self::from_number(u128::from_be_bytes(first))
    }

    pub(crate) fn number(self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }

    pub(crate) fn from_number(number: u128) -> Self {
        Self { high: (number >> 64) as u64, low: number as u64 }
    }

    /// Reads 32 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok().map(Self::from_number))?
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.number())
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// SHA-256 as lower-case hex.
pub(crate) fn hex(digest: impl AsRef<[u8]>) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    digest.as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// SHA-256 of bytes, as lower-case hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feed_is_part_of_the_id_and_cannot_run_into_the_bytes() {
        let id = MessageId::of("lab", b"MSH|");
        assert_eq!(id.to_string(), &sha256(b"lab\0MSH|")[..32]);
        assert_ne!(id, MessageId::of("la", b"bMSH|"));
        assert_eq!(MessageId::parse(&id.to_string()), Some(id));
        assert_eq!(MessageId::parse("12"), None);
    }
}
