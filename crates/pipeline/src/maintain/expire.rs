//! Removes what no state within the retention needs: commits and checkpoints of a table's log, and the data files that those
//! commits took out, with their documents.
//!
//! The newest checkpoint that is not younger than the retention stands for all before it. What a commit took out is removed
//! before the commit is, so that whatever interrupts this, a later pass finds what is left to remove.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;
use storage::{Lake, staging_table};

use super::Expired;
use crate::delta::{ListedFile, Table, now_milliseconds};
use crate::{Error, Result, documents, replay};

/// Objects read or removed at the same time.
const AT_ONCE: usize = 16;
/// Milliseconds by which the clocks of writers and of the store may differ.
const SLACK: i64 = 60_000;
/// Commits worked on together.
const COMMITS: usize = 500;

/// Does so for tables that are asked for one moment together: the log of a later one reaches back as far as those before.
pub(super) async fn expire(
    lake: &Lake,
    tables: impl Iterator<Item = &Table>,
    retention: Duration,
    expired: &mut Expired,
) -> Result<()> {
    let retention = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
    let mut since = now_milliseconds().saturating_sub(retention);
    for table in tables {
        let log = Log::list(lake, table.folder()).await?;
        let reaches_back = match log.first_needed(since) {
            Some(first) if log.has_before(first) && may_forget(lake, table, first).await? => {
                forget(lake, table, &log, first, expired).await?;
                log.commits.get(&first).map(|commit| commit.at)
            }
            Some(first) => log.commits.range(..=first).next().map(|(_, commit)| commit.at),
            None => log.commits.values().next().map(|commit| commit.at),
        };
        since = since.min(reaches_back.map_or(i64::MIN, |moment| moment - SLACK));
    }
    Ok(())
}

/// The files of a table's log, by version.
#[derive(Default)]
struct Log {
    folder: Path,
    commits: BTreeMap<u64, Commit>,
    /// The key and the bytes of each; one may be in several parts.
    checkpoints: BTreeMap<u64, Vec<(Path, u64)>>,
}

/// What is kept of each of maybe a million commits.
#[derive(Clone, Copy)]
struct Commit {
    /// Milliseconds since 1970, by the store's clock.
    at: i64,
    bytes: u64,
}

impl Log {
    async fn list(lake: &Lake, table: &Path) -> Result<Self> {
        let folder = table.clone().join("_delta_log");
        let mut log = Self { folder, ..Self::default() };
        let mut objects = lake.store().list(Some(&log.folder));
        while let Some(object) =
            objects.try_next().await.map_err(|error| Error::Listing { reason: error.to_string() })?
        {
            let name = object.location.filename().unwrap_or_default();
            let Some((number, kind)) = name.split_once('.').filter(|(number, _)| number.len() == 20) else {
                continue;
            };
            let Ok(version) = number.parse() else { continue };
            if kind == "json" {
                let at = object.last_modified.timestamp_millis();
                log.commits.insert(version, Commit { at, bytes: object.size });
            } else if kind.starts_with("checkpoint.") {
                log.checkpoints.entry(version).or_default().push((object.location, object.size));
            }
        }
        Ok(log)
    }

    /// The version of the checkpoint that every state since a moment can be read from.
    fn first_needed(&self, since: i64) -> Option<u64> {
        let (newest, _) = self.commits.last_key_value()?;
        let young = self.commits.iter().find(|(_, commit)| commit.at >= since);
        // The state at that moment is that of the commit before the first young one.
        let state = match young {
            Some((version, _)) => version.checked_sub(1)?,
            None => *newest,
        };
        let (first, _) = self.checkpoints.range(..=state).next_back()?;
        (*first..=*newest).all(|version| self.commits.contains_key(&version)).then_some(*first)
    }

    fn key(&self, version: u64) -> Path {
        self.folder.clone().join(format!("{version:020}.json"))
    }

    fn has_before(&self, first: u64) -> bool {
        self.commits.range(..first).next().is_some() || self.checkpoints.range(..first).next().is_some()
    }
}

/// Whether the checkpoint stands in for all before it, for every reader, and nobody is about to commit what relies on files
/// that are in no state any more.
async fn may_forget(lake: &Lake, table: &Table, first: u64) -> Result<bool> {
    if replay::is_under_way(lake).await? || !table.is_readable_at(first).await {
        return Ok(false);
    }
    let pointer = table.folder().clone().join("_delta_log").join("_last_checkpoint");
    let pointed = match lake.read(&pointer).await {
        Ok(text) => serde_json::from_slice::<serde_json::Value>(&text)
            .ok()
            .and_then(|pointer| pointer["version"].as_u64()),
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(error.into()),
    };
    Ok(pointed.is_none_or(|version| version >= first))
}

/// Removes all before the first version that is needed.
async fn forget(lake: &Lake, table: &Table, log: &Log, first: u64, expired: &mut Expired) -> Result<()> {
    let mut needed: Option<Needed> = None;
    let commits: Vec<(u64, u64)> =
        log.commits.range(..first).map(|(version, commit)| (*version, commit.bytes)).collect();
    for commits in commits.chunks(COMMITS) {
        let keys: Vec<Path> = commits.iter().map(|(version, _)| log.key(*version)).collect();
        let mut removed =
            stream::iter(&keys).map(|key| removed_by(lake, table, key)).buffer_unordered(AT_ONCE);
        let mut files = Vec::new();
        while let Some(removed) = removed.next().await {
            files.extend(removed?);
        }
        if !files.is_empty() {
            let known = match needed.take() {
                Some(known) => known,
                None => Needed::by(lake, table).await?,
            };
            remove_files(lake, table, files, &known, expired).await?;
            needed = Some(known);
        }
        expired.commits += commits.len() as u64;
        expired.bytes += commits.iter().map(|(_, bytes)| bytes).sum::<u64>();
        drop(removed);
        remove(lake, keys).await?;
    }
    for (_, parts) in log.checkpoints.range(..first) {
        expired.checkpoints += 1;
        expired.bytes += parts.iter().map(|(_, bytes)| bytes).sum::<u64>();
        remove(lake, parts.iter().map(|(key, _)| key.clone())).await?;
    }
    Ok(())
}

