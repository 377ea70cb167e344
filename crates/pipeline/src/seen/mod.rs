//! Which messages a table holds, and in which of its data files: the one place that decides what is a duplicate,
//! and that knows which control IDs a sender has used.
//!
//! Exact for the lake's whole life and bounded in memory: most ids lie in sorted runs in the private zone, of which
//! only filters are in memory. Everything is taken from the table and can be made again from it: what no run
//! covers is read from the table's files, and an entry counts only while its data file is in the table.

mod filter;
mod known;
#[cfg(test)]
mod large;
mod sorted_run;
mod store;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use object_store::path::Path;
use storage::Lake;

use crate::delta::Table;
use crate::{Error, MessageId, Result};
pub(crate) use known::{Known, ids_in};
use sorted_run::Entry;
use store::Runs;

/// Entries that are held in memory before they are written as a run; a message has two.
const IN_MEMORY: usize = 400_000;

/// How a claim ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The id is the caller's now.
    New,
    /// The table has it.
    Held,
    /// This run has taken it before, and it is not in the table yet.
    Underway,
}

/// The ids in a table, and those that this run is about to add.
#[derive(Debug)]
pub(crate) struct Seen {
    lake: Lake,
    runs: Runs,
    /// Data files by their numbers, which entries in memory have.
    files: Vec<Path>,
    numbers: HashMap<Path, u32>,
    /// Entries that no run has yet.
    recent: HashMap<MessageId, u32>,
    /// Taken by this run, and not in the table yet.
    claimed: HashSet<MessageId>,
    /// Data files that others added, and whose ids are still to be read.
    unread: Vec<Path>,
    /// Data files that others took out. Their ids count until those that came in with that are read: the same rows may
    /// be in both.
    leaving: HashSet<Path>,
    in_memory: usize,
}

impl Seen {
    /// The ids of a table as it stands now.
    pub(crate) async fn open(lake: &Lake, table: &Table) -> Result<Self> {
        let files = table.files().await?;
        Self::over(lake, table.folder(), &files, IN_MEMORY).await
    }

    /// The ids in the data files of a table.
    async fn over(lake: &Lake, table: &Path, files: &[Path], in_memory: usize) -> Result<Self> {
        let runs = Runs::open(lake, table, files).await?;
        let covered: HashSet<&Path> = runs.files().collect();
        let missing: Vec<Path> = files.iter().filter(|file| !covered.contains(file)).cloned().collect();
        let mut seen = Self {
            lake: lake.clone(),
            runs,
            files: Vec::new(),
            numbers: HashMap::new(),
            recent: HashMap::new(),
            claimed: HashSet::new(),
            unread: Vec::new(),
            leaving: HashSet::new(),
            in_memory,
        };
        for file in missing {
            let known = Known::read(lake, &file).await?;
            seen.added(&file, &known).await?;
        }
        Ok(seen)
    }

    /// Takes ids for the caller.
    pub(crate) async fn claim_all(&mut self, ids: &[MessageId]) -> Result<Vec<Claim>> {
        let held = self.hold_all(ids).await?;
        let claims = ids.iter().zip(held).map(|(id, held)| match (held, held || self.claimed.insert(*id)) {
            (true, _) => Claim::Held,
            (false, true) => Claim::New,
            (false, false) => Claim::Underway,
        });
        Ok(claims.collect())
    }

    /// Gives an id back that the caller will not add after all.
    pub(crate) fn release(&mut self, id: MessageId) {
        self.claimed.remove(&id);
    }

    /// Which of the ids are in the table.
    pub(crate) async fn hold_all(&mut self, ids: &[MessageId]) -> Result<Vec<bool>> {
        self.catch_up().await?;
        let mut sorted: Vec<MessageId> =
            ids.iter().filter(|id| !self.recent.contains_key(*id)).copied().collect();
        sorted.sort_unstable();
        sorted.dedup();
        let in_runs: HashSet<MessageId> = match self.runs.look_up(&self.lake, &sorted).await {
            Ok(found) => found.into_iter().map(|(id, _)| id).collect(),
            Err(error) => {
                self.make_again(&error).await?;
                return Ok(ids.iter().map(|id| self.recent.contains_key(id)).collect());
            }
        };
        Ok(ids.iter().map(|id| self.recent.contains_key(id) || in_runs.contains(id)).collect())
    }

