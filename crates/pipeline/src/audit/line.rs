//! A line of the audit zone: an event with its place in a chain, which its hash seals.
//!
//! The chain stands in an extension, the hash as the last value of the line. It is SHA-256 over the bytes of the line with no
//! digit between the quotes of that value, so that whoever checks it needs no reader of JSON, and no byte of a line is
//! left unsealed.

use serde_json::{Value, json};

use super::event::VOCABULARY;
use crate::sha256;

const BEFORE_HASH: &str = r#"{"url":"hash","valueString":""#;
const BEHIND_HASH: &str = r#""}]}]}"#;
const HASH_DIGITS: usize = 64;

/// An event of a chain, by its number from 1 on, and its hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Head {
    pub(crate) chain: String,
    pub(crate) sequence: u64,
    pub(crate) hash: String,
}

/// What a line says of its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The line itself, as others name it.
    pub(crate) head: Head,
    /// The hash of the line before; none in the first.
    pub(crate) previous: Option<String>,
    /// The ends of other chains, as the beginning of this one saw them.
    pub(crate) seen: Vec<Head>,
}

/// What can be said of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// It is what was written, or was sealed again.
    Whole(Link),
    /// Its hash is another than the one it carries.
    Changed,
    /// It has no place in a chain.
    Unreadable,
}

/// Writes an event at a place of a chain: the line, without an end of line, and its hash.
pub(crate) fn seal(
    mut event: Value,
    chain: &str,
    sequence: u64,
    previous: Option<&str>,
    seen: &[Head],
) -> (String, String) {
    let mut place = vec![
        json!({ "url": "chain", "valueString": chain }),
        json!({ "url": "sequence", "valueDecimal": sequence }),
    ];
    place.extend(previous.map(|hash| json!({ "url": "previous", "valueString": hash })));
    place.extend(seen.iter().map(|head| {
        json!({ "url": "seen", "extension": [
            { "url": "chain", "valueString": head.chain },
            { "url": "sequence", "valueDecimal": head.sequence },
            { "url": "hash", "valueString": head.hash },
        ]})
    }));
    place.push(json!({ "url": "hash", "valueString": "" }));
    event["extension"] = json!([{ "url": format!("{VOCABULARY}chain"), "extension": place }]);
    let mut line = event.to_string();
    debug_assert!(line.ends_with(&format!("{BEFORE_HASH}{BEHIND_HASH}")), "the hash ends the line");
    let hash = sha256(line.as_bytes());
    line.insert_str(line.len() - BEHIND_HASH.len(), &hash);
    (line, hash)
}

/// Reads a line and recomputes its hash.
pub(crate) fn read(line: &[u8]) -> Read {
    let Some(link) = link(line) else { return Read::Unreadable };
    if unsealed(line).is_some_and(|(unsealed, hash)| sha256(&unsealed) == hash && hash == link.head.hash) {
        Read::Whole(link)
    } else {
        Read::Changed
    }
}

/// The line as its hash was taken of it, and the hash that it carries.
fn unsealed(line: &[u8]) -> Option<(Vec<u8>, &str)> {
    let before = line.strip_suffix(BEHIND_HASH.as_bytes())?;
    let (before, hash) = before.split_at_checked(before.len().checked_sub(HASH_DIGITS)?)?;
    before
        .ends_with(BEFORE_HASH.as_bytes())
        .then(|| [before, BEHIND_HASH.as_bytes()].concat())
        .zip(std::str::from_utf8(hash).ok())
}

fn link(line: &[u8]) -> Option<Link> {
    let event: Value = serde_json::from_slice(line).ok()?;
    let url = format!("{VOCABULARY}chain");
    let place = event["extension"].as_array()?.iter().find(|extension| extension["url"] == url.as_str())?;
    let seen = place["extension"].as_array()?.iter().filter(|part| part["url"] == "seen");
    Some(Link {
        head: head(place)?,
        previous: part(place, "previous").and_then(|part| part["valueString"].as_str()).map(str::to_owned),
        seen: seen.map(head).collect::<Option<_>>()?,
    })
}

fn head(place: &Value) -> Option<Head> {
    Some(Head {
        chain: part(place, "chain")?["valueString"].as_str()?.to_owned(),
        sequence: part(place, "sequence")?["valueDecimal"].as_u64()?,
        hash: part(place, "hash")?["valueString"].as_str()?.to_owned(),
    })
}

fn part<'v>(place: &'v Value, url: &str) -> Option<&'v Value> {
    place["extension"].as_array()?.iter().find(|part| part["url"] == url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_line_is_sealed() {
        let seen = [Head { chain: "b".into(), sequence: 7, hash: sha256(b"b") }];
        let previous = sha256(b"before");
        let event = json!({ "resourceType": "AuditEvent", "text": "hash\"}]}]}" });
        let (line, hash) = seal(event, "a", 12, Some(&previous), &seen);
        let head = Head { chain: "a".into(), sequence: 12, hash };
        let link = Link { head, previous: Some(previous), seen: seen.to_vec() };
        assert_eq!(read(line.as_bytes()), Read::Whole(link));
        for position in 0..line.len() {
            let mut changed = line.clone().into_bytes();
            changed[position] ^= 1;
            assert!(!matches!(read(&changed), Read::Whole(_)), "byte {position}");
            changed.remove(position);
            assert!(!matches!(read(&changed), Read::Whole(_)), "without byte {position}");
        }
        for other in ["", "{}", "no JSON", r#"{"extension":[]}"#, BEHIND_HASH] {
            assert_eq!(read(other.as_bytes()), Read::Unreadable, "{other}");
        }
    }
}
