//! The runs of a table in the private zone, and the manifest that names them.
//!
//! Manifests are counted up and put only if absent; the newest counts. A writer that is overtaken leaves its runs
//! behind: what they cover is read from the table by the next one to open it.

use std::collections::HashSet;

use futures::{StreamExt, pin_mut};
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use storage::{Lake, Put, seen_manifest_key, seen_prefix, seen_run_key};

use super::sorted_run::{Entry, RunWriter, SortedRun};
use crate::{Error, MessageId, Result};

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    runs: Vec<String>,
}

/// The runs of one table, oldest and largest first.
#[derive(Debug)]
pub(super) struct Runs {
    table: Path,
    manifest: u64,
    runs: Vec<SortedRun>,
    /// Data files that runs name and the table has no more.
    gone: HashSet<Path>,
    /// Runs that were merged into others.
    merged: Vec<Path>,
    is_kept: bool,
}

impl Runs {
    /// The runs that the newest manifest names, against the files that the table has now.
    pub(super) async fn open(lake: &Lake, table: &Path, files: &[Path]) -> Result<Self> {
        let mut opened = Self {
            table: table.clone(),
            manifest: 0,
            runs: Vec::new(),
            gone: HashSet::new(),
            merged: Vec::new(),
            is_kept: true,
        };
        let listed = lake.list(&seen_prefix(table)).await?;
        let Some(newest) = listed.iter().filter_map(|object| number_of(&object.key)).max() else {
            return Ok(opened);
        };
        opened.manifest = newest;
        for run in runs_of(lake, table, newest).await? {
            match SortedRun::open(lake, &run).await {
                Ok(run) => opened.runs.push(run),
                // What it covered is read from the table instead.
                Err(Error::DamagedRun { .. }) => opened.is_kept = false,
                Err(Error::Storage(error)) if error.is_not_found() => opened.is_kept = false,
                Err(error) => return Err(error),
            }
        }
        let current: HashSet<&Path> = files.iter().collect();
        let covered = opened.runs.iter().flat_map(|run| &run.files);
        opened.gone = covered.filter(|file| !current.contains(file)).cloned().collect();
        Ok(opened)
    }

