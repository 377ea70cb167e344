//! Reading segments: those there are, and the records in one.

use bytes::Bytes;
use object_store::path::Path;

use super::record::{HEADER, Head, MAGIC, Record};
use crate::keys::{live_segment, log_prefix, log_segment_key};
use crate::{Error, Lake, Result};

/// The names of the segments that are not sealed, or not removed yet, oldest first.
pub async fn segments(lake: &Lake) -> Result<Vec<String>> {
    let objects = lake.list(&log_prefix()).await?;
    let name = |key: &Path| key.filename().and_then(|name| name.strip_suffix(".log")).map(str::to_owned);
    Ok(objects.iter().filter_map(|object| name(&object.key)).collect())
}

/// The records of a segment as far as they are whole: behind the last whole one is what a crash cut off, which nobody was
/// told to be safe.
///
/// # Errors
/// [`Error::DamagedSegment`] when whole records follow behind one that is not: a crash does not do that.
pub async fn read(lake: &Lake, name: &str) -> Result<Vec<Record>> {
    let mut found = Records::open(lake, name, 0).await?;
    let mut records = Vec::new();
    while let Some((record, _)) = found.next().await? {
        records.push(record);
    }
    Ok(records)
}

/// Takes a segment away: its raw objects are there, and what its records say is kept elsewhere.
pub async fn remove(lake: &Lake, name: &str) -> Result<()> {
    lake.forget_segment(name);
    lake.delete(&log_segment_key(name)).await
}

/// The segment that holds the bytes of a raw key as long as they are not sealed.
pub(crate) fn segment_of(raw_key: &Path) -> Option<&str> {
    live_segment(raw_key)
}

/// Bytes read at once.
const WINDOW: u64 = 4 << 20;

/// The whole records of a segment, one after the other.
pub(super) struct Records<'l> {
    lake: &'l Lake,
    key: Path,
    size: u64,
    /// Where the next record begins.
    pub(super) position: u64,
    /// What was read last, and where it begins.
    window: (u64, Bytes),
}

impl<'l> Records<'l> {
    /// The records from a position on, up to the end that the segment has now.
    pub(super) async fn open(lake: &'l Lake, name: &str, position: u64) -> Result<Self> {
        let key = log_segment_key(name);
        let size = lake.size(&key).await?;
        Ok(Self { lake, key, size, position, window: (position, Bytes::new()) })
    }

    /// The next record, and where its bytes lie in the segment.
    pub(super) async fn next(&mut self) -> Result<Option<(Record, u64)>> {
        if let Some((record, bytes_at, end)) = self.record(self.position).await? {
            self.position = end;
            return Ok(Some((record, bytes_at)));
        }
        // Looked for only where something is left over.
        if self.position < self.size && self.has_record_behind(self.position).await? {
            return Err(Error::DamagedSegment { key: self.key.to_string(), offset: self.position });
        }
        Ok(None)
    }

    /// The record at a position, where its bytes begin, and where it ends; `None` if there is no whole one.
    async fn record(&mut self, position: u64) -> Result<Option<(Record, u64, u64)>> {
        let Some(header) = self.take(position, HEADER as u64).await? else { return Ok(None) };
        let Ok(header) = <[u8; HEADER]>::try_from(&header[..]) else { return Ok(None) };
        let Some((head, length)) = Head::read(&header).and_then(|head| Some((head.clone(), head.length()?)))
        else {
            return Ok(None);
        };
        let key_at = position + HEADER as u64;
        let Some(key) = self.take(key_at, head.key_length as u64).await? else { return Ok(None) };
        // The lengths are believed only now.
        let Some(key) = head.key(&header, &key) else { return Ok(None) };
        let body_at = key_at + head.key_length as u64;
        let Some(body) = self.take(body_at, length - (body_at - position)).await? else { return Ok(None) };
        let (note, bytes) = (body.slice(..head.note_length), body.slice(head.note_length..));
        if !head.fits(&note, &bytes) {
            return Ok(None);
        }
        let bytes_at = body_at + head.note_length as u64;
        let Head { at, offset, first, items, .. } = head;
        Ok(Some((Record { key, offset, at, first, items, note, bytes }, bytes_at, position + length)))
    }

    /// Whether a whole record begins anywhere behind a position.
    async fn has_record_behind(&mut self, position: u64) -> Result<bool> {
        let mut from = position + 1;
        while from < self.size {
            let length = WINDOW.min(self.size - from);
            let Some(bytes) = self.take(from, length).await? else { return Ok(false) };
            for at in memmem(&bytes) {
                if self.record(from + at).await?.is_some() {
                    return Ok(true);
                }
            }
            // A magic that lies across the border is seen by the next look.
            from += length.max(4) - 3;
            if length < WINDOW {
                return Ok(false);
            }
        }
        Ok(false)
    }

    async fn take(&mut self, position: u64, length: u64) -> Result<Option<Bytes>> {
        let Some(end) = position.checked_add(length).filter(|end| *end <= self.size) else { return Ok(None) };
        let (start, held) = &self.window;
        if position < *start || end > start + held.len() as u64 {
            let wanted = position..end.max(position + WINDOW).min(self.size);
            self.window = (position, self.lake.read_range(&self.key, wanted).await?);
        }
        let (start, held) = &self.window;
        let at = (position - start) as usize;
        // A segment that was cut meanwhile is shorter than it said.
        Ok((at + length as usize <= held.len()).then(|| held.slice(at..at + length as usize)))
    }
}

/// Places where a record may begin.
fn memmem(bytes: &[u8]) -> Vec<u64> {
    bytes.windows(MAGIC.len()).zip(0..).filter(|(four, _)| **four == MAGIC).map(|(_, at)| at).collect()
}
