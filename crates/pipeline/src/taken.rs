//! Taken: which files of a watched folder were taken up, remembered across restarts.
//!
//! Each entry is a fact that stays true: this file, as long as it was and last changed then, is in the raw zone. So the memory
//! is a journal of pieces that are only ever added, and several writers do not disturb each other. Lost or damaged it costs
//! that files are read again, and their messages are counted as duplicates.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::fs::Metadata;
use std::path::Path as FilePath;
use std::time::SystemTime;

use futures::{StreamExt, stream};
use object_store::path::Path;
use sha2::{Digest, Sha256};
use storage::{Lake, ObjectState, Put, taken_key, taken_prefix};

use crate::{Result, sha256};

/// Pieces that are kept, at most, before the newest are merged.
const PIECES: usize = 16;
/// Pieces that are read at the same time.
const READS: usize = 8;

/// What tells a file from what it was before: if it is the same, nobody has written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    /// Bytes.
    pub size: u64,
    /// When its bytes last changed as far as its writer says, in nanoseconds since 1970.
    pub modified: i64,
    /// When the file last changed as far as the file system says, in nanoseconds since 1970. Whoever copies a file with its
    /// times cannot set this one. Of an object it is a number made of its entity tag.
    pub changed: i64,
}

impl FileState {
    /// The state of a file as its file system tells it.
    pub fn of(metadata: &Metadata) -> Self {
        let nanoseconds = |time: std::io::Result<SystemTime>| {
            let since = time.ok()?.duration_since(SystemTime::UNIX_EPOCH);
            let signed = match &since {
                Ok(after) => i64::try_from(after.as_nanos()).ok(),
                Err(error) => i64::try_from(error.duration().as_nanos()).ok().map(|before| -before),
            };
            Some(signed.unwrap_or(i64::MAX))
        };
        #[cfg(unix)]
        let changed = {
            use std::os::unix::fs::MetadataExt;
            metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec())
        };
        #[cfg(not(unix))]
        let changed = nanoseconds(metadata.created()).unwrap_or_default();
        let modified = nanoseconds(metadata.modified()).unwrap_or_default();
        Self { size: metadata.len(), modified, changed }
    }

    /// The state of an object as its store tells it: its entity tag stands for the time of its last change.
    pub(crate) fn of_object(object: &ObjectState) -> Self {
        let changed = object.tag.as_deref().map_or(0, |tag| {
            let mut start = [0; size_of::<i64>()];
            start.copy_from_slice(&Sha256::digest(tag)[..size_of::<i64>()]);
            i64::from_be_bytes(start)
        });
        Self { size: object.size, modified: object.modified.saturating_mul(1_000_000_000), changed }
    }
}

/// A file that was taken up.
#[derive(Clone, Debug)]
pub struct TakenFile<'f> {
    /// Its path below the folder.
    pub path: &'f FilePath,
    /// As it was when it was read.
    pub state: FileState,
    /// SHA-256 of its bytes, in hex; empty for a file without any.
    pub sha256: &'f str,
}

/// The memory of one folder. It has hashes of paths, for names may say who a patient is; 40 bytes of memory a file.
#[derive(Debug)]
pub struct Taken {
    lake: Lake,
    folder: String,
    known: HashMap<PathHash, FileState>,
    pieces: Vec<Piece>,
    /// Entries that could not be written yet.
    unwritten: String,
}

type PathHash = u128;

/// A piece of the journal.
#[derive(Clone, Debug)]
struct Piece {
    first: u64,
    last: u64,
    key: Path,
    bytes: u64,
}

impl Taken {
    /// Reads what is remembered of a folder. The folder's path is not part of any key, a hash of it is.
    pub async fn open(lake: &Lake, folder: &FilePath) -> Result<Self> {
        let folder = Self::name_of(folder);
        let mut pieces: Vec<Piece> = lake
            .list(&taken_prefix(&folder))
            .await?
            .into_iter()
            .filter_map(|object| {
                let (first, last) = object.key.filename()?.split_once('-')?;
                let number = |text| u64::from_str_radix(text, 16).ok();
                Some(Piece {
                    first: number(first)?,
                    last: number(last)?,
                    key: object.key,
                    bytes: object.size,
                })
            })
            .collect();
        pieces.sort_by_key(|piece| (piece.last, piece.first));
        let mut known = HashMap::new();
        let keys: Vec<Path> = pieces.iter().map(|piece| piece.key.clone()).collect();
        let read = |key| {
            let lake = lake.clone();
            async move { read(&lake, &key).await }
        };
        let mut texts = stream::iter(keys).map(read).buffered(READS);
        while let Some(text) = texts.next().await {
            known.extend(text?.lines().filter_map(parse));
        }
        Ok(Self { lake: lake.clone(), folder, known, pieces, unwritten: String::new() })
    }

