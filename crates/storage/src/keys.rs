//! The name of every object in a lake; nothing else makes keys.

use object_store::path::Path;

/// The object that makes a prefix a lake; it holds the format version.
pub fn marker_key() -> Path {
    Path::from("_carelake/format")
}

/// Where a stream is written until its hash, and so its key, is known. Swept when abandoned.
pub(crate) fn incoming_key(unique: &str) -> Path {
    Path::from_iter(["_carelake", "incoming", unique])
}

/// The immutable key of raw bytes: the sender's feed, then the first half of the hash that also tells them
/// apart from a later upload of the same name, then that name.
///
/// `sha256` is lower-case hex. Only the last part of `name` is kept, shortened to 100 bytes and with unusual
/// characters replaced: an origin may be written in any file system's manner, a key may not.
pub fn raw_key(feed: &str, sha256: &str, name: &str) -> Path {
    let hash = &sha256[..sha256.len().min(32)];
    Path::from_iter(["raw", &plain(feed), &hash[..hash.len().min(2)], &format!("{hash}-{}", plain(name))])
}

/// The raw object of what a live feed sends while a segment of the log is open: `raw/<feed>/live/<segment>.hl7`.
///
/// It is named before its bytes are known, so no hash is in it; the receipts have the hash of each message.
pub fn live_key(feed: &str, segment: &str) -> Path {
    Path::from_iter(["raw", &plain(feed), LIVE, &format!("{segment}{LIVE_ENDING}")])
}

/// The segment that a live raw object comes from; `None` for all other keys.
pub fn live_segment(key: &Path) -> Option<&str> {
    let mut parts = key.as_ref().split('/');
    let (raw, _feed, live, name) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_live = raw == "raw" && live == LIVE && parts.next().is_none();
    is_live.then(|| name.strip_suffix(LIVE_ENDING))?
}

const LIVE: &str = "live";
const LIVE_ENDING: &str = ".hl7";

/// What an object under `raw/` is, by its key alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawKind {
    /// Bytes as they were taken up, under the key that [`raw_key`] makes.
    Upload,
    /// What a live feed sends, see [`live_key`].
    Live,
    /// Receipts.
    Receipts,
    /// Not of our making: somebody put it there, to be taken up.
    Drop,
}

/// Tells what is ours under `raw/` from what was dropped there.
///
/// A drop is taken away once its bytes lie under a key of ours. So, in doubt, what looks like ours is ours: `verify` tells
/// when there is no receipt of it.
pub fn raw_kind(key: &Path) -> RawKind {
    const HASH: usize = 32;
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let parts: Vec<&str> = key.as_ref().split('/').collect();
    match parts[..] {
        ["raw", "_receipts", ..] => RawKind::Receipts,
        ["raw", _, LIVE, _, ..] => RawKind::Live,
        ["raw", _, start, name] if is_hex(start, 2) => match name.split_once('-') {
            Some((hash, _)) if is_hex(hash, HASH) => RawKind::Upload,
            _ => RawKind::Drop,
        },
        _ => RawKind::Drop,
    }
}

/// What is remembered of the files of a watched folder that were taken up; `folder` is a plain name for it.
pub fn taken_prefix(folder: &str) -> Path {
    Path::from_iter(["_carelake", "taken", folder])
}

/// A piece of that memory: of the entries so numbered, from the first to the last.
pub fn taken_key(folder: &str, first: u64, last: u64) -> Path {
    taken_prefix(folder).join(format!("{first:016x}-{last:016x}"))
}

/// The write-ahead log: segments that are not sealed yet.
pub(crate) fn log_prefix() -> Path {
    Path::from("_carelake/log")
}

/// One segment of it.
pub(crate) fn log_segment_key(segment: &str) -> Path {
    log_prefix().join(format!("{segment}.log"))
}

/// Answers that are kept for requests that are sent again, in a folder for each day such as `2026-01-31`.
pub fn answers_prefix() -> Path {
    Path::from("_carelake/answers")
}

/// One of them; `name` is a hash of what tells the request from others.
pub fn answer_key(day: &str, name: &str) -> Path {
    answers_prefix().join(day).join(name)
}

/// All raw bytes of a lake, receipts included.
pub fn raw_prefix() -> Path {
    Path::from("raw")
}

/// All receipts of a lake.
pub fn receipts_prefix() -> Path {
    Path::from("raw/_receipts")
}