    /// The data file that holds an id.
    pub(crate) async fn find(&mut self, id: MessageId) -> Result<Option<Path>> {
        self.catch_up().await?;
        if let Some(number) = self.recent.get(&id) {
            return Ok(self.files.get(*number as usize).cloned());
        }
        match self.runs.look_up(&self.lake, &[id]).await {
            Ok(found) => Ok(found.into_iter().next().map(|(_, file)| file)),
            Err(error) => {
                self.make_again(&error).await?;
                let number = self.recent.get(&id);
                Ok(number.and_then(|number| self.files.get(*number as usize).cloned()))
            }
        }
    }

    /// Takes note of what others did to the table. [`Seen::catch_up`] reads it, or whatever is asked next.
    pub(crate) fn follow(&mut self, added: Vec<Path>, removed: HashSet<Path>) {
        self.unread.retain(|file| !removed.contains(file));
        self.unread.extend(added.into_iter().filter(|file| !removed.contains(file)));
        self.leaving.extend(removed);
    }

    /// Reads the ids in files that others added; gives them back, whether or not they were known.
    ///
    /// If it fails, it goes on from there the next time: no id that was ever known is forgotten in between.
    pub(crate) async fn catch_up(&mut self) -> Result<HashSet<MessageId>> {
        let mut learned = HashSet::new();
        while let Some(file) = self.unread.last() {
            let file = file.clone();
            let known = Known::read(&self.lake, &file).await?;
            self.unread.pop();
            self.added(&file, &known).await?;
            learned.extend(known.ids);
        }
        if !self.leaving.is_empty() {
            let leaving = std::mem::take(&mut self.leaving);
            self.removed(&leaving);
        }
        Ok(learned)
    }

    /// How many of the rows, which are not in the table yet, have a control ID that a message of their sender before
    /// them has.
    pub(crate) async fn reused(&mut self, rows: &Known) -> Result<u64> {
        let held = self.hold_all(&rows.control_ids).await?;
        let mut met = HashSet::with_capacity(held.len());
        let is_reused = |(id, held): &(&MessageId, bool)| !met.insert(**id) || *held;
        Ok(rows.control_ids.iter().zip(held).filter(is_reused).count() as u64)
    }

    /// A data file that has become part of the table, and what is known of its rows.
    pub(crate) async fn added(&mut self, file: &Path, rows: &Known) -> Result<()> {
        let number = match self.numbers.get(file) {
            Some(number) => *number,
            None => {
                let number =
                    u32::try_from(self.files.len()).map_err(|_| Error::Internal("too many files".into()))?;
                self.files.push(file.clone());
                self.numbers.insert(file.clone(), number);
                number
            }
        };
        for id in &rows.ids {
            self.claimed.remove(id);
        }
        self.recent.extend(rows.ids.iter().chain(&rows.control_ids).map(|id| (*id, number)));
        if self.recent.len() >= self.in_memory { self.write_run().await } else { Ok(()) }
    }

    /// Data files that are part of the table no more.
    fn removed(&mut self, files: &HashSet<Path>) {
        let numbers: HashSet<u32> = files.iter().filter_map(|file| self.numbers.get(file)).copied().collect();
        if !numbers.is_empty() {
            self.recent.retain(|_, entry| !numbers.contains(entry));
        }
        self.runs.removed(files);
    }

    /// Keeps what was learned for the next one who opens the table, if it is worth a run.
    pub(crate) async fn keep(&mut self) -> Result<()> {
        const WORTH_A_RUN: usize = 50_000;
        const FILES_WORTH_A_RUN: usize = 200;
        if self.recent.len() >= WORTH_A_RUN.min(self.in_memory) || self.files.len() >= FILES_WORTH_A_RUN {
            self.write_run().await?;
        }
        self.runs.keep(&self.lake).await
    }

    async fn write_run(&mut self) -> Result<()> {
        let mut entries: Vec<Entry> = self.recent.iter().map(|(id, file)| (*id, *file)).collect();
        entries.sort_unstable();
        self.runs.add(&self.lake, self.files.clone(), entries).await?;
        self.recent.clear();
        self.files.clear();
        self.numbers.clear();
        Ok(())
    }

    /// Without the runs: a run is damaged, or another writer has merged it away. Reads all of the table's files.
    async fn make_again(&mut self, error: &Error) -> Result<()> {
        if !matches!(error, Error::DamagedRun { .. }) && !is_gone(error) {
            return Err(Error::Internal(format!("the runs of seen ids: {error}")));
        }
        self.unread.extend(self.runs.forget());
        self.in_memory = usize::MAX;
        self.catch_up().await.map(drop)
    }
}

fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Storage(error) if error.is_not_found())
}
