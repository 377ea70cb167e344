//! Compaction: small files of a table become well-sized ones, group by group, each in one commit that changes no row.
//!
//! Whoever reads the table sees a group before or after. Other writers learn from the commit which files went and which came,
//! as they do of a replay's.

use std::collections::HashSet;

use object_store::path::Path;
use storage::Lake;

use super::group::{self, Failure};
use super::{Compacted, Maintenance, plan};
use crate::delta::{Attempt, DataFile, ListedFile, Writer};
use crate::{Result, replay};

/// Unreadable files after which a pass ends: then it is more than a file that is damaged.
const MOST_UNREADABLE: usize = 8;

/// Puts files together until none are due any more.
pub(super) async fn compact(
    lake: &Lake,
    writer: &mut Writer,
    settings: &Maintenance,
    compacted: &mut Compacted,
) -> Result<()> {
    let mut unreadable: HashSet<Path> = HashSet::new();
    let mut is_first = true;
    loop {
        let (_, mut files) = writer.table().listed().await?;
        compacted.files_after = files.len() as u64;
        if std::mem::take(&mut is_first) {
            compacted.files_before = compacted.files_after;
        }
        files.retain(|file| !unreadable.contains(&file.key));
        let mut goes_on = false;
        for group in plan::due(files, settings) {
            if unreadable.len() >= MOST_UNREADABLE || replay::is_under_way(lake).await? {
                return Ok(());
            }
            match group::write(lake, writer.table(), &group).await {
                Ok(written) => goes_on |= swap(writer, &group, &written.file, compacted).await?,
                Err(Failure::Unreadable(key)) => {
                    compacted.unreadable += 1;
                    goes_on |= unreadable.insert(key);
                }
                Err(Failure::Other(error)) => return Err(error),
            }
        }
        if !goes_on {
            return Ok(());
        }
    }
}

/// Puts the file in the place of the group, unless someone has taken one of them away: then what was written stays behind,
/// named by no commit.
async fn swap(
    writer: &mut Writer,
    group: &[ListedFile],
    file: &DataFile,
    compacted: &mut Compacted,
) -> Result<bool> {
    loop {
        if group.iter().any(|file| writer.has_removed(&file.key)) {
            compacted.overtaken += 1;
            return Ok(false);
        }
        if let Attempt::Done = writer.try_compact(group, std::slice::from_ref(file)).await? {
            break;
        }
    }
    compacted.merged_files += group.len() as u64;
    compacted.merged_bytes += group.iter().map(|file| file.size).sum::<u64>();
    compacted.written_files += 1;
    compacted.written_bytes += file.size as u64;
    compacted.rows += group.iter().filter_map(|file| file.rows).sum::<u64>();
    Ok(true)
}
