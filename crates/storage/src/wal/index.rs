//! Where in the segments the bytes of raw objects lie that are not sealed yet.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use object_store::path::Path;

use super::segment::Records;
use super::segment_of;
use crate::keys::log_segment_key;
use crate::{Lake, Result};

/// Segments whose index is kept.
const KEPT: usize = 8;

/// What is known of the segments that were read from.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    known: Mutex<BTreeMap<String, Arc<Index>>>,
}

/// A segment up to a position.
#[derive(Clone, Debug, Default)]
struct Index {
    position: u64,
    /// By raw key: offset in the raw object, length, and position in the segment.
    places: HashMap<String, BTreeMap<u64, (u64, u64)>>,
}

impl Indexes {
    pub(super) fn forget(&self, name: &str) {
        self.known().remove(name);
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Index>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lake {
    pub(crate) fn forget_segment(&self, name: &str) {
        self.indexes().forget(name);
    }

    /// A range of the bytes of a raw object that is not sealed yet.
    ///
    /// # Errors
    /// Not found, when there is no such segment: it may have been sealed by now.
    pub(crate) async fn read_unsealed(&self, raw_key: &Path, range: Range<u64>) -> Result<Option<Bytes>> {
        let Some(name) = segment_of(raw_key) else { return Ok(None) };
        let known = self.indexes().known().get(name).cloned();
        if let Some(index) = &known
            && let Some(places) = index.find(raw_key, &range)
        {
            return self.read_places(name, &places).await.map(Some);
        }
        let mut index = known.map_or_else(Index::default, |index| (*index).clone());
        let from = index.position;
        let mut records = Records::open(self, name, from).await?;
        while let Some((record, bytes_at)) = records.next().await? {
            let places = index.places.entry(record.key).or_default();
            places.insert(record.offset, (record.bytes.len() as u64, bytes_at));
        }
        index.position = records.position;
        let places = index.find(raw_key, &range);
        {
            let mut known = self.indexes().known();
            known.insert(name.to_owned(), Arc::new(index));
            while known.len() > KEPT {
                known.pop_first();
            }
        }
        match places {
            Some(places) => self.read_places(name, &places).await.map(Some),
            None => Ok(None),
        }
    }

    async fn read_places(&self, name: &str, places: &[Range<u64>]) -> Result<Bytes> {
        let key = log_segment_key(name);
        if let [place] = places {
            return self.read_range(&key, place.clone()).await;
        }
        let mut bytes = BytesMut::new();
        for part in self.read_ranges(&key, places).await? {
            bytes.extend_from_slice(&part);
        }
        Ok(bytes.freeze())
    }
}

impl Index {
    /// The places in the segment that hold a range of a raw object, if all of it is known.
    fn find(&self, raw_key: &Path, range: &Range<u64>) -> Option<Vec<Range<u64>>> {
        let places = self.places.get(raw_key.as_ref())?;
        let mut found = Vec::new();
        let mut wanted = range.start;
        while wanted < range.end {
            let (offset, (length, position)) = places.range(..=wanted).next_back()?;
            let end = (offset + length).min(range.end);
            if end <= wanted {
                return None;
            }
            found.push(position + (wanted - offset)..position + (end - offset));
            wanted = end;
        }
        Some(found)
    }
}