/// One file of receipts; `batch` is unique.
pub fn receipts_key(batch: &str) -> Path {
    Path::from_iter(["raw", "_receipts", &format!("{batch}.parquet")])
}

/// The marks of the receipts files whose messages have all found their end.
pub fn settled_prefix() -> Path {
    Path::from("_carelake/settled")
}

/// The mark of one file of receipts: none of its messages is waiting any more.
pub fn settled_key(batch: &str) -> Path {
    Path::from_iter(["_carelake", "settled", batch])
}

/// What is kept of the ids that a table holds; `table` is its folder.
pub fn seen_prefix(table: &Path) -> Path {
    Path::from_iter(["_carelake", "seen", &table.as_ref().replace('/', "-")])
}

/// One sorted run of ids; `unique` tells it from others.
pub fn seen_run_key(table: &Path, unique: &str) -> Path {
    seen_prefix(table).join(format!("run-{unique}"))
}

/// The list of the runs that count, the newest being that of the greatest number.
pub fn seen_manifest_key(table: &Path, number: u64) -> Path {
    seen_prefix(table).join(format!("manifest-{number:020}.json"))
}

/// The API tokens of a lake, and the marks of those that were revoked.
pub fn tokens_prefix() -> Path {
    Path::from("_carelake/tokens")
}

/// What is kept of one token; its secret is not.
pub fn token_key(id: &str) -> Path {
    tokens_prefix().join(format!("{id}.json"))
}

/// The mark that a token was revoked. An object of its own, so that nothing is ever overwritten.
pub fn token_revoked_key(id: &str) -> Path {
    tokens_prefix().join(format!("{id}.revoked"))
}

/// The marks of replays that are going on.
pub fn replaying_prefix() -> Path {
    Path::from("_carelake/replaying")
}

/// The mark of one replay; `unique` tells it from others.
pub fn replaying_key(unique: &str) -> Path {
    replaying_prefix().join(unique)
}

/// The folder of the Delta table of converted messages.
pub fn staging_table() -> Path {
    Path::from("staging/table")
}

/// The JSON documents of the messages that lie between two byte offsets of a raw object.
pub fn json_document_key(raw: &Path, start: u64, end: u64, converter_version: i32) -> Path {
    let mut key: Path = Path::from("staging/json");
    for part in raw.parts() {
        key = key.join(part);
    }
    key.join(format!("{start}-{end}-{converter_version}.ndjson"))
}

/// The list of the JSON documents that one commit made valid.
pub fn json_list_key(batch: &str) -> Path {
    Path::from_iter(["staging", "json", "_lists", &format!("{batch}.json")])
}

/// The folder of the Delta table of errors.
pub fn error_table() -> Path {
    Path::from("error/table")
}

/// Exactly the bytes that failed.
pub fn error_bytes_key(id: &str) -> Path {
    Path::from_iter(["error", &format!("{id}.hl7")])
}

/// Why they failed.
pub fn error_report_key(id: &str) -> Path {
    Path::from_iter(["error", &format!("{id}.json")])
}

/// Why they failed again, when they were tried with another result.
pub fn error_newer_report_prefix(id: &str) -> Path {
    Path::from_iter(["error", "again", id])
}

/// The same, tried at a time in microseconds since 1970.
pub fn error_newer_report_key(id: &str, time: i64) -> Path {
    error_newer_report_prefix(id).join(format!("{time:016x}.json"))
}

/// The marks of messages that a retry staged without holding them to the standard, as their receipts would have it.
pub fn error_lenient_prefix() -> Path {
    Path::from("error/lenient")
}

/// The mark of one such message.
pub fn error_lenient_key(id: &str) -> Path {
    error_lenient_prefix().join(id)
}

/// The mark of a lake in which every access is recorded.
pub fn audited_key() -> Path {
    Path::from("_carelake/audited")
}

/// The audit zone: who saw or changed what. Three levels of folders below it, a year, a month and a day, lie the
/// chains of events that began on that day.
pub fn audit_prefix() -> Path {
    Path::from("audit")
}

/// One object of a chain of events, the first having number 1. The chain's name begins with its day, such as `20260131`.
pub fn audit_key(chain: &str, number: u64) -> Path {
    let part = |range| chain.get(range).unwrap_or("unknown");
    audit_prefix()
        .join(part(0..4))
        .join(part(4..6))
        .join(part(6..8))
        .join(format!("{chain}-{number:08}.ndjson"))
}

