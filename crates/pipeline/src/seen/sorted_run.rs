//! A sorted run: ids with the data file each is in, in an object that is written once.
//!
//! Entries of 20 bytes (id, then the number of the file, both big-endian) in blocks of 256, each block followed by
//! four bytes of its SHA-256. Behind the blocks stand the footer (JSON: how many entries, the files, the highest 64
//! bits of the first id of each block), the filter, and a trailer that tells their lengths and hash. In
//! memory are the footer and the filter; a look-up reads the blocks it needs and no others.

use bytes::{BufMut, BytesMut};
use futures::{StreamExt, stream};
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use storage::Lake;

use super::filter::{Filter, PIECE};
use crate::{Error, MessageId, Result};

const ENTRY: usize = 20;
const BLOCK_ENTRIES: usize = 256;
const BLOCK: usize = BLOCK_ENTRIES * ENTRY + CHECK;
const CHECK: usize = 4;
const TRAILER: usize = 8 + 8 + 32 + 8;
const MAGIC: &[u8; 8] = b"CLSEEN2\n";

/// An id and the number of its data file.
pub(super) type Entry = (MessageId, u32);

/// What is kept in memory of a run.
#[derive(Debug)]
pub(super) struct SortedRun {
    pub(super) key: Path,
    /// The data files by their numbers.
    pub(super) files: Vec<Path>,
    entries: u64,
    /// The highest 64 bits of the first id of each block.
    first_ids: Vec<u64>,
    filter: Filter,
}

#[derive(Debug, Serialize, Deserialize)]
struct Footer {
    entries: u64,
    files: Vec<String>,
    first_ids: Vec<u64>,
}

impl SortedRun {
    /// Opens a run.
    ///
    /// # Errors
    /// [`Error::DamagedRun`] when it is not what was written.
    pub(super) async fn open(lake: &Lake, key: &Path) -> Result<Self> {
        let damaged = || Error::DamagedRun { key: key.to_string() };
        let size = lake.size(key).await?;
        let start = size.checked_sub(TRAILER as u64).ok_or_else(damaged)?;
        let trailer = lake.read_range(key, start..size).await?;
        let number = |at: usize| u64::from_be_bytes(trailer[at..at + 8].try_into().unwrap_or_default());
        let (footer_length, filter_length) = (number(0), number(8));
        let begin = start.checked_sub(footer_length.saturating_add(filter_length)).ok_or_else(damaged)?;
        if &trailer[TRAILER - 8..] != MAGIC {
            return Err(damaged());
        }
        let mut filter = Filter::to_read(filter_length).ok_or_else(damaged)?;
        let footer = lake.read_range(key, begin..begin + footer_length).await?;
        let mut hash = Sha256::new_with_prefix(&footer);
        for from in (begin + footer_length..start).step_by(PIECE) {
            let piece = lake.read_range(key, from..start.min(from + PIECE as u64)).await?;
            hash.update(&piece);
            filter.read(&piece);
        }
        if hash.finalize()[..] != trailer[16..48] {
            return Err(damaged());
        }
        let footer: Footer = serde_json::from_slice(&footer).map_err(|_| damaged())?;
        let files = footer.files.iter().map(|file| Path::from(file.as_str())).collect();
        Ok(Self { key: key.clone(), files, entries: footer.entries, first_ids: footer.first_ids, filter })
    }

    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    pub(super) fn may_hold(&self, id: MessageId) -> bool {
        self.filter.may_hold(id)
    }

    /// The file numbers of those of `ids` (sorted) that are here, in their order: several of an id that is in several files,
    /// of which some may be in the table no more.
    pub(super) async fn look_up(&self, lake: &Lake, ids: &[MessageId]) -> Result<Vec<Entry>> {
        let mut blocks: Vec<usize> = Vec::new();
        for id in ids {
            // An id whose first half begins a block may still be in the one before.
            let half = (id.number() >> 64) as u64;
            let first = self.first_ids.partition_point(|first| *first < half).saturating_sub(1);
            let last = self.first_ids.partition_point(|first| *first <= half).saturating_sub(1);
            blocks.extend(first..=last);
        }
        blocks.sort_unstable();
        blocks.dedup();
        let ranges: Vec<_> = blocks.iter().map(|block| self.range(*block)).collect();
        let read = lake.read_ranges(&self.key, &ranges).await?;
        let mut found = Vec::new();
        let mut wanted = ids.iter().peekable();
        for bytes in read {
            let entries = self.entries_of(&bytes)?;
            while let Some(id) = wanted.peek() {
                if entries.last().is_some_and(|(last, _)| *last < **id) {
                    break;
                }
                let first = entries.partition_point(|(other, _)| other < *id);
                found.extend(entries[first..].iter().take_while(|(other, _)| other == *id));
                // Its entries may go on in the next block.
                if entries.last().is_some_and(|(last, _)| last == *id) {
                    break;
                }
                wanted.next();
            }
        }
        Ok(found)
    }

