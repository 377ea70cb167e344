//! One watched place: a look at it, and what follows from it, again and again.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline::Taken;

use super::Surroundings;
use super::folder::{After, Folder};
use super::place::{Listing, Place, Rests, place};
use super::ready::{Entry, Known, Outcome, Waiting, doubled};
use super::report::{FileTag, Report, What};
use super::scan::is_in_sight;

/// Between two looks, at most.
const LONGEST_REST: Duration = Duration::from_secs(300);
/// Between two looks at a folder that cannot be looked into, at most.
const LONGEST_ABSENCE: Duration = Duration::from_secs(30);
/// A look may take so much of the time: one part of this many.
const SHARE: u32 = 10;
/// Files taken up together, at most.
const BATCH_FILES: usize = 2_048;
/// Bytes of files taken up together, save that there is one file at least.
const BATCH_BYTES: u64 = 100 << 20;
/// Batches of each feed between two looks.
const ROUNDS: usize = 4;
/// How long the door waits when the lake refuses; each time it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

pub(crate) struct Door {
    pub(crate) folder: Arc<Folder>,
    pub(crate) place: Arc<dyn Place>,
    pub(crate) surroundings: Surroundings,
    pub(crate) waiting: Waiting,
    pub(crate) taken: Taken,
    pub(crate) pause: Pause,
    /// What was told once, and is not told again.
    told: HashSet<PathBuf>,
    waits: (usize, usize),
    unreadable: u32,
    rests: Rests,
    next_look_at_all: Duration,
}

/// What the lake's refusals lead to.
#[derive(Debug)]
pub(crate) struct Pause {
    failures: u32,
    until: Duration,
    /// Files taken up together, at most: fewer after a failure, to find the one that causes it.
    files: usize,
}

impl fmt::Debug for Door {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Door").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Door {
    pub(crate) fn new(folder: Folder, surroundings: Surroundings, taken: Taken) -> Self {
        let folder = Arc::new(folder);
        let place = place(&folder, &surroundings.lake);
        let rests = place.rests();
        Self {
            waiting: Waiting::new(folder.ready, folder.settle),
            folder,
            place,
            surroundings,
            taken,
            pause: Pause { failures: 0, until: Duration::ZERO, files: BATCH_FILES },
            told: HashSet::new(),
            waits: (0, 0),
            unreadable: 0,
            rests,
            next_look_at_all: rests.before_all,
        }
    }

    /// Looks at the folder `now`, which is a time since any beginning, and takes up what is ready. Gives when to look again.
    pub(crate) async fn pass(&mut self, now: Duration) -> Duration {
        let begun = Instant::now();
        let everything = now >= self.next_look_at_all;
        let listing = match self.place.look(everything).await {
            Ok(listing) => listing,
            Err(reason) => return self.cannot_look(reason),
        };
        if std::mem::take(&mut self.unreadable) > 0 {
            self.tell(What::FolderReadable);
        }
        if everything {
            self.next_look_at_all = now + self.rests.of_all.max(begun.elapsed() * SHARE * SHARE);
        }
        let passed_over = listing.passed_over;
        let outcome = self.sort(listing, now, everything);
        let cost = begun.elapsed();
        self.withdraw(outcome.left, now).await;
        let has_more = self.take_batches(outcome.ready, now).await;
        let waits = (self.waiting.len(), passed_over);
        if self.waits != waits {
            self.waits = waits;
            self.tell(What::Waiting { files: waits.0, passed_over });
        }
        let shortest = self.rests.of_looks;
        let rest = if has_more { shortest } else { (cost * SHARE).clamp(shortest, LONGEST_REST) };
        rest.max(self.pause.until.saturating_sub(now + begun.elapsed()))
    }

    pub(crate) fn tell(&self, what: What) {
        (self.surroundings.tell)(Report { folder: self.folder.path.clone(), what });
    }

