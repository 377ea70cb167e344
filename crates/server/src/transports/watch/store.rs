//! The raw zone of a lake on a store as a place for files.
//!
//! It is listed level by level, so that the many objects of the lake itself are not listed with those that were dropped. An object
//! is there when all of it is, and what is read of it is of one state: so none is looked at again before it is read.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use pipeline::{Drops, DropsLevel, Error, FileState, Input, Lake, Removed};

use super::folder::{After, Folder, Ready};
use super::names;
use super::place::{Listing, Place, Rests};
use super::ready::Entry;
use super::scan::{DEPTH, is_in_sight};
use super::take;
use super::withdraw::Withdrawn;

/// Listings are paid for by their number. And to begin with a look at everything would keep what was dropped waiting in a large lake.
const RESTS: Rests = Rests {
    of_looks: Duration::from_secs(5),
    before_all: Duration::from_secs(3_600),
    of_all: Duration::from_secs(3_600),
};
/// Requests that are under way at the same time.
const REQUESTS: usize = 8;
const BAD_KEY: &str = "the key of something in it has an empty part, or . or .. for one";

/// The raw zone of a lake on a store.
#[derive(Debug)]
pub(crate) struct InStore {
    folder: Arc<Folder>,
    drops: Drops,
}

impl InStore {
    pub(crate) fn new(folder: &Arc<Folder>, lake: &Lake) -> Self {
        Self { folder: folder.clone(), drops: Drops::of(lake) }
    }

    async fn walk(&self, everything: bool) -> pipeline::Result<Listing> {
        let (mut listing, mut files) = (Listing::default(), Vec::new());
        let mut folders = vec![PathBuf::new()];
        for _ in 0..=DEPTH {
            let looks = folders.into_iter().map(|folder| self.level(folder));
            let mut levels = stream::iter(looks).buffered(REQUESTS);
            let mut below = Vec::new();
            while let Some((folder, level)) = levels.next().await {
                let level = match level {
                    Err(Error::Storage(error)) if error.is_bad_key() => {
                        listing.is_partial = true;
                        listing.left_out.push((folder, BAD_KEY));
                        continue;
                    }
                    level => level?,
                };
                if level.is_lake {
                    listing.left_out.push((folder, "it is a lake itself"));
                    continue;
                }
                files.extend(level.files.into_iter().filter(|(path, _)| !self.folder.is_ours(path)));
                let in_sight = |below: &PathBuf| is_in_sight(&self.folder, everything, below);
                below.extend(level.folders.into_iter().filter(in_sight));
            }
            folders = below;
        }
        listing.left_out.extend(folders.into_iter().map(|folder| (folder, "it lies too deep")));
        listing.add(files, self.folder.ready);
        Ok(listing)
    }

    async fn level(&self, folder: PathBuf) -> (PathBuf, pipeline::Result<DropsLevel>) {
        let level = self.drops.level(&folder).await;
        (folder, level)
    }

    async fn remove(&self, file: &Entry) -> pipeline::Result<Withdrawn> {
        // Left behind, it would say of the next object of the same name that it is complete.
        if let (Ready::DoneFile, Some(done)) = (self.folder.ready, &file.done) {
            self.drops.remove(&names::done_file_of(&file.path), done).await?;
        }
        Ok(match self.drops.remove(&file.path, &file.state).await? {
            Removed::Done => Withdrawn::Done,
            Removed::Changed => Withdrawn::Changed,
            Removed::Gone => Withdrawn::Gone,
        })
    }
}

#[async_trait]
impl Place for InStore {
    fn rests(&self) -> Rests {
        RESTS
    }

    async fn look(&self, everything: bool) -> Result<Listing, String> {
        self.walk(everything).await.map_err(|error| take::cause(&error))
    }

    async fn states(&self, files: Vec<Entry>) -> Vec<(Entry, Option<FileState>)> {
        files.into_iter().map(|entry| (entry.clone(), Some(entry.state))).collect()
    }

    fn input(&self, file: &Entry) -> Input {
        Drops::input(&file.path, file.state)
    }

    async fn withdraw(&self, files: Vec<Entry>) -> Vec<(Entry, io::Result<Withdrawn>)> {
        let each = files.into_iter().map(|entry| async {
            let withdrawn = match self.folder.after {
                After::Move(_) => Err(io::ErrorKind::Unsupported.into()),
                _ => self.remove(&entry).await.map_err(|error| refusal(&error)),
            };
            (entry, withdrawn)
        });
        stream::iter(each).buffered(REQUESTS).collect().await
    }
}

/// What the store refused, in the words of an operating system: they have no key in them.
fn refusal(error: &Error) -> io::Error {
    let is_denied = matches!(error, Error::Storage(error) if error.is_denied());
    let kind = if is_denied { io::ErrorKind::PermissionDenied } else { io::ErrorKind::Other };
    error.io_kind().unwrap_or(kind).into()
}
