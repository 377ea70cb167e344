//! Every byte of raw: the hash in the key, the hashes and ids in the receipts, and nothing between the messages but
//! framing.

use std::collections::HashSet;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;
use object_store::path::Path;
use sha2::{Digest, Sha256};
use storage::{RawKind, raw, raw_kind, raw_prefix};

use super::{Check, Kind, number_of};
use crate::identity::hex;
use crate::{Landed, MessageId, Receipt, Result, content, receipts, workers};

/// What a receipt says of a range of a raw object, as numbers: 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    key: u64,
    offset: u64,
    end: u64,
    /// Made of the hash and the id, see [`number`].
    check: u64,
}

pub(super) async fn check(check: &Arc<Check>, batches: &[String]) -> Result<()> {
    let (ranges, finished) = ranges(check, batches).await?;
    let (ranges, finished) = (Arc::new(ranges), Arc::new(finished));
    let store: Arc<dyn ObjectStore> = check.lake.store();
    let mut objects = store
        .list(Some(&raw_prefix()))
        .try_filter(|meta| {
            let kind = raw_kind(&meta.location);
            check.found().summary.drops_waiting += u64::from(kind == RawKind::Drop);
            let is_raw = matches!(kind, RawKind::Upload | RawKind::Live);
            // What came later, runs have taken up that were not going on when the living were counted.
            std::future::ready(is_raw && check.raw.contains(&number_of(meta.location.as_ref())))
        })
        .map(|listed| {
            let (check, ranges, finished) = (check.clone(), ranges.clone(), finished.clone());
            async move {
                let key =
                    listed.map_err(|error| crate::Error::Listing { reason: error.to_string() })?.location;
                tokio::spawn(async move {
                    let own = number_of(key.as_ref());
                    check_object(&check, &key, &ranges, finished.contains(&own)).await?;
                    Ok::<_, crate::Error>(own)
                })
                .await?
            }
        })
        .buffer_unordered(workers::count())
        .boxed();
    let mut seen = HashSet::new();
    while let Some(key) = objects.next().await {
        seen.insert(key?);
    }
    name_missing(check, batches, &seen).await
}

/// The ranges of all receipts, each once, sorted; and the raw objects that runs have cut to their end.
async fn ranges(check: &Check, batches: &[String]) -> Result<(Vec<Range>, HashSet<u64>)> {
    let (mut ranges, mut finished) = (Vec::new(), HashSet::new());
    for batch in batches {
        // One that cannot be read was told before.
        let Ok(receipts) = receipts::read(&check.lake, batch).await else { continue };
        ranges.extend(receipts.iter().map(|receipt| Range {
            key: number_of(receipt.raw_key.as_ref()),
            offset: receipt.raw_offset,
            end: receipt.raw_offset.saturating_add(receipt.raw_length),
            check: number(receipt.message_id, &receipt.sha256),
        }));
        finished
            .extend(receipts::finished(&check.lake, batch).await?.iter().map(|key| number_of(key.as_ref())));
    }
    ranges.sort_unstable();
    // The same file ingested again.
    ranges.dedup();
    Ok((ranges, finished))
}

fn number(id: MessageId, sha256: &str) -> u64 {
    number_of((id, sha256))
}

fn of_key(ranges: &[Range], key: u64) -> &[Range] {
    let start = ranges.partition_point(|range| range.key < key);
    let end = ranges.partition_point(|range| range.key <= key);
    &ranges[start..end]
}

