//! The steps by which a disk is changed, each one by itself, so that a test can fail or cut the power at any of them.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// A disk's steps; as they stand here they are those of this machine.
///
/// Nothing in [`DurableLocal`](crate::DurableLocal) changes the disk but through these.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Makes one folder, in a folder that is there.
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)
    }

    /// Makes a new empty file.
    fn create(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(path)
    }

    /// Writes at the file's position; `path` is what it was created as.
    fn write(&self, file: &mut File, _path: &Path, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// Makes a file's bytes durable, not its name.
    fn sync(&self, file: &File, _path: &Path) -> io::Result<()> {
        file.sync_all()
    }

    /// Makes a file's bytes durable, and its length, not its times.
    fn sync_data(&self, file: &File, _path: &Path) -> io::Result<()> {
        file.sync_data()
    }

    /// Cuts a file off behind so many bytes.
    fn cut(&self, file: &File, _path: &Path, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    /// Gives a file another name, and takes that name from whatever has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Gives a file a second name that must be free.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    /// Takes a name away.
    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        #[cfg(not(unix))]
        let _ = folder;
        Ok(())
    }
}

/// The disk of this machine, and its [`Clock`](crate::Clock).
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisMachine;

impl Disk for ThisMachine {}