/// The chain and the number that an object of the audit zone has; `None` for a key that is none of these.
pub fn audit_chain(key: &Path) -> Option<(&str, u64)> {
    let (chain, number) = key.as_ref().rsplit('/').next()?.strip_suffix(".ndjson")?.rsplit_once('-')?;
    let number = number.parse().ok()?;
    (number > 0 && audit_key(chain, number) == *key).then_some((chain, number))
}

/// The last part of a path, with every character that some store or shell treats specially replaced.
pub fn plain(name: &str) -> String {
    const LONGEST: usize = 100;
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    let text: String = last
        .chars()
        .take(LONGEST)
        .map(|character| if allowed(character) { character } else { '_' })
        .collect();
    match text.trim_matches('.') {
        "" => "unnamed".into(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_key_carries_hash_and_name() {
        let hash = "ab".repeat(32);
        assert_eq!(
            raw_key("lab north", &hash, "C:\\drop\\day 1#.hl7").as_ref(),
            format!("raw/lab_north/ab/{}-day_1_.hl7", &hash[..32])
        );
        assert_eq!(raw_key("x", &hash, "..").as_ref(), format!("raw/x/ab/{}-unnamed", &hash[..32]));
    }

    #[test]
    fn a_chain_of_events_lies_under_its_day() {
        let key = audit_key("20260131T235959999-ab", 12);
        assert_eq!(key.as_ref(), "audit/2026/01/31/20260131T235959999-ab-00000012.ndjson");
        assert_eq!(audit_chain(&key), Some(("20260131T235959999-ab", 12)));
        for other in ["audit/2026/02/01/20260131T235959999-ab-00000012.ndjson", "audit/notes.txt", "audit"] {
            assert_eq!(audit_chain(&Path::from(other)), None, "{other}");
        }
    }

    #[test]
    fn what_is_ours_under_raw_is_told_from_what_was_dropped() {
        let hash = "0af9".repeat(16);
        for (feed, name) in [("lab", "day.hl7"), ("2024", "a-b-c"), ("live", ".."), ("ab", "x#12")] {
            let key = raw_key(feed, &hash, name);
            assert_eq!(raw_kind(&key), RawKind::Upload, "{key}");
            let json = json_document_key(&key, 0, 1, 1);
            assert_eq!(raw_kind(&json), RawKind::Drop, "not under raw");
        }
        let half = &hash[..32];
        for (key, kind) in [
            (live_key("lab", "0001-a-1"), RawKind::Live),
            (live_key("_", "x"), RawKind::Live),
            (receipts_key("0001-a-1"), RawKind::Receipts),
            (Path::from(format!("raw/lab/0a/{half}-")), RawKind::Upload),
            (Path::from("raw/lab/live/deeper/x.hl7"), RawKind::Live),
            (Path::from("raw/x.hl7"), RawKind::Drop),
            (Path::from("raw/lab/x.hl7"), RawKind::Drop),
            (Path::from("raw/lab/live"), RawKind::Drop),
            (Path::from("raw/live/x.hl7"), RawKind::Drop),
            (Path::from("raw/lab/0a/x.hl7"), RawKind::Drop),
            (Path::from(format!("raw/lab/0a/{half}")), RawKind::Drop),
            (Path::from(format!("raw/lab/0a/{}-x", &hash[..31])), RawKind::Drop),
            (Path::from(format!("raw/lab/0A/{half}-x")), RawKind::Drop),
            (Path::from(format!("raw/lab/0a/{}-x", half.to_uppercase())), RawKind::Drop),
            (Path::from(format!("raw/lab/{half}-x")), RawKind::Drop),
            (Path::from(format!("raw/lab/2024/0a/{half}-x")), RawKind::Drop),
            (Path::from(format!("raw/lab/0a/{half}-x/y")), RawKind::Drop),
            (Path::from("raw/receipts/x.parquet"), RawKind::Drop),
        ] {
            assert_eq!(raw_kind(&key), kind, "{key}");
        }
    }

    #[test]
    fn json_documents_lie_under_the_key_of_their_raw_bytes() {
        let key = json_document_key(&Path::from("raw/lab/ab/abcd-a.hl7"), 0, 12, 1);
        assert_eq!(key.as_ref(), "staging/json/raw/lab/ab/abcd-a.hl7/0-12-1.ndjson");
    }
}
