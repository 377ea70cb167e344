//! Where a lake lies: a folder of this machine or, in tests, memory.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;
use url::Url;

use crate::{Clock, Disk, DurableLocal, Error, Result, ThisMachine};

/// The address of a lake, taken apart: the store it is on and the prefix inside that store.
#[derive(Clone, Debug)]
pub struct Location {
    /// The store, from its root.
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The lake's prefix in the store.
    pub(crate) prefix: Path,
    /// The lake's address as a URL that ends with a slash; Delta knows tables by such URLs.
    pub(crate) url: Url,
    /// The address as people write it.
    pub(crate) shown: String,
    /// The folder, when there is one.
    pub(crate) folder: Option<PathBuf>,
    /// The disk that the folder is on.
    pub(crate) disk: Arc<dyn Disk>,
    /// What the lake takes for the time.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Location {
    /// Reads a lake's address: a path, a `file://` URL; `s3://` is not served yet.
    pub fn parse(address: &str) -> Result<Self> {
        let refuse = |reason: &str| Error::Location { location: address.into(), reason: reason.into() };
        if let Some(path) = address.strip_prefix("file://") {
            return Self::folder(FilePath::new(path));
        }
        if let Some((scheme, _)) = address.split_once("://") {
            return Err(refuse(&format!("{scheme}:// lakes are not served yet, use a folder")));
        }
        if address.is_empty() {
            return Err(refuse("it is empty"));
        }
        Self::folder(FilePath::new(address))
    }

    /// A lake in a folder, on a disk of which some step fails.
    pub fn on_disk(folder: &FilePath, disk: Arc<dyn Disk>) -> Result<Self> {
        let location = Self::folder(folder)?;
        Ok(Self { store: Arc::new(DurableLocal::on(disk.clone())), disk, ..location })
    }

    /// The same lake by another clock.
    pub fn by_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    fn folder(folder: &FilePath) -> Result<Self> {
        let shown = folder.display().to_string();
        let refuse = |reason: String| Error::Location { location: shown.clone(), reason };
        let folder = std::path::absolute(folder).map_err(|error| refuse(error.to_string()))?;
        let folder = folder.canonicalize().unwrap_or(folder);
        let url =
            Url::from_directory_path(&folder).map_err(|()| refuse("it is not an absolute path".into()))?;
        let prefix = Path::from_absolute_path(&folder).map_err(|error| refuse(error.to_string()))?;
        let disk = Arc::new(ThisMachine);
        Ok(Self {
            store: Arc::new(DurableLocal::new()),
            prefix,
            url,
            shown,
            folder: Some(folder),
            disk,
            clock: Arc::new(ThisMachine),
        })
    }

    /// An address in memory that nobody else has.
    pub fn memory() -> Result<Self> {
        Self::on_store(Arc::new(InMemory::new()))
    }

    /// A lake at the prefix `lake` of any store; Delta sees it as a `memory:` table.
    pub fn on_store(store: Arc<dyn ObjectStore>) -> Result<Self> {
        let shown = "memory:///lake/";
        let url = Url::parse(shown)
            .map_err(|error| Error::Location { location: shown.into(), reason: error.to_string() })?;
        let disk = Arc::new(ThisMachine);
        Ok(Self {
            store,
            prefix: Path::from("lake"),
            url,
            shown: shown.into(),
            folder: None,
            disk,
            clock: Arc::new(ThisMachine),
        })
    }
}
