//! When files are ready to be taken: a machine that is shown what lies in a folder and what time it is, and touches neither.
//!
//! States of files are only compared with each other, never with the clock; and the time may stand still or go back, which
//! costs waiting and nothing else.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pipeline::FileState;

use super::folder::Ready;

/// How long a file that could not be read, or not be withdrawn, is left alone first; each time it is twice as long.
const FIRST_REST: Duration = Duration::from_secs(2);
/// And at most.
const LONGEST_REST: Duration = Duration::from_secs(600);

/// A file as it was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its path below the folder.
    pub(crate) path: PathBuf,
    pub(crate) state: FileState,
    /// The done-file that says it is complete.
    pub(crate) done: Option<FileState>,
}

/// What is known of a file as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It is to be taken up.
    New,
    /// It was taken up and stays.
    Kept,
    /// It was taken up and is to be withdrawn.
    Left,
}

/// What comes out of a look at the folder.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// To be taken up, those first that were written first.
    pub(crate) ready: Vec<Entry>,
    /// To be withdrawn.
    pub(crate) left: Vec<Entry>,
    /// Were waiting, and are no more.
    pub(crate) vanished: Vec<PathBuf>,
}

/// The files that wait.
#[derive(Debug)]
pub(crate) struct Waiting {
    ready: Ready,
    settle: Duration,
    files: HashMap<PathBuf, Seen>,
    look: u64,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    state: FileState,
    /// When it was first seen in this state.
    since: Duration,
    failures: u32,
    /// When it failed last.
    failed: Duration,
    /// The last look that showed it.
    look: u64,
}

impl Waiting {
    pub(crate) fn new(ready: Ready, settle: Duration) -> Self {
        Self { ready, settle, files: HashMap::new(), look: 0 }
    }

    /// Takes in what lies in the folder `now`, which is a time since any beginning. Not all of it need be `in_sight`.
    pub(crate) fn look(
        &mut self,
        files: Vec<Entry>,
        now: Duration,
        known: impl Fn(&Entry) -> Known,
        in_sight: impl Fn(&Path) -> bool,
    ) -> Outcome {
        self.look += 1;
        let mut outcome = Outcome::default();
        for entry in files {
            let known = known(&entry);
            if known == Known::Kept {
                if !self.files.is_empty() {
                    self.files.remove(&entry.path);
                }
                continue;
            }
            let fresh =
                Seen { state: entry.state, since: now, failures: 0, failed: Duration::ZERO, look: self.look };
            let seen = self.files.entry(entry.path.clone()).or_insert(fresh);
            if seen.state != entry.state {
                *seen = fresh;
            }
            seen.look = self.look;
            seen.since = seen.since.min(now);
            seen.failed = seen.failed.min(now);
            if seen.failures > 0 && now - seen.failed < rest(seen.failures) {
                continue;
            }
            let is_complete = match self.ready {
                Ready::Stable => now - seen.since >= self.settle,
                Ready::Rename => true,
                Ready::DoneFile => entry.done.is_some(),
            };
            match known {
                Known::Left => outcome.left.push(entry),
                _ if is_complete => outcome.ready.push(entry),
                _ => {}
            }
        }
        let look = self.look;
        self.files.retain(|path, seen| {
            let is_there = seen.look == look || !in_sight(path);
            if !is_there {
                outcome.vanished.push(path.clone());
            }
            is_there
        });
        outcome.ready.sort_by(|left, right| {
            (left.state.modified, &left.path).cmp(&(right.state.modified, &right.path))
        });
        outcome
    }

    /// A file could not be read or withdrawn: it is left alone for a while. Gives for how long, and how often it has failed.
    pub(crate) fn failed(&mut self, path: &Path, now: Duration) -> (Duration, u32) {
        // It waits: what is tried was shown by the last look.
        let Some(seen) = self.files.get_mut(path) else { return (FIRST_REST, 1) };
        seen.failures = seen.failures.saturating_add(1);
        seen.failed = now;
        (rest(seen.failures), seen.failures)
    }

    /// A file has another state, and is the same.
    pub(crate) fn is_now(&mut self, path: &Path, state: FileState) {
        if let Some(seen) = self.files.get_mut(path) {
            seen.state = state;
        }
    }

    /// Whether a file has failed before as it is.
    pub(crate) fn has_failed(&self, path: &Path) -> bool {
        self.files.get(path).is_some_and(|seen| seen.failures > 0)
    }

    /// A file waits no more; if it is seen again, it is as if for the first time.
    pub(crate) fn forget(&mut self, path: &Path) {
        self.files.remove(path);
    }

    /// How many files wait.
    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }
}

/// How long something is left alone that has failed so often.
fn rest(failures: u32) -> Duration {
    doubled(FIRST_REST, LONGEST_REST, failures)
}

/// The first span, doubled with each failure behind the first.
pub(crate) fn doubled(first: Duration, longest: Duration, failures: u32) -> Duration {
    let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(longest)
}

#[cfg(test)]
#[path = "ready_tests.rs"]
mod tests;