    /// All entries in their order, block by block.
    pub(super) fn all<'r>(
        &'r self,
        lake: &'r Lake,
    ) -> impl futures::Stream<Item = Result<Vec<Entry>>> + Send + 'r {
        const AT_ONCE: usize = 256;
        let starts: Vec<usize> = (0..self.first_ids.len()).step_by(AT_ONCE).collect();
        stream::iter(starts).then(move |start| async move {
            let end = (start + AT_ONCE).min(self.first_ids.len());
            let range = self.range(start).start..self.range(end - 1).end;
            let bytes = lake.read_range(&self.key, range).await?;
            let mut entries = Vec::new();
            for block in bytes.chunks(BLOCK) {
                entries.append(&mut self.entries_of(block)?);
            }
            Ok(entries)
        })
    }

    fn range(&self, block: usize) -> std::ops::Range<u64> {
        let start = block * BLOCK;
        let entries = (self.entries as usize - block * BLOCK_ENTRIES).min(BLOCK_ENTRIES);
        start as u64..(start + entries * ENTRY + CHECK) as u64
    }

    fn entries_of(&self, block: &[u8]) -> Result<Vec<Entry>> {
        let split = block.len().checked_sub(CHECK).map(|at| block.split_at(at));
        let Some((entries, _)) = split.filter(|(entries, check)| Sha256::digest(entries)[..CHECK] == **check)
        else {
            return Err(Error::DamagedRun { key: self.key.to_string() });
        };
        Ok(entries.chunks_exact(ENTRY).map(entry).collect())
    }
}

fn entry(bytes: &[u8]) -> Entry {
    let (id, file) = bytes.split_at(16);
    (
        MessageId::from_number(u128::from_be_bytes(id.try_into().unwrap_or_default())),
        u32::from_be_bytes(file.try_into().unwrap_or_default()),
    )
}

/// Writes a run, entry by entry in ascending order.
pub(super) struct RunWriter {
    upload: storage::Upload,
    block: BytesMut,
    files: Vec<Path>,
    entries: u64,
    first_ids: Vec<u64>,
    filter: Filter,
}

impl RunWriter {
    /// Begins a run of at most so many entries over these files.
    pub(super) async fn begin(lake: &Lake, files: Vec<Path>, at_most: usize) -> Result<Self> {
        Ok(Self {
            upload: lake.upload().await?,
            block: BytesMut::with_capacity(BLOCK),
            files,
            entries: 0,
            first_ids: Vec::new(),
            filter: Filter::for_ids(at_most),
        })
    }

    pub(super) async fn add(&mut self, (id, file): Entry) -> Result<()> {
        if self.block.is_empty() {
            self.first_ids.push((id.number() >> 64) as u64);
        }
        self.block.put_u128(id.number());
        self.block.put_u32(file);
        self.entries += 1;
        self.filter.add(id);
        if self.block.len() == BLOCK_ENTRIES * ENTRY { self.end_block().await } else { Ok(()) }
    }

    async fn end_block(&mut self) -> Result<()> {
        let check = Sha256::digest(&self.block);
        self.block.extend_from_slice(&check[..CHECK]);
        self.upload.write(&self.block).await?;
        self.block.clear();
        Ok(())
    }

    /// Ends the run and gives it its key; `None` if there was not one entry.
    pub(super) async fn finish(mut self, key: &Path) -> Result<Option<SortedRun>> {
        if !self.block.is_empty() {
            self.end_block().await?;
        }
        let Self { mut upload, files, entries, first_ids, filter, .. } = self;
        if entries == 0 {
            upload.abandon().await?;
            return Ok(None);
        }
        let footer = Footer { entries, files: files.iter().map(ToString::to_string).collect(), first_ids };
        let text = serde_json::to_vec(&footer).map_err(|error| Error::Internal(error.to_string()))?;
        let mut hash = Sha256::new_with_prefix(&text);
        upload.write(&text).await?;
        for piece in filter.pieces() {
            hash.update(&piece);
            upload.write(&piece).await?;
        }
        let mut trailer = BytesMut::with_capacity(TRAILER);
        trailer.put_u64(text.len() as u64);
        trailer.put_u64(filter.length());
        trailer.put_slice(&hash.finalize());
        trailer.put_slice(MAGIC);
        upload.write(&trailer).await?;
        upload.seal().await?.publish(key).await?;
        Ok(Some(SortedRun { key: key.clone(), files, entries, first_ids: footer.first_ids, filter }))
    }
}
