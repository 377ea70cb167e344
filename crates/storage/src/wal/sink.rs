//! Where the records of a segment go: a file that is appended to, or on other stores an object for each group.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::keys::{log_prefix, log_segment_key};
use crate::{Disk, Error, Lake, Result};

/// A segment that is being written.
#[derive(Debug)]
pub(super) enum Sink {
    File(FileSink),
    /// Takes one group and no more.
    Object,
}

#[derive(Debug)]
pub(super) struct FileSink {
    disk: Arc<dyn Disk>,
    file: Arc<File>,
    path: PathBuf,
    /// Bytes that are durable.
    durable: u64,
}

impl Sink {
    /// Begins a segment; its name is durable when this returns.
    pub(super) async fn create(lake: &Lake, name: &str) -> Result<Self> {
        let Some(folder) = lake.folder() else { return Ok(Self::Object) };
        let folder = folder.join(log_prefix().as_ref());
        let path = folder.join(format!("{name}.log"));
        let disk = lake.disk();
        let created = {
            let (disk, path) = (disk.clone(), path.clone());
            blocking(move || {
                if !folder.is_dir() {
                    disk.create_folder(&folder)?;
                    disk.sync_folder(folder.parent().unwrap_or(&folder))?;
                }
                let file = disk.create(&path)?;
                disk.sync_folder(&folder)?;
                Ok(file)
            })
            .await
        };
        let file = created.map_err(|error| failure(name, &error))?;
        Ok(Self::File(FileSink { disk, file: Arc::new(file), path, durable: 0 }))
    }

    /// Appends a group of records; durable when it returns.
    pub(super) async fn append(&mut self, lake: &Lake, name: &str, group: Vec<u8>) -> Result<()> {
        match self {
            Self::File(sink) => sink.append(group).await.map_err(|error| failure(name, &error)),
            Self::Object => {
                lake.put_new(&log_segment_key(name), group.into()).await?;
                Ok(())
            }
        }
    }

    /// Whether another group can be appended.
    pub(super) fn takes_more(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Takes back what was written of a group that did not become durable.
    pub(super) async fn cut_to_durable(&mut self) -> io::Result<()> {
        let Self::File(FileSink { disk, file, path, durable }) = self else { return Ok(()) };
        let (disk, file, path, length) = (disk.clone(), file.clone(), path.clone(), *durable);
        blocking(move || {
            disk.cut(&file, &path, length)?;
            disk.sync_data(&file, &path)
        })
        .await
    }
}

impl FileSink {
    async fn append(&mut self, group: Vec<u8>) -> io::Result<()> {
        let (disk, file, path) = (self.disk.clone(), self.file.clone(), self.path.clone());
        let length = group.len() as u64;
        blocking(move || {
            // A second handle on the same open file: they share the position.
            let mut writer = file.try_clone()?;
            disk.write(&mut writer, &path, &group)?;
            disk.sync_data(&file, &path)
        })
        .await?;
        self.durable += length;
        Ok(())
    }
}

fn failure(name: &str, error: &io::Error) -> Error {
    Error::Log { key: log_segment_key(name).to_string(), reason: error.to_string(), kind: Some(error.kind()) }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
