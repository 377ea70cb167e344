//! Who a message is: ids and hashes made from exactly its bytes.

use std::fmt;

use sha2::{Digest, Sha256};

/// The first 16 bytes of SHA-256 over the feed's name, a zero byte and the message's bytes; written as 32
/// lower-case hex digits. The same bytes of the same feed are the same message, wherever they are read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(u128);

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
        Self(u128::from_be_bytes(first))
    }

    pub(crate) fn number(self) -> u128 {
        self.0
    }

    pub(crate) fn from_number(number: u128) -> Self {
        Self(number)
    }

    /// Reads 32 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok().map(Self))?
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// SHA-256 as lower-case hex.
pub(crate) fn hex(digest: impl AsRef<[u8]>) -> String {
    use fmt::Write;
    digest.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
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
