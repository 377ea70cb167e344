//! The log of a Delta table as plain files: is everything there that the table's newest state is made of?
//!
//! A reader of Delta logs takes an empty or shortened commit for one that changed less, and tells of a missing one
//! in its own terms. Whoever opens a table asks here first.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;
use serde_json::Value;

use crate::{Error, Lake, Result};

/// The member of `commitInfo` that says how many lines the commit has.
pub const LINES: &str = "lines";

/// The tag of a file that took the place of others: its rows were visible before it was.
pub const REWRITTEN: &str = "carelake.rewritten";

/// Commits read at the same time.
const READS: usize = 16;
const PARQUET_MAGIC: &[u8] = b"PAR1";

/// Checks the log of the table in `folder` from its newest checkpoint on; the error names the file that is missing
/// or damaged. Gives how many commits follow that checkpoint, each a file that a reader of the table goes through.
///
/// A log that was never begun passes. So does one whose newest commit is lost: only the messages' receipts tell.
pub async fn check_log(lake: &Lake, folder: &Path) -> Result<usize> {
    let log = folder.clone().join("_delta_log");
    let pointed = pointer(lake, &log).await?;
    let Listing { mut commits, checkpoints } = list(lake, &log, pointed).await?;
    if let Some(version) = pointed
        && !checkpoints.contains_key(&version)
    {
        let is_needed = is_needed(lake, &log, version).await?;
        return Err(Error::LostCheckpoint { version, pointer: pointer_key(&log).to_string(), is_needed });
    }
    let checkpoint = checkpoints.last_key_value();
    if let Some((version, (key, size))) = checkpoint
        && !is_whole(lake, key, *size).await?
    {
        let is_needed = is_needed(lake, &log, *version).await?;
        return Err(Error::DamagedCheckpoint { key: key.to_string(), is_needed });
    }
    let first = checkpoint.map_or(0, |(version, _)| version + 1);
    commits = commits.split_off(&first);
    let Some(last) = commits.last().copied() else { return Ok(0) };
    let count = commits.len();
    for version in (first..last).filter(|version| !commits.contains(version)) {
        let key = commit_key(&log, version);
        // A listing may pass over what is written while it goes on.
        if !lake.exists(&key).await? {
            return Err(Error::LostCommit { version, key: key.to_string() });
        }
    }
    stream::iter(commits)
        .map(|version| check_commit(lake, commit_key(&log, version), version))
        .buffer_unordered(READS)
        .try_for_each(|()| futures::future::ok(()))
        .await?;
    Ok(count)
}

/// Checks that a commit has all of its lines and that each is JSON.
pub fn check_commit_text(key: &Path, version: u64, text: &[u8]) -> Result<()> {
    let damaged = |line| Error::DamagedCommit { version, key: key.to_string(), line };
    let (mut count, mut declared) = (0, None);
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        count += 1;
        let action: Value = serde_json::from_slice(line).map_err(|_| damaged(count))?;
        declared = declared.or_else(|| action["commitInfo"][LINES].as_u64());
    }
    // Commits of other programs do not say.
    let is_whole = count > 0 && declared.is_none_or(|declared| declared == count);
    if is_whole { Ok(()) } else { Err(damaged(count + 1)) }
}

struct Listing {
    commits: BTreeSet<u64>,
    /// With key and size.
    checkpoints: BTreeMap<u64, (Path, u64)>,
}

async fn list(lake: &Lake, log: &Path, from: Option<u64>) -> Result<Listing> {
    // A listing begins after its offset; the commit of a version sorts after its checkpoint.
    let offset = log.clone().join(format!("{:020}", from.unwrap_or(0)));
    let store = lake.store();
    let mut objects = store.list_with_offset(Some(log), &offset);
    let mut listing = Listing { commits: BTreeSet::new(), checkpoints: BTreeMap::new() };
    while let Some(object) = objects.try_next().await.map_err(|error| Error::store("list", log, error))? {
        let Some((number, kind)) = object.location.filename().and_then(|name| name.split_once('.')) else {
            continue;
        };
        let Ok(version) = number.parse() else { continue };
        if kind == "json" {
            listing.commits.insert(version);
        } else if kind.starts_with("checkpoint") && object.size > 0 {
            listing.checkpoints.insert(version, (object.location, object.size));
        }
    }
    Ok(listing)
}

/// The version of the checkpoint that `_last_checkpoint` names; a damaged one is as good as none.
async fn pointer(lake: &Lake, log: &Path) -> Result<Option<u64>> {
    match lake.read(&pointer_key(log)).await {
        Ok(text) => Ok(serde_json::from_slice::<Value>(&text).ok().and_then(|hint| hint["version"].as_u64())),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn check_commit(lake: &Lake, key: Path, version: u64) -> Result<()> {
    let text = lake.read(&key).await?;
    check_commit_text(&key, version, &text)
}

/// Whether a checkpoint has the end of a Parquet file, which a file that was cut short lacks.
async fn is_whole(lake: &Lake, key: &Path, size: u64) -> Result<bool> {
    if !key.as_ref().ends_with(".parquet") {
        return Ok(true);
    }
    let Some(start) = size.checked_sub(8) else { return Ok(false) };
    let end = lake.read_range(key, start..size).await?;
    let (length, magic) = end.split_at(4);
    let length = length.iter().rev().fold(0, |length, byte| length << 8 | u64::from(*byte));
    Ok(magic == PARQUET_MAGIC && length + 8 < size)
}

/// Whether the log cannot be read without the checkpoint of a version: what was before it may be cleaned up.
async fn is_needed(lake: &Lake, log: &Path, version: u64) -> Result<bool> {
    let Listing { commits, mut checkpoints } = list(lake, log, None).await?;
    checkpoints.remove(&version);
    let first = checkpoints.last_key_value().map_or(0, |(version, _)| version + 1);
    let last = commits.last().map_or(version, |last| version.max(*last));
    Ok(!(first..=last).all(|version| commits.contains(&version)))
}

fn commit_key(log: &Path, version: u64) -> Path {
    log.clone().join(format!("{version:020}.json"))
}

fn pointer_key(log: &Path) -> Path {
    log.clone().join("_last_checkpoint")
}
