//! An opened lake: read, list and put-once by key.

use std::fmt;
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{Error as StoreError, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use url::Url;

use crate::wal::Indexes;
use crate::{Disk, Error, Location, Result, Upload, marker_key};

/// The newest lake format this program reads, and the one it writes.
pub const FORMAT_VERSION: u32 = 1;

/// Bytes read at once of an object that is read from its beginning to its end.
const CHUNK: usize = 2 << 20;

/// A lake's storage. Cheap to clone; all keys are relative to the lake.
#[derive(Clone)]
pub struct Lake {
    location: Location,
    store: Arc<dyn ObjectStore>,
    /// Where in the write-ahead log the bytes of raw objects lie that are not sealed yet.
    indexes: Arc<Indexes>,
}

/// What became of a put-once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The object is new and durable.
    Created,
    /// An object of this key was there before and was left as it is.
    Existed,
}

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key in the lake.
    pub key: Path,
    /// Its size in bytes.
    pub size: u64,
}

impl fmt::Debug for Lake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lake").field("location", &self.location.shown).finish_non_exhaustive()
    }
}

impl Lake {
    /// A lake's storage without asking whether there is a lake: for making one, and for tests.
    pub fn at(location: Location) -> Self {
        let store = Arc::new(PrefixStore::new(location.store.clone(), location.prefix.clone()));
        Self { location, store, indexes: Arc::default() }
    }

    /// Opens a lake that [`Lake::mark`] once made one.
    pub async fn open(location: Location) -> Result<Self> {
        let lake = Self::at(location);
        let marker = match lake.read(&marker_key()).await {
            Ok(marker) => marker,
            Err(error) if error.is_not_found() => {
                return Err(Error::NoLake { location: lake.location.shown.clone() });
            }
            Err(error) => return Err(error),
        };
        let damaged = || Error::DamagedMarker { key: marker_key().to_string() };
        let text = std::str::from_utf8(&marker).map_err(|_| damaged())?;
        let found: u32 = text.trim().parse().map_err(|_| damaged())?;
        if found > FORMAT_VERSION {
            return Err(Error::NewerFormat { found, supported: FORMAT_VERSION });
        }
        Ok(lake)
    }

    /// Declares that this is a lake: the last step of making one.
    pub async fn mark(&self) -> Result<Put> {
        self.put_new(&marker_key(), format!("{FORMAT_VERSION}\n").into()).await
    }

    /// The address as people write it.
    pub fn shown(&self) -> &str {
        &self.location.shown
    }

    /// The lake's folder, if it lies on this machine's disk.
    pub fn folder(&self) -> Option<&FilePath> {
        self.location.folder.as_deref()
    }

    /// Makes the lake's folder, if it is to lie on this machine's disk, and sees that it can be written to.
    ///
    /// # Errors
    /// [`Error::Folder`]
    pub fn make_folder(&self) -> Result<()> {
        let Some(folder) = self.folder() else { return Ok(()) };
        let marks = marker_key();
        let marks = marks.as_ref().split('/').next().unwrap_or_default();
        std::fs::create_dir_all(folder.join(marks))
            .map_err(|source| Error::Folder { location: self.shown().into(), source })
    }

    /// Bytes that are free on the disk of the lake's folder; `None` if that is not known.
    pub fn free_bytes(&self) -> Option<u64> {
        let found = rustix::fs::statvfs(self.folder()?).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// Microseconds since 1970, UTC, by the lake's clock, which may be set back.
    pub fn now(&self) -> i64 {
        self.location.clock.now()
    }

    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        self.location.disk.clone()
    }

    pub(crate) fn indexes(&self) -> &Indexes {
        &self.indexes
    }

    /// The URL of a folder in the lake, ending with a slash.
    pub fn url(&self, folder: &Path) -> Result<Url> {
        self.location.url.join(&format!("{folder}/")).map_err(|error| Error::Location {
            location: self.location.shown.clone(),
            reason: error.to_string(),
        })
    }

    /// The store from its root, which the paths of [`Lake::url`] are relative to.
    pub fn root_store(&self) -> Arc<dyn ObjectStore> {
        self.location.store.clone()
    }