/// Reads an object from its beginning to its end, and if it is an archive each of its members.
async fn check_object(check: &Check, key: &Path, ranges: &[Range], is_finished: bool) -> Result<()> {
    let mut chunks = match raw::open(&check.lake, key).await {
        Ok(chunks) => chunks,
        Err(error) => {
            check.problem(Kind::RawMissing, error.to_string());
            return Ok(());
        }
    };
    let (mut whole, mut length) = (Sha256::new(), 0);
    let mut head = Vec::new();
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(chunk) => {
                if length == 0 {
                    head = chunk[..chunk.len().min(8)].to_vec();
                }
                whole.update(&chunk);
                length += chunk.len() as u64;
            }
            Err(error) => {
                check.problem(Kind::RawMissing, format!("{key} cannot be read: {error}"));
                return Ok(());
            }
        }
    }
    let sha256 = hex(whole.finalize());
    let kept = key.filename().and_then(|name| name.split('-').next()).unwrap_or_default();
    // The receipts have the hashes of what a live feed sent.
    if raw_kind(key) == RawKind::Upload && kept != &sha256[..32] {
        let text = format!("{key} is not what was received: its hash is another than its key says");
        check.problem(Kind::RawChanged, text);
    }
    {
        let mut found = check.found();
        found.summary.raw_objects += 1;
        found.summary.raw_bytes += length;
    }
    let landed = Landed { key: key.clone(), length, sha256, bytes: Some(head.into()) };
    // What begins like an archive and is none was taken up as it is.
    let contents =
        content::contents(&check.lake, &landed).await.unwrap_or_else(|_| vec![content::Content::of(&landed)]);
    for content in contents {
        let name = match &content.member {
            Some(member) => format!("{}!{member}", landed.sha256),
            None => landed.sha256.clone(),
        };
        let ranges = of_key(ranges, number_of(content.key.as_ref()));
        let content = Content { key: content.key, name, ranges, is_finished };
        check_content(check, &content).await?;
    }
    Ok(())
}

/// Bytes that are cut by themselves: those of an object or of a member of an archive.
struct Content<'r> {
    key: Path,
    /// The hash, and the member: what a message that was too long is named by.
    name: String,
    ranges: &'r [Range],
    is_finished: bool,
}

/// Holds bytes against the receipts that name them.
async fn check_content(check: &Check, content: &Content<'_>) -> Result<()> {
    let Content { key, name, ranges, .. } = content;
    let feed = key.parts().nth(1).map(|feed| feed.as_ref().to_owned()).unwrap_or_default();
    let mut open: Vec<Open<'_>> = Vec::new();
    let (present, empty): (Vec<Range>, Vec<Range>) =
        ranges.iter().partition(|range| range.end > range.offset);
    let mut ahead = present.iter().peekable();
    let mut gaps = Gaps::default();
    let (mut position, mut covered) = (0, 0);
    let mut wrong = Vec::new();
    let mut chunks = raw::open(&check.lake, key).await?;
    // Where an archive is damaged its messages end; a receipt says so.
    while let Some(Ok(chunk)) = chunks.next().await {
        let end = position + chunk.len() as u64;
        while let Some(range) = ahead.next_if(|range| range.offset < end) {
            if range.offset < covered {
                let overlap = range.offset..range.end.min(covered);
                let text =
                    format!("bytes {}..{} of {key} belong to two receipts", overlap.start, overlap.end);
                check.problem(Kind::RawOverlap, text);
            } else {
                gaps.take(&chunk, position, covered..range.offset);
            }
            covered = covered.max(range.end);
            open.push(Open { range, bytes: Sha256::new(), message: MessageId::hasher(&feed) });
        }
        gaps.take(&chunk, position, covered..end);
        for open in &mut open {
            let from = (open.range.offset.clamp(position, end) - position) as usize;
            let to = (open.range.end.clamp(position, end) - position) as usize;
            open.bytes.update(&chunk[from..to]);
            open.message.update(&chunk[from..to]);
        }
        position = end;
        let (done, going_on) = open.into_iter().partition(|open| open.range.end <= position);
        open = going_on;
        wrong.extend(done.into_iter().filter(|open: &Open<'_>| !open.is_right()).map(|open| *open.range));
    }
    // What was too long to be hashed, or could not be unpacked, is named by where it lies.
    let is_named_by_place = |range: &Range| {
        number(MessageId::of(&feed, format!("{name} {}", range.offset).as_bytes()), "") == range.check
    };
    let beyond = open.iter().map(|open| open.range).chain(ahead).chain(&empty);
    for range in beyond.filter(|range| !is_named_by_place(range)) {
        let text = format!(
            "a receipt says that bytes {}..{} of {key} are a message, and it has {position}",
            range.offset, range.end
        );
        check.problem(Kind::ReceiptWrong, text);
    }
    for range in wrong.iter().filter(|range| !is_named_by_place(range)) {
        let text = format!(
            "the hash or the id of bytes {}..{} of {key} is not that of their receipt",
            range.offset, range.end
        );
        check.problem(Kind::ReceiptWrong, text);
    }
    tell_gaps(check, key, &mut gaps, covered, position, content.is_finished || position == 0);
    Ok(())
}

/// Bytes that no receipt names: of an object that was not cut to its end, those behind the last receipt are
/// still to be cut.
fn tell_gaps(check: &Check, key: &Path, gaps: &mut Gaps, covered: u64, length: u64, is_finished: bool) {
    gaps.end_line();
    if !is_finished && !check.living.is_empty() {
        check.found().summary.raw_objects_on_their_way += 1;
    } else if !is_finished {
        let text = format!("{key} was landed and not taken up from byte {covered} of {length} on");
        check.problem(Kind::RawUnfinished, text);
    }
    for &junk in gaps.junk.iter().filter(|junk| is_finished || **junk < covered) {
        check.problem(
            Kind::RawUncovered,
            format!("{key} has bytes that no receipt names, and that are no framing, from byte {junk} on"),
        );
    }
}

/// A range whose bytes are passing by.
struct Open<'r> {
    range: &'r Range,
    bytes: Sha256,
    message: Sha256,
}

impl Open<'_> {
    fn is_right(&self) -> bool {
        number(MessageId::from_hasher(self.message.clone()), &hex(self.bytes.clone().finalize()))
            == self.range.check
    }
}

