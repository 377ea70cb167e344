//! The mark of a replay that is going on: files that it is about to replace are not to be replaced under it.

use bytes::Bytes;
use object_store::path::Path;
use storage::{Lake, Lock, replaying_key, replaying_prefix};

use crate::{Result, time};

/// How long a mark counts where there are no locks to tell the living from the dead: one that was killed leaves it, and one
/// that goes on for longer may have to begin anew.
const PATIENCE_MICROSECONDS: i64 = 6 * 60 * 60 * 1_000_000;

pub(super) struct Mark {
    key: Path,
    /// Held as long as the replay lives. What it writes is not swept.
    lock: Lock,
}

impl Mark {
    pub(super) async fn put(lake: &Lake) -> Result<Self> {
        let unique = uuid::Uuid::new_v4().simple();
        let lock = lake.lock(&unique.to_string())?;
        let key = replaying_key(&format!("{:016x}-{unique}", time::now().max(0)));
        lake.put_new(&key, Bytes::from_static(b"\n")).await?;
        Ok(Self { key, lock })
    }

    pub(super) async fn remove(self, lake: &Lake) {
        // If that fails, it ends with the lock.
        let _ = lake.delete(&self.key).await;
        self.lock.release();
    }
}

/// Whether someone replays. Marks that no longer count are removed.
pub(crate) async fn is_under_way(lake: &Lake) -> Result<bool> {
    let mut is_under_way = false;
    let marks = lake.list(&replaying_prefix()).await?;
    if marks.is_empty() {
        return Ok(false);
    }
    let living = lake.folder().map(|_| lake.seize_abandoned()).transpose()?.map(|locks| locks.living);
    for mark in marks {
        let (digits, lock) = mark.key.filename().and_then(|name| name.split_once('-')).unwrap_or_default();
        let counts = match &living {
            Some(living) => living.iter().any(|name| name == lock),
            None => {
                i64::from_str_radix(digits, 16).is_ok_and(|since| since > time::now() - PATIENCE_MICROSECONDS)
            }
        };
        if counts {
            is_under_way = true;
        } else {
            lake.delete(&mark.key).await?;
        }
    }
    Ok(is_under_way)
}
