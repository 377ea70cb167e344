//! Where a lake lies: a folder of this machine, a bucket or, in tests, memory.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, S3CopyIfNotExists};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, RetryConfig};
use url::Url;

use crate::{Clock, Disk, DurableLocal, Error, Result, ThisMachine};

/// How long a request to a bucket is tried again before it fails; whoever made it has a plan for that.
const RETRY_FOR: Duration = Duration::from_secs(30);

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
    /// Reads a lake's address: a path, a `file://` URL, or `s3://BUCKET/PREFIX`.
    ///
    /// A bucket is reached as the variables of the environment say that all tools for S3 know, those for credentials
    /// (`AWS_ACCESS_KEY_ID` and the like; on machines of AWS the role of the machine), `AWS_REGION`, and for servers other
    /// than AWS `AWS_ENDPOINT_URL` with `AWS_ALLOW_HTTP=true` where it speaks no TLS. The server must know conditional writes
    /// (`If-None-Match`): they are what keeps two writers apart.
    pub fn parse(address: &str) -> Result<Self> {
        let refuse = |reason: &str| Error::Location { location: address.into(), reason: reason.into() };
        if let Some(path) = address.strip_prefix("file://") {
            return Self::folder(FilePath::new(path));
        }
        if address.starts_with("s3://") {
            return Self::bucket(address);
        }
        if let Some((scheme, _)) = address.split_once("://") {
            return Err(refuse(&format!("{scheme}:// is not known here, a folder or s3://BUCKET/PREFIX is")));
        }
        if address.is_empty() {
            return Err(refuse("it is empty"));
        }
        Self::folder(FilePath::new(address))
    }

    fn bucket(address: &str) -> Result<Self> {
        let refuse = |reason: String| Error::Location { location: address.into(), reason };
        let url = Url::parse(address).map_err(|error| refuse(error.to_string()))?;
        let bucket = url.host_str().filter(|bucket| !bucket.is_empty());
        let bucket = bucket.ok_or_else(|| refuse("it names no bucket".into()))?;
        let prefix = Path::from_url_path(url.path()).map_err(|error| refuse(error.to_string()))?;
        let retry = RetryConfig { retry_timeout: RETRY_FOR, ..RetryConfig::default() };
        let store = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_copy_if_not_exists(S3CopyIfNotExists::Multipart)
            .with_retry(retry)
            .build()
            .map_err(|error| refuse(error.to_string()))?;
        Self::at_prefix(Arc::new(store), prefix, address.into())
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

    /// A lake at the prefix `lake` of any store.
    pub fn on_store(store: Arc<dyn ObjectStore>) -> Result<Self> {
        Self::at_prefix(store, Path::from("lake"), "memory:///lake/".into())
    }

    /// Delta sees it as `memory:` tables, and reads and writes them by the store.
    fn at_prefix(store: Arc<dyn ObjectStore>, prefix: Path, shown: String) -> Result<Self> {
        let url = match prefix.as_ref() {
            "" => "memory:///".to_owned(),
            prefix => format!("memory:///{prefix}/"),
        };
        let url = Url::parse(&url)
            .map_err(|error| Error::Location { location: shown.clone(), reason: error.to_string() })?;
        let (disk, clock) = (Arc::new(ThisMachine), Arc::new(ThisMachine));
        Ok(Self { store, prefix, url, shown, folder: None, disk, clock })
    }
}