/// Looks at what lies between the messages: lines of FHS, BHS, BTS and FTS with what goes with them, framing, blanks.
#[derive(Default)]
struct Gaps {
    /// Where the line began, and its first letters.
    line: Option<(u64, Vec<u8>)>,
    next: u64,
    in_header: bool,
    junk: Vec<u64>,
}

/// Letters that tell what a line is.
const TELLING: usize = 3;

impl Gaps {
    /// Takes the bytes of `gap` that are in the chunk at `position`.
    fn take(&mut self, chunk: &[u8], position: u64, gap: std::ops::Range<u64>) {
        let end = position + chunk.len() as u64;
        let gap = gap.start.clamp(position, end)..gap.end.clamp(position, end);
        if gap.is_empty() {
            return;
        }
        if gap.start != self.next {
            // Messages lie in between.
            self.end_line();
            self.in_header = false;
        }
        self.next = gap.end;
        for (at, &byte) in
            (gap.start..).zip(&chunk[(gap.start - position) as usize..(gap.end - position) as usize])
        {
            match byte {
                b'\r' | b'\n' | 0x0B | 0x1C => self.end_line(),
                b' ' | b'\t' | 0 | 0x0C | 0x1A | 0xEF | 0xBB | 0xBF | 0xFE | 0xFF => {}
                letter => {
                    let (_, letters) = self.line.get_or_insert_with(|| (at, Vec::new()));
                    if letters.len() < TELLING {
                        letters.push(letter.to_ascii_uppercase());
                    }
                }
            }
        }
    }

    fn end_line(&mut self) {
        let Some((start, letters)) = self.line.take() else { return };
        match &letters[..] {
            b"FHS" | b"BHS" | b"BTS" | b"FTS" => self.in_header = true,
            b"SFT" | b"UAC" if self.in_header => {}
            _ => self.junk.push(start),
        }
    }
}

/// Tells which raw objects are named by receipts and are not there.
async fn name_missing(check: &Check, batches: &[String], seen: &HashSet<u64>) -> Result<()> {
    let mut told = HashSet::new();
    for batch in batches {
        let Ok(receipts) = receipts::read(&check.lake, batch).await else { continue };
        for Receipt { raw_key, .. } in receipts {
            let raw_key = raw::object_of(&raw_key).0;
            let number = number_of(raw_key.as_ref());
            if seen.contains(&number) || !told.insert(number) || raw::exists(&check.lake, &raw_key).await? {
                continue;
            }
            check.problem(
                Kind::RawMissing,
                format!("{raw_key} is not there, and {} names it", storage::receipts_key(batch)),
            );
        }
    }
    Ok(())
}