    /// The data files that runs cover and the table has.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.runs.iter().flat_map(|run| &run.files).filter(|file| !self.gone.contains(file))
    }

    /// Those of `ids`, which are sorted, that are in a run, with their data files.
    pub(super) async fn look_up(&self, lake: &Lake, ids: &[MessageId]) -> Result<Vec<(MessageId, Path)>> {
        let mut found = Vec::new();
        for run in &self.runs {
            let likely: Vec<MessageId> = ids.iter().filter(|id| run.may_hold(**id)).copied().collect();
            if likely.is_empty() {
                continue;
            }
            for (id, number) in run.look_up(lake, &likely).await? {
                let file = run.files.get(number as usize).filter(|file| !self.gone.contains(file));
                found.extend(file.map(|file| (id, file.clone())));
            }
        }
        Ok(found)
    }

    /// Writes a run of sorted entries over `files`; runs of like size become one.
    pub(super) async fn add(&mut self, lake: &Lake, files: Vec<Path>, entries: Vec<Entry>) -> Result<()> {
        const LIKE: u64 = 4;
        let mut writer = RunWriter::begin(lake, files, entries.len()).await?;
        for entry in entries {
            writer.add(entry).await?;
        }
        self.runs.extend(writer.finish(&self.new_key()).await?);
        self.is_kept = false;
        while let [.., larger, smaller] = &self.runs[..]
            && smaller.entries() * LIKE >= larger.entries()
        {
            let merged = self.merge(lake, larger, smaller).await?;
            self.merged.extend(self.runs.drain(self.runs.len() - 2..).map(|run| run.key));
            self.runs.extend(merged);
        }
        let covered: HashSet<&Path> = self.runs.iter().flat_map(|run| &run.files).collect();
        self.gone.retain(|file| covered.contains(file));
        Ok(())
    }

    /// Both runs in one, without the entries of files that are gone.
    async fn merge(&self, lake: &Lake, one: &SortedRun, other: &SortedRun) -> Result<Option<SortedRun>> {
        let mut files: Vec<Path> = Vec::new();
        let mut numbers = [Vec::new(), Vec::new()];
        for (numbers, run) in numbers.iter_mut().zip([one, other]) {
            for file in &run.files {
                let number = (!self.gone.contains(file)).then(|| {
                    files.push(file.clone());
                    files.len() as u32 - 1
                });
                numbers.push(number);
            }
        }
        let at_most = usize::try_from(one.entries() + other.entries()).unwrap_or(usize::MAX);
        let mut writer = RunWriter::begin(lake, files, at_most).await?;
        let sources = [one.all(lake), other.all(lake)];
        let [left, right] = sources.map(|blocks| {
            blocks
                .map(|block| {
                    block.map_or_else(
                        |error| vec![Err(error)],
                        |entries| entries.into_iter().map(Ok).collect(),
                    )
                })
                .flat_map(futures::stream::iter)
                .peekable()
        });
        pin_mut!(left, right);
        loop {
            let is_left = match (left.as_mut().peek().await, right.as_mut().peek().await) {
                (None, None) => break,
                (Some(Ok(left)), Some(Ok(right))) => left <= right,
                (Some(_), None) | (Some(Err(_)), _) => true,
                (None, Some(_)) | (_, Some(Err(_))) => false,
            };
            let (next, numbers) =
                if is_left { (left.next().await, &numbers[0]) } else { (right.next().await, &numbers[1]) };
            let Some((id, number)) = next.transpose()? else { break };
            if let Some(Some(number)) = numbers.get(number as usize) {
                writer.add((id, *number)).await?;
            }
        }
        writer.finish(&self.new_key()).await
    }

    /// Data files that are in the table no more.
    pub(super) fn removed(&mut self, files: &HashSet<Path>) {
        let covered = self.runs.iter().flat_map(|run| &run.files);
        self.gone.extend(covered.filter(|file| files.contains(*file)).cloned());
    }

    /// Drops every run; gives the data files of the table that they covered.
    pub(super) fn forget(&mut self) -> Vec<Path> {
        let files = self.files().cloned().collect();
        self.merged.extend(self.runs.drain(..).map(|run| run.key));
        self.gone.clear();
        self.is_kept = false;
        files
    }

    /// Names the runs in a new manifest, for the next one who opens the table.
    pub(super) async fn keep(&mut self, lake: &Lake) -> Result<()> {
        if self.is_kept {
            return Ok(());
        }
        let runs = self.runs.iter().map(|run| run.key.to_string()).collect();
        let text =
            serde_json::to_vec(&Manifest { runs }).map_err(|error| Error::Internal(error.to_string()))?;
        let number = self.manifest + 1;
        if lake.put_new(&seen_manifest_key(&self.table, number), text.into()).await? == Put::Created {
            // Another process that still reads them finds them gone, and reads the table instead.
            for run in self.merged.drain(..) {
                lake.delete(&run).await?;
            }
            if self.manifest > 0 {
                lake.delete(&seen_manifest_key(&self.table, self.manifest)).await?;
            }
            (self.manifest, self.is_kept) = (number, true);
        }
        Ok(())
    }

    fn new_key(&self) -> Path {
        seen_run_key(&self.table, &uuid::Uuid::new_v4().simple().to_string())
    }
}

/// The runs that a manifest names; none if it is gone or damaged.
async fn runs_of(lake: &Lake, table: &Path, number: u64) -> Result<Vec<Path>> {
    let named: Option<Manifest> = match lake.read(&seen_manifest_key(table, number)).await {
        Ok(text) => serde_json::from_slice(&text).ok(),
        Err(error) if error.is_not_found() => None,
        Err(error) => return Err(error.into()),
    };
    Ok(named.into_iter().flat_map(|manifest| manifest.runs).map(Path::from).collect())
}

fn number_of(key: &Path) -> Option<u64> {
    key.filename()?.strip_prefix("manifest-")?.strip_suffix(".json")?.parse().ok()
}
