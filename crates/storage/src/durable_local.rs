//! A local file system that is durable: when a write returns, the bytes and the name survive a power cut.
//!
//! `object_store`'s own local store never syncs. This one syncs the file before its name appears, and the
//! folder after, so that no crash can leave a name without its bytes.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// An [`ObjectStore`] over the whole file system of this machine, with synced writes.
#[derive(Debug)]
pub struct DurableLocal {
    files: LocalFileSystem,
}

impl DurableLocal {
    /// A store whose keys are absolute paths without the leading slash.
    pub fn new() -> Self {
        Self { files: LocalFileSystem::new() }
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
        let key = location.to_string();
        blocking(move || {
            write_durably(&path, &payload, &options.mode).map_err(|error| explain(key, error))?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let path = self.files.path_to_filesystem(location)?;
        let key = location.to_string();
        let parent = path.clone();
        blocking(move || create_folders(parent_of(&parent)).map_err(|error| explain(key, error))).await?;
        let inner = self.files.put_multipart_opts(location, options).await?;
        Ok(Box::new(DurableUpload { inner, path, key: location.to_string() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
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
        let path = self.files.path_to_filesystem(to)?;
        let key = to.to_string();
        let folder = parent_of(&path).to_path_buf();
        let explained = key.clone();
        blocking(move || create_folders(&folder).map_err(|error| explain(explained, error))).await?;
        self.files.copy_opts(from, to, options).await?;
        blocking(move || sync_folder(parent_of(&path)).map_err(|error| explain(key, error))).await
    }
}

/// A file written in parts, synced when it is complete.
#[derive(Debug)]
struct DurableUpload {
    inner: Box<dyn MultipartUpload>,
    path: PathBuf,
    key: String,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await?;
        let (path, key) = (self.path.clone(), self.key.clone());
        blocking(move || {
            let synced = File::open(&path)
                .and_then(|file| file.sync_all())
                .and_then(|()| sync_folder(parent_of(&path)));
            synced.map_err(|error| explain(key, error))
        })
        .await?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

fn write_durably(path: &FilePath, payload: &PutPayload, mode: &PutMode) -> io::Result<()> {
    create_folders(parent_of(path))?;
    let (mut file, staged) = stage(path)?;
    let written = payload.iter().try_for_each(|part| file.write_all(part)).and_then(|()| file.sync_all());
    drop(file);
    let named = written.and_then(|()| match mode {
        PutMode::Overwrite => fs::rename(&staged, path),
        PutMode::Create => fs::hard_link(&staged, path),
        PutMode::Update(_) => Err(io::Error::from(io::ErrorKind::Unsupported)),
    });
    if named.is_err() || matches!(mode, PutMode::Create) {
        // A staged file that stays behind is invisible to listings; it costs space and nothing else.
        let _ = fs::remove_file(&staged);
    }
    named?;
    sync_folder(parent_of(path))
}

/// A new file beside `path`, named so that listings of `LocalFileSystem` leave it out (`#` and digits).
fn stage(path: &FilePath) -> io::Result<(File, PathBuf)> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!("#{}", uuid::Uuid::new_v4().as_u128()));
    let staged = PathBuf::from(name);
    let file = OpenOptions::new().write(true).create_new(true).open(&staged)?;
    Ok((file, staged))
}

/// Creates a folder and those above it, each durable before anything is put in it.
fn create_folders(folder: &FilePath) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = parent_of(folder);
    if parent != folder {
        create_folders(parent)?;
    }
    match fs::create_dir(folder) {
        Ok(()) => sync_folder(parent),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn sync_folder(folder: &FilePath) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
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
