//! Which commit brought a data file into a table.

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::Value;

use super::{Table, actions};
use crate::{Error, Result};

/// Commits that are read, at most: it is the first that was written after the file, unless others were faster.
const READ: usize = 64;
/// Milliseconds by which the times of two objects of a store may be out of order.
const SLACK: i64 = 2_000;

/// A commit, as its first line tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommitInfo {
    pub(crate) version: u64,
    /// Milliseconds since 1970, UTC.
    pub(crate) at: i64,
    /// What Delta calls what was done.
    pub(crate) operation: String,
}

impl Table {
    /// The commit that brought a file in; `None` if the log does not reach back so far.
    pub(crate) async fn brought_in(&self, file: &Path) -> Result<Option<CommitInfo>> {
        let since = match self.lake.store().head(file).await {
            Ok(object) => object.last_modified.timestamp_millis() - SLACK,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(Error::Listing { reason: error.to_string() }),
        };
        for version in self.versions_since(since).await?.into_iter().take(READ) {
            let Some(commit) = self.commit(version).await? else { continue };
            if actions::read(&commit)?.added.iter().any(|path| self.key_of(path) == *file) {
                return Ok(info(version, &commit));
            }
        }
        Ok(None)
    }

    /// The versions whose commits were written since a moment, in order.
    async fn versions_since(&self, since: i64) -> Result<Vec<u64>> {
        let folder = self.folder.clone().join("_delta_log");
        let mut objects = self.lake.store().list(Some(&folder));
        let mut versions = Vec::new();
        while let Some(object) =
            objects.try_next().await.map_err(|error| Error::Listing { reason: error.to_string() })?
        {
            let name = object.location.filename().and_then(|name| name.strip_suffix(".json"));
            let version = name.filter(|name| name.len() == 20).and_then(|name| name.parse::<u64>().ok());
            versions.extend(version.filter(|_| object.last_modified.timestamp_millis() >= since));
        }
        versions.sort_unstable();
        Ok(versions)
    }
}

fn info(version: u64, commit: &[u8]) -> Option<CommitInfo> {
    let lines = serde_json::Deserializer::from_slice(commit).into_iter::<Value>();
    let info = lines.filter_map(|line| line.ok()).find_map(|line| line.get("commitInfo").cloned())?;
    Some(CommitInfo {
        version,
        at: info["timestamp"].as_i64()?,
        operation: info["operation"].as_str()?.to_owned(),
    })
}
