//! A folder of this machine as a place for files.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pipeline::{FileState, Input};

use super::folder::{After, Folder, Ready};
use super::names;
use super::place::{Listing, Place, Rests};
use super::ready::Entry;
use super::scan::scan;
use super::withdraw::{Withdrawn, put_back, withdraw};

const RESTS: Rests = Rests {
    of_looks: Duration::from_millis(500),
    before_all: Duration::ZERO,
    of_all: Duration::from_secs(600),
};

/// A folder of this machine.
#[derive(Debug)]
pub(crate) struct OnDisk {
    folder: Arc<Folder>,
}

impl OnDisk {
    pub(crate) fn new(folder: &Arc<Folder>) -> Self {
        Self { folder: folder.clone() }
    }
}

#[async_trait]
impl Place for OnDisk {
    fn rests(&self) -> Rests {
        RESTS
    }

    async fn look(&self, everything: bool) -> Result<Listing, String> {
        let folder = self.folder.clone();
        let look = move || {
            let listing = scan(&folder, everything)?;
            put_all_back(&folder.path, &listing);
            Ok(listing)
        };
        match tokio::task::spawn_blocking(look).await {
            Ok(looked) => looked.map_err(|error: io::Error| error.kind().to_string()),
            Err(_) => Err("the look was interrupted".into()),
        }
    }

    async fn states(&self, files: Vec<Entry>) -> Vec<(Entry, Option<FileState>)> {
        let folder = self.folder.clone();
        let state = move |entry: &Entry| {
            let metadata = fs::symlink_metadata(folder.path.join(&entry.path)).ok()?;
            metadata.is_file().then(|| FileState::of(&metadata))
        };
        let look = move || {
            let states = files.into_iter().map(|entry| (state(&entry), entry));
            states.map(|(state, entry)| (entry, state)).collect()
        };
        tokio::task::spawn_blocking(look).await.unwrap_or_default()
    }

    fn input(&self, file: &Entry) -> Input {
        Input::File(self.folder.path.join(&file.path))
    }

    async fn withdraw(&self, files: Vec<Entry>) -> Vec<(Entry, io::Result<Withdrawn>)> {
        let folder = self.folder.clone();
        let one = move |entry: Entry| {
            let path = folder.path.join(&entry.path);
            let to = match &folder.after {
                After::Move(to) => Some(to.join(&entry.path)),
                _ => None,
            };
            let withdrawn = without_done_file(&path, &entry, folder.ready, to.as_deref());
            (entry, withdrawn)
        };
        let each = move || files.into_iter().map(one).collect();
        tokio::task::spawn_blocking(each).await.unwrap_or_default()
    }
}

/// Gives files their names again that a process which died had begun to withdraw. They are seen with the next look.
fn put_all_back(folder: &Path, listing: &Listing) {
    for path in &listing.withdrawn {
        if let Some(before) = names::name_before(path) {
            // One that cannot be is tried again with the next look.
            let _ = put_back(&folder.join(path), &folder.join(before));
        }
    }
}

/// Withdraws a file, and before it the done-file that says it is complete: left behind, that would say so of the next file of
/// the same name when it has only begun to come.
fn without_done_file(path: &Path, entry: &Entry, ready: Ready, to: Option<&Path>) -> io::Result<Withdrawn> {
    if ready == Ready::DoneFile {
        let done_file = names::done_file_of(path);
        let is_it = fs::symlink_metadata(&done_file)
            .is_ok_and(|metadata| Some(FileState::of(&metadata)) == entry.done);
        if is_it {
            fs::remove_file(&done_file)?;
        }
    }
    withdraw(path, &entry.state, to)
}
