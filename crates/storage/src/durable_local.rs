//! A local file system that is durable: when a write returns, the bytes and the name survive a power cut.
//!
//! `object_store`'s own local store never syncs. This one syncs the file before its name appears, and the
//! folder after, so that no crash can leave a name without its bytes.

use std::fmt;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use crate::disk::{Disk, ThisMachine};
use crate::folders::Folders;

/// Bytes of an upload after which what is written is synced: the disk works while the rest comes in, and does not have all
/// of it to do at the end.
const SYNC_EACH: u64 = 64 << 20;

/// Names taken away at the same time.
const REMOVALS: usize = 8;

/// An [`ObjectStore`] over the whole file system of this machine, with synced writes.
#[derive(Debug)]
pub struct DurableLocal {
    files: LocalFileSystem,
    disk: Arc<dyn Disk>,
    folders: Arc<Folders>,
}

impl DurableLocal {
    /// A store whose keys are absolute paths without the leading slash.
    pub fn new() -> Self {
        Self::on(Arc::new(ThisMachine))
    }

    /// The same on a disk of which some step fails.
    pub fn on(disk: Arc<dyn Disk>) -> Self {
        Self { files: LocalFileSystem::new(), disk, folders: Arc::default() }
    }
}

impl Default for DurableLocal {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for DurableLocal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DurableLocal")
    }
}

#[async_trait]
impl ObjectStore for DurableLocal {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let path = self.files.path_to_filesystem(location)?;
        let (disk, folders, key) = (self.disk.clone(), self.folders.clone(), location.to_string());
        blocking(move || {
            folders
                .create(disk.as_ref(), parent_of(&path))
                .and_then(|()| write_durably(disk.as_ref(), &path, &payload, &options.mode))
                .map_err(|error| explain(key, error))?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let path = self.files.path_to_filesystem(location)?;
        let (disk, folders, key) = (self.disk.clone(), self.folders.clone(), location.to_string());
        blocking(move || {
            let begun =
                folders.create(disk.as_ref(), parent_of(&path)).and_then(|()| stage(disk.as_ref(), &path));
            let (file, staged) = begun.map_err(|error| explain(key.clone(), error))?;
            let staged = Arc::new(Staged { file: Mutex::new(file), staged, path, key, disk });
            Ok(Box::new(DurableUpload { staged, length: 0 }) as Box<dyn MultipartUpload>)
        })
        .await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let root = LocalFileSystem::new();
        let disk = self.disk.clone();
        let removals = locations.map(move |location| {
            let path = location.and_then(|location| Ok((root.path_to_filesystem(&location)?, location)));
            let disk = disk.clone();
            blocking(move || {
                let (path, location) = path?;
                disk.remove(&path).map_err(|error| explain(location.to_string(), error))?;
                Ok(location)
            })
        });
        removals.buffered(REMOVALS).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        // Files can have names that no key can have. They are not ours, and must not stop those that are from being listed.
        let has_key = |listed: &Result<ObjectMeta>| !matches!(listed, Err(Error::InvalidPath { .. }));
        self.files.list(prefix).filter(move |listed| std::future::ready(has_key(listed))).boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let (source, path) = (self.files.path_to_filesystem(from)?, self.files.path_to_filesystem(to)?);
        let (disk, folders, key) = (self.disk.clone(), self.folders.clone(), to.to_string());
        blocking(move || {
            let disk = disk.as_ref();
            let copied = folders
                .create(disk, parent_of(&path))
                .and_then(|()| match options.mode {
                    CopyMode::Create => disk.link(&source, &path),
                    // A second name for the same bytes: objects are never written again.
                    CopyMode::Overwrite => {
                        let staged = staged_beside(&path);
                        disk.link(&source, &staged)?;
                        disk.rename(&staged, &path)
                    }
                })
                .and_then(|()| disk.sync_folder(parent_of(&path)));
            copied.map_err(|error| explain(key, error))
        })
        .await
    }
}

/// A file written in parts, in whatever order they arrive; named when it is complete and synced.
#[derive(Debug)]
struct DurableUpload {
    staged: Arc<Staged>,
    length: u64,
}

#[derive(Debug)]
struct Staged {
    file: Mutex<File>,
    staged: PathBuf,
    path: PathBuf,
    key: String,
    disk: Arc<dyn Disk>,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (staged, mut position) = (self.staged.clone(), self.length);
        self.length += data.content_length() as u64;
        let syncs = position / SYNC_EACH < self.length / SYNC_EACH;
        Box::pin(blocking(move || {
            let mut file = staged.file.lock().unwrap_or_else(PoisonError::into_inner);
            let written = data.iter().try_for_each(|bytes| {
                file.seek(SeekFrom::Start(position))?;
                position += bytes.len() as u64;
                staged.disk.write(&mut file, &staged.staged, bytes)
            });
            let synced = written.and_then(|()| match syncs {
                true => staged.disk.sync(&file, &staged.staged),
                false => Ok(()),
            });
            synced.map_err(|error| explain(staged.key.clone(), error))
        }))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let staged = self.staged.clone();
        blocking(move || {
            let Staged { staged: from, path, disk, .. } = staged.as_ref();
            let file = staged.file.lock().unwrap_or_else(PoisonError::into_inner);
            let named = disk
                .sync(&file, from)
                .and_then(|()| disk.rename(from, path))
                .and_then(|()| disk.sync_folder(parent_of(path)));
            named.map_err(|error| explain(staged.key.clone(), error))?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn abort(&mut self) -> Result<()> {
        let staged = self.staged.clone();
        blocking(move || {
            staged.disk.remove(&staged.staged).map_err(|error| explain(staged.key.clone(), error))
        })
        .await
    }
}

fn write_durably(disk: &dyn Disk, path: &FilePath, payload: &PutPayload, mode: &PutMode) -> io::Result<()> {
    let (mut file, staged) = stage(disk, path)?;
    let written = payload
        .iter()
        .try_for_each(|part| disk.write(&mut file, &staged, part))
        .and_then(|()| disk.sync(&file, &staged));
    drop(file);
    let named = written.and_then(|()| match mode {
        PutMode::Overwrite => disk.rename(&staged, path),
        PutMode::Create => disk.link(&staged, path),
        PutMode::Update(_) => Err(io::Error::from(io::ErrorKind::Unsupported)),
    });
    if named.is_err() || matches!(mode, PutMode::Create) {
        // A staged file that stays behind is invisible to listings; it costs space and nothing else.
        let _ = disk.remove(&staged);
    }
    named?;
    disk.sync_folder(parent_of(path))
}

/// A new file beside `path`.
fn stage(disk: &dyn Disk, path: &FilePath) -> io::Result<(File, PathBuf)> {
    let staged = staged_beside(path);
    Ok((disk.create(&staged)?, staged))
}

/// A name of which listings of `LocalFileSystem` leave out what bears it (`#` and digits).
fn staged_beside(path: &FilePath) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!("#{}", uuid::Uuid::new_v4().as_u128()));
    PathBuf::from(name)
}

fn parent_of(path: &FilePath) -> &FilePath {
    path.parent().unwrap_or(path)
}

fn explain(path: String, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: error.into() },
        io::ErrorKind::NotFound => Error::NotFound { path, source: error.into() },
        io::ErrorKind::PermissionDenied => Error::PermissionDenied { path, source: error.into() },
        _ => Error::Generic { store: "DurableLocal", source: error.into() },
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}
