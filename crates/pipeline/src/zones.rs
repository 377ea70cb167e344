//! Looking through a zone: its objects, sorted by key, page by page.

use std::collections::BinaryHeap;

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use serde::Serialize;
use storage::Lake;

use crate::{Error, Result, time};

/// A part of a lake with rules of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Bytes as received, and receipts.
    Raw,
    /// Converted messages.
    Staging,
    /// What could not be converted.
    Error,
    /// Tables derived from staging.
    Refined,
    /// Who saw or changed what.
    Audit,
}

impl Zone {
    /// Every zone that can be looked through.
    pub const ALL: [Self; 5] = [Self::Raw, Self::Staging, Self::Error, Self::Refined, Self::Audit];

    /// Its name, which is that of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Staging => "staging",
            Self::Error => "error",
            Self::Refined => "refined",
            Self::Audit => "audit",
        }
    }

    /// The zone of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|zone| zone.name() == name)
    }
}

/// One object of a zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ZoneObject {
    /// Its key in the lake.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, as RFC 3339 text.
    pub written_at: String,
}

/// Some objects of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ZonePage {
    /// Sorted by key.
    pub objects: Vec<ZoneObject>,
    /// The key behind which the next page begins; `None` if this is the last.
    pub next: Option<String>,
}

/// The first objects of a zone whose keys go on with `prefix` behind the zone's name and come behind the key `after`.
///
/// Memory grows with `limit` alone, however many objects there are.
pub async fn zone_page(
    lake: &Lake,
    zone: Zone,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<ZonePage> {
    let start = format!("{}/{prefix}", zone.name());
    let folder = start.rsplit_once('/').map_or(zone.name(), |(folder, _)| folder);
    // No key has what cannot be parsed.
    let Ok(folder) = Path::parse(folder) else { return Ok(ZonePage { objects: Vec::new(), next: None }) };
    let store = lake.store();
    let mut listing = match after.and_then(|after| Path::parse(after).ok()) {
        Some(offset) => store.list_with_offset(Some(&folder), &offset),
        None => store.list(Some(&folder)),
    }
    .map(|meta| meta.map_err(|error| Error::Listing { reason: error.to_string() }));
    // The greatest of those kept is on top: it gives way to a smaller one.
    let mut first = BinaryHeap::new();
    while let Some(meta) = listing.try_next().await? {
        let key = meta.location.to_string();
        if !key.starts_with(&start) || after.is_some_and(|after| key.as_str() <= after) {
            continue;
        }
        let written_at = time::rfc3339_milliseconds(meta.last_modified.timestamp_millis());
        first.push(ZoneObject { key, size: meta.size, written_at });
        if first.len() > limit + 1 {
            first.pop();
        }
    }
    let mut objects = first.into_sorted_vec();
    let is_last = objects.len() <= limit;
    objects.truncate(limit);
    let next = if is_last { None } else { objects.last().map(|object| object.key.clone()) };
    Ok(ZonePage { objects, next })
}

#[cfg(test)]
mod tests {
    use storage::Location;

    use super::*;

    #[tokio::test]
    async fn a_zone_is_paged_through_in_order() {
        let lake = Lake::at(Location::memory().unwrap());
        for key in ["raw/lab/b", "raw/lab/a", "raw/labor/c", "raw/x", "error/raw", "_carelake/format"] {
            lake.put_new(&Path::from(key), "12".into()).await.unwrap();
        }
        let page = async |prefix: &str, after: Option<&str>, limit| {
            let page = zone_page(&lake, Zone::Raw, prefix, after, limit).await.unwrap();
            (page.objects.into_iter().map(|object| object.key).collect::<Vec<_>>(), page.next)
        };
        let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        assert_eq!(page("", None, 9).await.0, owned(&["raw/lab/a", "raw/lab/b", "raw/labor/c", "raw/x"]));
        let (keys, next) = page("", None, 2).await;
        assert_eq!((keys, next.as_deref()), (owned(&["raw/lab/a", "raw/lab/b"]), Some("raw/lab/b")));
        assert_eq!(page("", next.as_deref(), 2).await, (owned(&["raw/labor/c", "raw/x"]), None));
        assert_eq!(page("lab/", None, 9).await.0, owned(&["raw/lab/a", "raw/lab/b"]));
        assert_eq!(page("lab", None, 9).await.0.len(), 3);
        assert_eq!(page("../error/", None, 9).await, (Vec::new(), None));
    }
}
