//! What one look at the lake's tokens saw.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use pipeline::{Lake, token_key, tokens_prefix};

use super::{Listed, is_within};
use crate::auth::token::is_id;
use crate::auth::{Record, Result};

/// Records read at the same time.
const READS: usize = 8;

/// The tokens as they were at the last look that succeeded.
#[derive(Clone, Default)]
pub(super) struct Known {
    /// By id; `None` is a record that cannot be read, which is not tried again.
    records: HashMap<String, Option<Arc<Record>>>,
    revoked: HashSet<String>,
    seen: Option<Instant>,
    tried: Option<Instant>,
}

impl Known {
    pub(super) fn find(&self, id: &str) -> Option<Listed> {
        let record = self.records.get(id)?.clone()?;
        Some(Listed { record, is_revoked: self.revoked.contains(id) })
    }

    pub(super) fn listed(&self) -> impl Iterator<Item = Listed> {
        self.records.keys().filter_map(|id| self.find(id))
    }

    pub(super) fn was_seen_within(&self, span: Duration) -> bool {
        is_within(self.seen, span)
    }

    pub(super) fn was_tried_within(&self, span: Duration) -> bool {
        is_within(self.tried, span)
    }

    /// The same after a look that failed.
    pub(super) fn tried(&self) -> Self {
        Self { tried: Some(Instant::now()), ..self.clone() }
    }

    /// The same, to be looked at again.
    pub(super) fn due(&self) -> Self {
        Self { tried: None, ..self.clone() }
    }

    /// What there is now: one listing, and the records that are new.
    pub(super) async fn next(&self, lake: &Lake) -> Result<Self> {
        let begun = Instant::now();
        let objects = lake.list(&tokens_prefix()).await.map_err(pipeline::Error::from)?;
        let (mut ids, mut revoked) = (Vec::new(), HashSet::new());
        for object in &objects {
            match object.key.filename().and_then(|name| name.split_once('.')) {
                Some((id, "json")) if is_id(id) => ids.push(id.to_owned()),
                Some((id, "revoked")) if is_id(id) => _ = revoked.insert(id.to_owned()),
                _ => {}
            }
        }
        let records = stream::iter(ids).map(async |id| {
            let record = match self.records.get(&id) {
                Some(record) => record.clone(),
                None => read(lake, &id).await?,
            };
            Ok::<_, pipeline::Error>((id, record))
        });
        let records = records.buffer_unordered(READS).try_collect().await?;
        Ok(Self { records, revoked, seen: Some(begun), tried: Some(begun) })
    }
}

/// A record; `None` if it is damaged, and so lets nobody in.
async fn read(lake: &Lake, id: &str) -> Result<Option<Arc<Record>>, pipeline::Error> {
    let key = token_key(id);
    let bytes = lake.read(&key).await?;
    match serde_json::from_slice::<Record>(&bytes).ok().filter(|record| record.id == id) {
        Some(record) => Ok(Some(Arc::new(record))),
        None => {
            tracing::warn!(%key, "a token's record is damaged and lets nobody in; revoke it and make another");
            Ok(None)
        }
    }
}
