//! Where files are dropped: in a folder of this machine, or into the raw zone of a lake that lies on a store.
//!
//! A place is listed, its files become inputs of the pipeline, and go again. All else is the same wherever they lie.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pipeline::{FileState, Input, Lake};

use super::disk::OnDisk;
use super::folder::{Folder, Ready};
use super::names;
use super::ready::Entry;
use super::store::InStore;
use super::withdraw::Withdrawn;

/// A place that files are dropped in. All paths are below it.
#[async_trait]
pub(crate) trait Place: Send + Sync {
    /// How often it is looked at.
    fn rests(&self) -> Rests;

    /// Tells what lies there: all of it, or where few of the files are the lake's own.
    ///
    /// # Errors
    /// Why the place cannot be looked into, without a name of a file.
    async fn look(&self, everything: bool) -> Result<Listing, String>;

    /// The files as they are now; `None` for one that is not there.
    async fn states(&self, files: Vec<Entry>) -> Vec<(Entry, Option<FileState>)>;

    /// What the pipeline is to read.
    fn input(&self, file: &Entry) -> Input;

    /// Takes files out of the way whose bytes are in the lake, each only if it is still what was read.
    async fn withdraw(&self, files: Vec<Entry>) -> Vec<(Entry, io::Result<Withdrawn>)>;
}

/// How often a place is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rests {
    /// Between two looks, at least.
    pub(crate) of_looks: Duration,
    /// Before the first look at everything.
    pub(crate) before_all: Duration,
    /// Between two looks at everything, at least.
    pub(crate) of_all: Duration,
}

/// What lies in a place.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// The files that may be taken.
    pub(crate) files: Vec<Entry>,
    /// How many are passed over because their names say that they are not complete.
    pub(crate) passed_over: usize,
    /// What is left out, and why.
    pub(crate) left_out: Vec<(PathBuf, &'static str)>,
    /// Files that somebody began to withdraw and did not end.
    pub(crate) withdrawn: Vec<PathBuf>,
    /// Whether a folder could not be looked into.
    pub(crate) is_partial: bool,
}

impl Listing {
    /// Adds files: those that may be taken by their names and the done-files among them.
    pub(crate) fn add(&mut self, files: Vec<(PathBuf, FileState)>, ready: Ready) {
        let (mut done, mut candidates) = (HashMap::new(), Vec::new());
        for (path, state) in files {
            match names::completed_by(&path).filter(|_| ready == Ready::DoneFile) {
                Some(completed) => {
                    done.insert(completed, state);
                }
                None => candidates.push((path, state)),
            }
        }
        for (path, state) in candidates {
            // One that is older is of an earlier file of that name.
            let done = done.get(&path).copied().filter(|done| done.modified >= state.modified);
            if done.is_none() && names::is_unfinished(&path) {
                self.passed_over += 1;
            } else {
                self.files.push(Entry { path, state, done });
            }
        }
    }
}

/// The place that a folder is.
pub(crate) fn place(folder: &Arc<Folder>, lake: &Lake) -> Arc<dyn Place> {
    if folder.is_in_store() { Arc::new(InStore::new(folder, lake)) } else { Arc::new(OnDisk::new(folder)) }
}
