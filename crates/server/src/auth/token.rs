//! One API token: the secret that its owner has, and the record that the lake has.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Error, Feeds, Result, Scope};

/// What the text form of every token begins with.
pub(super) const PREFIX: &str = "cl_";

const SECRET_BYTES: usize = 32;
const ID_BYTES: usize = 8;

/// A token as its owner has it: `cl_<id>_<secret>`, the secret being 256 random bits in base64url.
///
/// There is no way back to one from what is stored.
#[derive(Clone)]
pub struct Token {
    id: String,
    secret: [u8; SECRET_BYTES],
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Token").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Token {
    /// A new one, of the operating system's randomness.
    pub(super) fn random() -> Result<Self> {
        let (mut id, mut secret) = ([0; ID_BYTES], [0; SECRET_BYTES]);
        getrandom::fill(&mut id).map_err(Error::Random)?;
        getrandom::fill(&mut secret).map_err(Error::Random)?;
        Ok(Self { id: hex(&id), secret })
    }

    /// Reads the text form; anything else than exactly that is no token.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let secret = URL_SAFE_NO_PAD.decode(secret).ok()?.try_into().ok()?;
        is_id(id).then(|| Self { id: id.to_owned(), secret })
    }

    /// Its public part.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The text form. Whoever has it has the token: show it once, to the owner.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, URL_SAFE_NO_PAD.encode(self.secret))
    }

    fn sha256(&self) -> [u8; SECRET_BYTES] {
        // 256 random bits cannot be guessed from their hash: the slow hashes that passwords need would only cost time.
        Sha256::digest(self.secret).into()
    }
}

/// Whether a text is a token's id: 16 lower-case hex digits.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 2 * ID_BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What people call it.
    pub name: String,
    /// What it allows.
    pub scopes: BTreeSet<Scope>,
    /// The feeds it allows it on.
    pub feeds: Feeds,
    /// Microseconds since 1970, UTC; never if there is none.
    pub expires_at: Option<i64>,
}

/// What the lake keeps of a token.
///
/// A record with a field this program does not know is not read: it may be a limit that must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its id, which is no secret.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it allows.
    pub scopes: BTreeSet<Scope>,
    /// The feeds it allows it on.
    pub feeds: Feeds,
    /// Microseconds since 1970, UTC.
    #[serde(with = "moment")]
    pub created_at: i64,
    /// Microseconds since 1970, UTC; never if there is none.
    #[serde(with = "optional_moment")]
    pub expires_at: Option<i64>,
    /// The hash of the secret, in lower-case hex.
    sha256: String,
}

impl Record {
    pub(super) fn of(token: &Token, new: NewToken, created_at: i64) -> Self {
        let NewToken { name, scopes, feeds, expires_at } = new;
        let sha256 = hex(&token.sha256());
        Self { id: token.id.clone(), name, scopes, feeds, created_at, expires_at, sha256 }
    }

    /// Whether this is the record of that token: the time it takes tells nothing about the hash.
    pub(super) fn is_of(&self, token: &Token) -> bool {
        is_same(self.sha256.as_bytes(), hex(&token.sha256()).as_bytes())
    }

    /// Whether it is past at a moment, in microseconds since 1970.
    pub fn has_expired(&self, now: i64) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}

/// Compares every byte, whatever the first ones say.
fn is_same(left: &[u8], right: &[u8]) -> bool {
    let differing = left.iter().zip(right).fold(0, |differing, (left, right)| differing | (left ^ right));
    left.len() == right.len() && std::hint::black_box(differing) == 0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Moments as RFC 3339 text, so that people can read the record.
mod moment {
    use pipeline::time::{parse, rfc3339_milliseconds};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(moment: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339_milliseconds(moment.div_euclid(1_000)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| D::Error::custom("no moment"))
    }
}

mod optional_moment {
    use pipeline::time::parse;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(moment: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => super::moment::serialize(moment, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// A record without the field is damaged: it must not become one that never expires.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| parse(&text).ok_or_else(|| D::Error::custom("no moment"))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(token: &Token) -> Record {
        let new = NewToken {
            name: "lab".into(),
            scopes: [Scope::Ingest].into(),
            feeds: Feeds::All,
            expires_at: None,
        };
        Record::of(token, new, 1_700_000_000_123_000)
    }

    #[test]
    fn a_token_is_read_from_its_text_and_from_nothing_like_it() {
        let token = Token::random().unwrap();
        let text = token.reveal();
        assert_eq!(text.len(), 3 + 16 + 1 + 43);
        assert!(record(&token).is_of(&Token::parse(&text).unwrap()));
        let mut others =
            vec![text.replacen("cl_", "CL_", 1), text[..text.len() - 1].into(), format!("{text}A")];
        others.extend([format!("{text}="), text[3..].into(), String::new(), "cl_".into(), "cl__".into()]);
        others.push(text.to_uppercase());
        for other in others {
            assert!(Token::parse(&other).is_none());
        }
    }

    #[test]
    fn one_bit_more_or_less_is_another_token() {
        let token = Token::random().unwrap();
        let record = record(&token);
        for bit in 0..256 {
            let mut other = token.clone();
            other.secret[bit / 8] ^= 1 << (bit % 8);
            assert!(!record.is_of(&other), "bit {bit}");
        }
        assert!(!is_same(b"ab", b"a") && !is_same(b"", b"a") && is_same(b"a", b"a"));
    }

    #[test]
    fn neither_the_record_nor_debug_output_holds_the_secret() {
        let token = Token::random().unwrap();
        let secret = token.reveal().rsplit('_').next().unwrap().to_owned();
        let kept = serde_json::to_string(&record(&token)).unwrap();
        for text in [kept, format!("{token:?}"), format!("{:?}", record(&token))] {
            assert!(!text.contains(&secret) && !text.contains(&hex(&token.secret)));
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written_or_not_at_all() {
        let token = Token::random().unwrap();
        let feeds = Feeds::listed(["lab".to_owned()]);
        let record = Record { expires_at: Some(1_800_000_000_000_000), feeds, ..record(&token) };
        let json = serde_json::to_value(&record).unwrap();
        assert_eq!(json["expires_at"], "2027-01-15T08:00:00.000Z");
        assert_eq!(serde_json::from_value::<Record>(json.clone()).unwrap(), record);
        for field in ["id", "name", "scopes", "feeds", "created_at", "expires_at", "sha256"] {
            let mut less = json.clone();
            less.as_object_mut().unwrap().remove(field);
            assert!(serde_json::from_value::<Record>(less).is_err(), "{field}");
        }
        let mut more = json;
        more["only_from"] = "10.0.0.0/8".into();
        assert!(serde_json::from_value::<Record>(more).is_err());
    }
}
