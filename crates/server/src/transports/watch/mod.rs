//! The door for files: what is dropped into a folder is taken up, each file once.
//!
//! A folder, or the raw zone of a lake on a store (`place.rs`), is looked at again and again, and files are taken when they show that they
//! are complete. These go through [`pipeline::ingest`], feed by feed, and when it returns they are durable in the lake and converted.
//! Then, and not before, they are remembered ([`pipeline::Taken`]) and withdrawn. Killed anywhere in between, the next process reads some
//! files again, whose messages are counted as duplicates, and loses none.

mod disk;
mod door;
mod folder;
mod names;
mod place;
mod ready;
mod report;
mod scan;
mod store;
mod take;
mod withdraw;

use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hl7::Limits;
use pipeline::{FeedsByName, Hold, Lake, Taken};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use door::Door;
pub use folder::{After, Folder, FolderFeed, Ready};
pub use report::{FileTag, Report, What};

/// Ingests that go on at the same time: a folder that hangs, as those of other machines do, must not stop all others.
const TURNS: usize = 2;
/// How often is tried what must come before the first look.
const BEGIN_AGAIN: Duration = Duration::from_secs(2);

type Tell = Arc<dyn Fn(Report) + Send + Sync>;

/// Watches folders.
pub struct Watcher {
    folders: Vec<Folder>,
    lake: Lake,
    tell: Tell,
    feeds: FeedsByName,
    limits: Limits,
}

impl fmt::Debug for Watcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Watcher").field("folders", &self.folders).finish_non_exhaustive()
    }
}

impl Watcher {
    /// Watches folders for a lake, and tells what happens.
    pub fn new(folders: Vec<Folder>, lake: Lake, report: impl Fn(Report) + Send + Sync + 'static) -> Self {
        Self {
            folders,
            lake,
            tell: Arc::new(report),
            feeds: FeedsByName::default(),
            limits: Limits::default(),
        }
    }

    /// What feeds decide about their messages; nothing unless told.
    #[must_use]
    pub fn feeds(self, feeds: FeedsByName) -> Self {
        Self { feeds, ..self }
    }

    /// How large a message may be; as large as is usual unless told.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Takes up what comes, until `shutdown`; what is being taken up then is finished first.
    pub async fn run(self, shutdown: CancellationToken) {
        let turns = Arc::new(Semaphore::new(TURNS));
        let mut doors = JoinSet::new();
        for folder in self.folders {
            let surroundings = Surroundings {
                lake: self.lake.clone(),
                tell: self.tell.clone(),
                feeds: self.feeds.clone(),
                limits: self.limits,
                turns: turns.clone(),
                shutdown: shutdown.clone(),
            };
            doors.spawn(watch(folder, surroundings));
        }
        while let Some(ended) = doors.join_next().await {
            // A door that is silently closed loses nothing and takes nothing: nobody would see it.
            if let Err(error) = ended
                && let Ok(panic) = error.try_into_panic()
            {
                resume_unwind(panic);
            }
        }
    }
}

/// What the doors of one watcher share.
#[derive(Clone)]
struct Surroundings {
    lake: Lake,
    tell: Tell,
    feeds: FeedsByName,
    limits: Limits,
    turns: Arc<Semaphore>,
    shutdown: CancellationToken,
}

/// Looks at one folder until the end.
async fn watch(mut folder: Folder, surroundings: Surroundings) {
    // What is remembered of a folder is found by its path.
    if !folder.is_in_store() {
        folder.path = std::path::absolute(&folder.path).unwrap_or(folder.path);
    }
    let shutdown = surroundings.shutdown.clone();
    let Some((_hold, mut door)) = shutdown.run_until_cancelled(begin(folder, surroundings)).await else {
        return;
    };
    let begun = Instant::now();
    while !shutdown.is_cancelled() {
        let rest = door.pass(begun.elapsed()).await;
        shutdown.run_until_cancelled(tokio::time::sleep(rest)).await;
    }
}

/// Waits until the folder is for this process to watch, and reads what is remembered of it.
async fn begin(folder: Folder, surroundings: Surroundings) -> (Hold, Door) {
    let tell = |what| (surroundings.tell)(Report { folder: folder.path.clone(), what });
    let paused = |error: &pipeline::Error| What::Paused {
        reason: take::cause(error),
        is_full: take::is_full(error),
        again_in: BEGIN_AGAIN,
    };
    let mut has_told = false;
    loop {
        let (begun, what) = match surroundings.lake.hold(&format!("watch-{}", Taken::name_of(folder.root())))
        {
            Ok(Some(hold)) => match Taken::open(&surroundings.lake, folder.root()).await {
                Ok(taken) => (Some((hold, taken)), None),
                Err(error) => (None, Some(paused(&error))),
            },
            Ok(None) => (None, Some(What::StandsBy)),
            Err(error) => (None, Some(paused(&error.into()))),
        };
        if let Some((hold, taken)) = begun {
            if has_told {
                tell(What::Resumed);
            }
            return (hold, Door::new(folder, surroundings, taken));
        }
        if let Some(what) = what.filter(|_| !has_told) {
            tell(what);
            has_told = true;
        }
        tokio::time::sleep(BEGIN_AGAIN).await;
    }
}

#[cfg(test)]
mod tests;
