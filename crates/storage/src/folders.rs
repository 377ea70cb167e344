//! Folders that are durable before anything is put into them.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::disk::Disk;

/// The folders of which this process knows that their names survive a power cut.
///
/// That a folder is there does not say so: another writer may have made it a moment ago and not have synced yet.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    durable: Mutex<HashSet<PathBuf>>,
}

impl Folders {
    /// Creates a folder and those above it, each durable before the next is put in it.
    pub(crate) fn create(&self, disk: &dyn Disk, folder: &Path) -> io::Result<()> {
        let is_there = folder.is_dir();
        if is_there && self.durable().contains(folder) {
            return Ok(());
        }
        let Some(parent) = folder.parent() else { return Ok(()) };
        if !is_there {
            self.create(disk, parent)?;
            match disk.create_folder(folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        disk.sync_folder(parent)?;
        self.durable().insert(folder.to_owned());
        Ok(())
    }

    fn durable(&self) -> std::sync::MutexGuard<'_, HashSet<PathBuf>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