    /// A plain name for a folder, the same whenever it is asked for.
    pub fn name_of(folder: &FilePath) -> String {
        sha256(folder.as_os_str().as_encoded_bytes())[..32].to_owned()
    }

    /// Whether the file was taken up as it is now.
    pub fn has(&self, path: &FilePath, state: &FileState) -> bool {
        self.known.get(&hash_of(path)) == Some(state)
    }

    /// How many files are remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Remembers files; durable when it returns.
    ///
    /// # Errors
    /// When the lake refuses. The files are remembered as long as the process lives, and written with those that come next.
    pub async fn add(&mut self, files: &[TakenFile<'_>]) -> Result<()> {
        for TakenFile { path, state, sha256 } in files {
            let hash = hash_of(path);
            self.known.insert(hash, *state);
            let FileState { size, modified, changed } = state;
            let half = &sha256[..sha256.len().min(32)];
            // Writing to a string cannot fail.
            let _ = writeln!(self.unwritten, "{hash:032x} {size} {modified} {changed} {half}");
        }
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let text = bytes::Bytes::from(self.unwritten.clone());
        let mut number = self.pieces.iter().map(|piece| piece.last + 1).max().unwrap_or_default();
        loop {
            let key = taken_key(&self.folder, number, number);
            if self.lake.put_new(&key, text.clone()).await? == Put::Created {
                self.pieces.push(Piece { first: number, last: number, key, bytes: text.len() as u64 });
                break;
            }
            // Another writer's.
            number += 1;
        }
        self.unwritten.clear();
        if self.pieces.len() > PIECES {
            self.merge().await?;
        }
        Ok(())
    }

    /// Forgets a file that is no more.
    pub fn forget(&mut self, path: &FilePath) {
        self.known.remove(&hash_of(path));
    }

    /// Forgets the files that are not among these, which are all there are.
    pub fn keep_only<'f>(&mut self, there: impl Iterator<Item = &'f FilePath>) {
        let there: HashSet<PathHash> = there.map(hash_of).collect();
        self.known.retain(|hash, _| there.contains(hash));
    }

    /// Makes one piece of the newest ones, without what was forgotten.
    ///
    /// Half of them at least, and as many of those before as are no longer than what comes behind: so each entry is written
    /// again only when its piece doubles.
    async fn merge(&mut self) -> Result<()> {
        let mut from = self.pieces.len() - PIECES / 2;
        let mut bytes: u64 = self.pieces[from..].iter().map(|piece| piece.bytes).sum();
        while from > 0 && self.pieces[from - 1].bytes <= bytes {
            from -= 1;
            bytes += self.pieces[from].bytes;
        }
        let merged = &self.pieces[from..];
        let (mut text, mut written) = (String::new(), HashSet::new());
        // The newest first: what an older one says of the same file is no longer so.
        for piece in merged.iter().rev() {
            for line in read(&self.lake, &piece.key).await?.lines() {
                let Some((hash, state)) = parse(line) else { continue };
                if self.known.get(&hash) == Some(&state) && written.insert(hash) {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        let first = merged.iter().map(|piece| piece.first).min().unwrap_or_default();
        let last = merged.iter().map(|piece| piece.last).max().unwrap_or_default();
        let key = taken_key(&self.folder, first, last);
        let bytes = text.len() as u64;
        // If it is there, an earlier merge of the same pieces was interrupted.
        self.lake.put_new(&key, text.into()).await?;
        for piece in self.pieces.split_off(from) {
            if piece.key != key {
                self.lake.delete(&piece.key).await?;
            }
        }
        self.pieces.push(Piece { first, last, key, bytes });
        Ok(())
    }
}

/// A piece as text. One that is gone was merged by another writer meanwhile; what is no text is damaged, and lost.
async fn read(lake: &Lake, key: &Path) -> Result<String> {
    match lake.read(key).await {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.is_not_found() => Ok(String::new()),
        Err(error) => Err(error.into()),
    }
}

fn parse(line: &str) -> Option<(PathHash, FileState)> {
    let mut words = line.split(' ');
    let hash = words.next().filter(|hash| hash.len() == 32)?;
    let hash = PathHash::from_str_radix(hash, 16).ok()?;
    let size = words.next()?.parse().ok()?;
    let modified = words.next()?.parse().ok()?;
    let changed = words.next()?.parse().ok()?;
    // A line that was cut short lacks its last word.
    words.next()?;
    Some((hash, FileState { size, modified, changed }))
}

fn hash_of(path: &FilePath) -> PathHash {
    let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let mut half = [0; size_of::<PathHash>()];
    half.copy_from_slice(&hash[..size_of::<PathHash>()]);
    PathHash::from_be_bytes(half)
}

#[cfg(test)]
mod tests;