    fn cannot_look(&mut self, reason: String) -> Duration {
        if self.unreadable == 0 {
            self.tell(What::FolderUnreadable { reason });
        }
        self.unreadable = self.unreadable.saturating_add(1);
        doubled(self.rests.of_looks, LONGEST_ABSENCE, self.unreadable)
    }

    /// Tells what is ready from what is not, and what is odd.
    fn sort(&mut self, listing: Listing, now: Duration, everything: bool) -> Outcome {
        let Listing { files, left_out, is_partial, .. } = listing;
        for (path, why) in left_out {
            if self.told.insert(path.clone()) {
                self.tell(What::LeftOut { file: FileTag::of(&path), why });
            }
        }
        // A share that is not mounted is an empty folder, in which not all was removed. And what is known of files that are gone
        // costs little: it is forgotten when there is a good deal of it.
        if !is_partial && everything && !files.is_empty() && self.taken.len() > files.len() + files.len() / 8
        {
            self.taken.keep_only(files.iter().map(|file| file.path.as_path()));
        }
        let (folder, taken) = (&self.folder, &self.taken);
        let known = |entry: &Entry| match taken.has(&entry.path, &entry.state) {
            false => Known::New,
            // An empty file is to be filled yet, as like as not.
            true if folder.after == After::Keep || entry.state.size == 0 => Known::Kept,
            true => Known::Left,
        };
        let in_sight = |path: &Path| {
            !is_partial && path.ancestors().skip(1).all(|above| is_in_sight(folder, everything, above))
        };
        let outcome = self.waiting.look(files, now, known, in_sight);
        for path in &outcome.vanished {
            self.tell(What::Vanished(FileTag::of(path)));
        }
        outcome
    }

    /// Takes up what is ready, feeds in turn. Gives whether there is more than is taken between two looks.
    async fn take_batches(&mut self, ready: Vec<Entry>, now: Duration) -> bool {
        if now < self.pause.until {
            return false;
        }
        let mut feeds: BTreeMap<String, VecDeque<Entry>> = BTreeMap::new();
        for entry in ready {
            match self.folder.feed_of(&entry.path) {
                Ok(feed) => feeds.entry(feed).or_default().push_back(entry),
                Err(sub_folder) => {
                    if self.told.insert(sub_folder.clone()) {
                        self.tell(What::BadFeedName(FileTag::of(&sub_folder)));
                    }
                }
            }
        }
        for _ in 0..ROUNDS {
            for (feed, entries) in &mut feeds {
                if self.surroundings.shutdown.is_cancelled() {
                    return false;
                }
                let batch = self.next_batch(entries);
                if !batch.is_empty() && !self.take(feed, batch, now).await {
                    return false;
                }
            }
        }
        feeds.values().any(|entries| !entries.is_empty())
    }

    fn next_batch(&self, entries: &mut VecDeque<Entry>) -> Vec<Entry> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(entry) = entries.front() {
            // One that failed before must not take others with it.
            let is_alone = self.waiting.has_failed(&entry.path);
            let is_full = batch.len() >= self.pause.files || bytes + entry.state.size > BATCH_BYTES;
            if !batch.is_empty() && (is_full || is_alone) {
                break;
            }
            bytes += entry.state.size;
            batch.extend(entries.pop_front());
            if is_alone {
                break;
            }
        }
        batch
    }
}

impl Pause {
    /// The lake took files.
    pub(crate) fn end(&mut self) -> bool {
        self.files = (self.files * 2).min(BATCH_FILES);
        std::mem::take(&mut self.failures) > 0
    }

    /// The lake refused so many files; gives how long to wait.
    pub(crate) fn begin(&mut self, files: usize, is_full: bool, now: Duration) -> Duration {
        self.failures = self.failures.saturating_add(1);
        if !is_full {
            self.files = (files / 2).max(1);
        }
        let rest = doubled(FIRST_PAUSE, LONGEST_PAUSE, self.failures);
        self.until = now + rest;
        rest
    }
}
