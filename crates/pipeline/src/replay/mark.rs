//! The mark of a replay that is going on: files that it is about to replace are not to be replaced under it.

use bytes::Bytes;
use object_store::path::Path;
use storage::{Lake, replaying_key, replaying_prefix};

use crate::{Result, time};

/// How long a mark counts. One that was killed leaves it, and only its age tells; one that goes on for longer may have
/// to begin anew.
const PATIENCE_MICROSECONDS: i64 = 6 * 60 * 60 * 1_000_000;

pub(super) struct Mark {
    key: Path,
}

impl Mark {
    pub(super) async fn put(lake: &Lake) -> Result<Self> {
        let unique = uuid::Uuid::new_v4().simple();
        let key = replaying_key(&format!("{:016x}-{unique}", time::now().max(0)));
        lake.put_new(&key, Bytes::from_static(b"\n")).await?;
        Ok(Self { key })
    }

    pub(super) async fn remove(self, lake: &Lake) {
        // If that fails, its age ends it.
        let _ = lake.delete(&self.key).await;
    }
}

/// Whether someone replays. Marks that no longer count are removed.
pub(crate) async fn is_under_way(lake: &Lake) -> Result<bool> {
    let mut is_under_way = false;
    for mark in lake.list(&replaying_prefix()).await? {
        let digits = mark.key.filename().and_then(|name| name.split('-').next());
        let since = digits.and_then(|digits| i64::from_str_radix(digits, 16).ok());
        if since.is_some_and(|since| since > time::now() - PATIENCE_MICROSECONDS) {
            is_under_way = true;
        } else {
            lake.delete(&mark.key).await?;
        }
    }
    Ok(is_under_way)
}