/// What an old commit took out. One that another removes at the same time, or that is damaged, is passed over: what it took out
/// is then for sweep to find.
async fn removed_by(lake: &Lake, table: &Table, commit: &Path) -> Result<Vec<(Path, u64)>> {
    match lake.read(commit).await {
        Ok(text) => Ok(table.removed_by(&text).unwrap_or_default()),
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Removes data files, their documents before them and what names those in between.
async fn remove_files(
    lake: &Lake,
    table: &Table,
    mut files: Vec<(Path, u64)>,
    needed: &Needed,
    expired: &mut Expired,
) -> Result<()> {
    files.retain(|(key, _)| !needed.has(key));
    if *table.folder() == staging_table() {
        let lists: Vec<Path> = files.iter().map(|(key, _)| documents::list_key_of(key)).collect();
        let read = stream::iter(&lists).map(|list| listed(lake, list)).buffer_unordered(AT_ONCE);
        let read: Vec<Vec<Path>> = read.try_collect().await?;
        let doomed: HashSet<Path> = read.into_iter().flatten().filter(|key| !needed.has(key)).collect();
        expired.documents += (doomed.len() + lists.len()) as u64;
        remove(lake, doomed).await?;
        remove(lake, lists).await?;
    }
    expired.data_files += files.len() as u64;
    expired.bytes += files.iter().map(|(_, size)| size).sum::<u64>();
    remove(lake, files.into_iter().map(|(key, _)| key)).await
}

/// The documents in a list; of one that is gone or damaged, none are known.
async fn listed(lake: &Lake, list: &Path) -> Result<Vec<Path>> {
    match documents::read_list(lake, list).await {
        Ok(keys) => Ok(keys),
        Err(Error::DamagedDocuments { .. }) => Ok(Vec::new()),
        Err(Error::Storage(error)) if error.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The files of a table as it is, and their documents: a number for each. Two keys of one number keep each other.
struct Needed(HashSet<u64>);

impl Needed {
    async fn by(lake: &Lake, table: &Table) -> Result<Self> {
        let (_, files) = table.listed().await?;
        let mut numbers: HashSet<u64> = files.iter().map(|file| number_of(&file.key)).collect();
        let lists = files.iter().filter_map(|ListedFile { documents, .. }| documents.as_ref());
        let mut read =
            stream::iter(lists).map(|list| documents::read_list(lake, list)).buffer_unordered(AT_ONCE);
        while let Some(documents) = read.next().await {
            // Without each of the lists it is not known what is needed.
            numbers.extend(documents?.iter().map(number_of));
        }
        Ok(Self(numbers))
    }

    fn has(&self, key: &Path) -> bool {
        self.0.contains(&number_of(key))
    }
}

fn number_of(key: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.as_ref().hash(&mut hasher);
    hasher.finish()
}

async fn remove(lake: &Lake, keys: impl IntoIterator<Item = Path>) -> Result<()> {
    let removals = stream::iter(keys).map(async |key: Path| lake.delete(&key).await);
    removals.buffer_unordered(AT_ONCE).try_for_each(async |()| Ok(())).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log with commits at these moments and checkpoints of these versions.
    fn log(moments: &[(u64, i64)], checkpoints: &[u64]) -> Log {
        let commits = moments.iter().map(|(version, at)| (*version, Commit { at: *at, bytes: 1 }));
        let checkpoints = checkpoints.iter().map(|version| (*version, vec![(Path::from("x"), 1)]));
        Log { folder: Path::from("log"), commits: commits.collect(), checkpoints: checkpoints.collect() }
    }

    #[test]
    fn the_state_at_the_beginning_of_the_retention_can_still_be_read() {
        let moments: Vec<(u64, i64)> = (0..60).map(|version| (version, version as i64 * 10)).collect();
        let log = log(&moments, &[20, 40]);
        for (since, first) in [
            (0, None),
            (195, None),
            // The state then is that of version 19, 20 or 21.
            (200, None),
            (201, Some(20)),
            (210, Some(20)),
            (400, Some(20)),
            (401, Some(40)),
            (10_000, Some(40)),
        ] {
            assert_eq!(log.first_needed(since), first, "{since}");
        }
        assert!(log.has_before(20));
        assert!(!log.has_before(0));
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_more_and_never_less() {
        let log = log(&[(18, 500), (19, 900), (20, 100), (21, 200), (22, 1_000)], &[20]);
        assert_eq!(log.first_needed(800), None, "version 19 seems young");
        assert_eq!(log.first_needed(950), Some(20));
    }

    #[test]
    fn a_log_with_a_gap_behind_its_checkpoint_is_left_alone() {
        assert_eq!(log(&[(20, 1), (21, 2), (23, 4)], &[20]).first_needed(100), None);
        assert_eq!(log(&[(21, 2), (22, 4)], &[20]).first_needed(100), None);
        assert_eq!(log(&[], &[20]).first_needed(100), None);
    }
}