    /// The store with the lake's prefix applied: its keys are this lake's keys.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        self.store.clone()
    }

    /// Writes an object unless its key is taken; durable when it returns.
    pub async fn put_new(&self, key: &Path, bytes: Bytes) -> Result<Put> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(key, bytes.into(), options).await {
            Ok(_) => Ok(Put::Created),
            Err(StoreError::AlreadyExists { .. }) => Ok(Put::Existed),
            Err(error) => Err(Error::store("write", key, error)),
        }
    }

    /// Makes the name of an object durable that is there: on a disk a name may be seen before it is.
    pub async fn sync_name(&self, key: &Path) -> Result<()> {
        let Some(folder) = self.folder() else { return Ok(()) };
        let (path, disk) = (folder.join(key.as_ref()), self.disk());
        let synced = tokio::task::spawn_blocking(move || disk.sync_folder(path.parent().unwrap_or(&path)));
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| {
            Error::store("write", key, StoreError::Generic { store: "disk", source })
        };
        match synced.await {
            Ok(synced) => synced.map_err(|error| failed(error.into())),
            Err(error) => Err(failed(error.into())),
        }
    }

    /// Begins an object whose key is known only when all of it has passed by.
    pub async fn upload(&self) -> Result<Upload> {
        Upload::begin(self.store.clone()).await
    }

    /// Reads a whole object.
    pub async fn read(&self, key: &Path) -> Result<Bytes> {
        let read = async { self.store.get(key).await?.bytes().await };
        read.await.map_err(|error| Error::store("read", key, error))
    }

    /// Reads `range` of an object, in bytes.
    pub async fn read_range(&self, key: &Path, range: Range<u64>) -> Result<Bytes> {
        self.store.get_range(key, range).await.map_err(|error| Error::store("read", key, error))
    }

    /// Reads several ranges of an object, in bytes.
    pub async fn read_ranges(&self, key: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.store.get_ranges(key, ranges).await.map_err(|error| Error::store("read", key, error))
    }

    /// Removes an object. Only what can be made again is ever removed: private state, and what no commit names.
    pub async fn delete(&self, key: &Path) -> Result<()> {
        match self.store.delete(key).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::store("remove", key, error)),
        }
    }

    /// Reads an object piece by piece, in order, as long as it was at the beginning.
    pub async fn read_chunks(&self, key: &Path) -> Result<BoxStream<'static, Result<Bytes>>> {
        let length = self.size(key).await?;
        let (store, key) = (self.store.clone(), key.clone());
        let starts = (0..length).step_by(CHUNK);
        let chunks = futures::stream::iter(starts).then(move |start| {
            let (store, key) = (store.clone(), key.clone());
            async move {
                let range = start..length.min(start + CHUNK as u64);
                store.get_range(&key, range).await.map_err(|error| Error::store("read", &key, error))
            }
        });
        Ok(chunks.boxed())
    }

    /// The size of an object in bytes.
    pub async fn size(&self, key: &Path) -> Result<u64> {
        let head = self.store.head(key).await.map_err(|error| Error::store("read", key, error))?;
        Ok(head.size)
    }

    /// Whether there is an object of this key.
    pub async fn exists(&self, key: &Path) -> Result<bool> {
        match self.store.head(key).await {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(error) => Err(Error::store("look at", key, error)),
        }
    }

    /// The objects under a folder, at any depth, sorted by key.
    pub async fn list(&self, folder: &Path) -> Result<Vec<Object>> {
        let listing = self.store.list(Some(folder));
        let mut objects: Vec<Object> = listing
            .map_ok(|meta| Object { key: meta.location, size: meta.size })
            .try_collect()
            .await
            .map_err(|error| Error::store("list", folder, error))?;
        objects.sort_by(|left, right| left.key.cmp(&right.key));
        Ok(objects)
    }

    /// The folders that lie so many levels below a folder, sorted.
    pub async fn folders(&self, folder: &Path, levels: usize) -> Result<Vec<Path>> {
        let mut folders = vec![folder.clone()];
        for _ in 0..levels {
            let mut below = Vec::new();
            for folder in &folders {
                let listing = self.store.list_with_delimiter(Some(folder)).await;
                below.extend(listing.map_err(|error| Error::store("list", folder, error))?.common_prefixes);
            }
            folders = below;
        }
        folders.sort();
        Ok(folders)
    }
}
