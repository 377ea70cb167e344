//! Maintain: keeps a lake that grows by small commits quick to read, beside any number of writers, readers and others
//! who do the same.
//!
//! Three things, each in steps of which every one can be the last: small files become well-sized ones ([`compact`]); what
//! no state of the retention needs is removed from the tables' logs, and the data files with it ([`expire`]); the settings
//! of older tables become those of new ones. Nothing here waits for anybody, and nobody waits for it.

mod compact;
mod digest;
mod expire;
mod group;
mod merged_documents;
mod plan;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::{Duration, Instant};

use storage::{Lake, error_table, staging_table};

use crate::delta::{Table, Writer};
use crate::{Error, Result, replay};

/// What maintenance aims at. One pass may leave out a part: the first is worth doing every minute, the second every hour.
#[derive(Clone, Debug)]
pub struct Maintenance {
    /// Whether small data files are made larger ones.
    pub compacts: bool,
    /// Whether what is older than the retention is removed.
    pub expires: bool,
    /// A data file of so many bytes is large enough.
    pub file_bytes: u64,
    /// So is one of so many rows.
    pub file_rows: u64,
    /// Files of like size that become one, at least; each row is written anew once for every power of it. 2 or more.
    pub least_files: usize,
    /// How long each state of the tables can be asked for.
    pub retention: Duration,
}

impl Default for Maintenance {
    fn default() -> Self {
        Self {
            compacts: true,
            expires: true,
            file_bytes: 64 << 20,
            file_rows: 100_000,
            least_files: 10,
            retention: Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}

/// What a pass did, for people and for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Maintained {
    /// In the table of messages.
    pub staging: Compacted,
    /// In the table of errors.
    pub errors: Compacted,
    /// In both.
    pub expired: Expired,
    /// Whether it was put off because a replay is under way.
    pub waits_for_replay: bool,
}

/// What became of the data files of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Compacted {
    /// Data files of the table when the pass began.
    pub files_before: u64,
    /// When it ended.
    pub files_after: u64,
    /// Files that were put into others.
    pub merged_files: u64,
    /// Bytes of those.
    pub merged_bytes: u64,
    /// Files that hold their rows now.
    pub written_files: u64,
    /// Bytes of those.
    pub written_bytes: u64,
    /// Rows that were written anew.
    pub rows: u64,
    /// Groups of files that someone else replaced meanwhile; what was made of them is left for sweep.
    pub overtaken: u64,
    /// Files that could not be read and were left as they are; verify names them.
    pub unreadable: u64,
}

/// What was removed because no state within the retention needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Expired {
    /// Commits of the logs.
    pub commits: u64,
    /// Checkpoints of the logs.
    pub checkpoints: u64,
    /// Data files that were replaced.
    pub data_files: u64,
    /// Documents of theirs, and lists of such.
    pub documents: u64,
    /// Bytes of all that.
    pub bytes: u64,
}

/// A step of a pass, when it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaintenanceStep {
    /// What it does: `compact staging`, `compact errors` or `expire`.
    pub name: &'static str,
    /// How long it took.
    pub took: Duration,
    /// Whether something stood in its way.
    pub has_failed: bool,
}

impl fmt::Display for Maintained {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { staging, errors, expired, waits_for_replay } = self;
        let sum = |of: fn(&Compacted) -> u64| of(staging) + of(errors);
        write!(
            formatter,
            "files_before={} files_after={} merged={} written={} rows={} overtaken={} unreadable={} ",
            sum(|table| table.files_before),
            sum(|table| table.files_after),
            sum(|table| table.merged_files),
            sum(|table| table.written_files),
            sum(|table| table.rows),
            sum(|table| table.overtaken),
            sum(|table| table.unreadable),
        )?;
        let Expired { commits, checkpoints, data_files, documents, bytes } = expired;
        write!(
            formatter,
            "commits_removed={commits} checkpoints_removed={checkpoints} data_files_removed={data_files} \
             documents_removed={documents} bytes_removed={bytes} waits_for_replay={waits_for_replay}"
        )
    }
}

/// Does once all that is due.
///
/// It may be interrupted at any moment, and any number may do this at the same time: a later pass goes on from there. While a
/// replay is under way nothing is done, for the replay would have to begin anew.
pub async fn maintain(lake: &Lake, settings: &Maintenance) -> Result<Maintained> {
    maintain_and_tell(lake, settings, drop).await
}

/// The same, and tells of each step when it has ended.
pub async fn maintain_and_tell(
    lake: &Lake,
    settings: &Maintenance,
    tell: impl Fn(MaintenanceStep),
) -> Result<Maintained> {
    let mut maintained = Maintained::default();
    if replay::is_under_way(lake).await? {
        maintained.waits_for_replay = true;
        return Ok(maintained);
    }
    let mut failure: Option<Error> = None;
    let mut writers = Vec::new();
    for folder in [staging_table(), error_table()] {
        let mut writer = Writer::open(Table::at(lake, folder)?).await?;
        writer.configure().await?;
        writers.push(writer);
    }
    if settings.compacts {
        let tables =
            [("compact staging", &mut maintained.staging), ("compact errors", &mut maintained.errors)];
        for (writer, (name, compacted)) in writers.iter_mut().zip(tables) {
            let began = Instant::now();
            let done = compact::compact(lake, writer, settings, compacted).await;
            tell(MaintenanceStep { name, took: began.elapsed(), has_failed: done.is_err() });
            // What stands in the way of one does not keep the rest from being done.
            if let Err(error) = done {
                failure.get_or_insert(error);
            }
        }
    }
    if settings.expires {
        let tables = writers.iter().map(Writer::table);
        let began = Instant::now();
        let done = expire::expire(lake, tables, settings.retention, &mut maintained.expired).await;
        tell(MaintenanceStep { name: "expire", took: began.elapsed(), has_failed: done.is_err() });
        if let Err(error) = done {
            failure.get_or_insert(error);
        }
    }
    failure.map_or(Ok(maintained), Err)
}
