//! A disk on which a step fails, or the power: then all that was not synced is gone, as badly as it can be.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use storage::{Disk, ThisMachine};

/// What happens at one step of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The step fails, a write when half of it is done; all others go well.
    Error,
    /// The step is done, and told as failed; all others go well.
    Untold,
    /// From the step on there is no room: nothing is made or written any more, the first write half. All else goes well.
    Full,
    /// The step and all behind it fail, and [`Failing::lose`] gives what a power cut leaves.
    Power,
}

/// A disk that counts its steps and fails at one of them.
#[derive(Debug)]
pub(crate) struct Failing {
    fault: Fault,
    at: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    steps: usize,
    is_dead: bool,
    /// Bytes of each file that a sync has made durable, by the name it was created with.
    synced: HashMap<PathBuf, u64>,
    /// Changes of names that no sync of their folder has made durable, oldest first.
    changes: Vec<Change>,
}

/// A change of names, with what it takes to undo it.
#[derive(Debug)]
enum Change {
    Folder(PathBuf),
    /// A name that was not there before.
    New(PathBuf),
    /// A name that was there before, with the bytes it stood for.
    Gone(PathBuf, Vec<u8>),
}

impl Failing {
    /// Fails at the step of that number, the first being 0.
    pub(crate) fn at(fault: Fault, at: usize) -> Self {
        Self { fault, at, state: Mutex::default() }
    }

    /// Whether the step was reached.
    pub(crate) fn has_failed(&self) -> bool {
        self.state().steps > self.at
    }

    /// How many steps were taken.
    pub(crate) fn steps(&self) -> usize {
        self.state().steps
    }

    /// Makes the disk what it is when the power comes back.
    pub(crate) fn lose(&self) {
        assert_eq!(self.fault, Fault::Power);
        let mut state = self.state();
        // A file's names share its bytes: what was cut short under the one is short under the other.
        for (path, synced) in &state.synced {
            if let Ok(file) = File::options().write(true).open(path)
                && file.metadata().unwrap().len() > *synced
            {
                file.set_len(*synced).unwrap();
            }
        }
        for change in state.changes.drain(..).rev() {
            match change {
                Change::Folder(folder) => std::fs::remove_dir_all(folder).unwrap(),
                Change::New(path) => std::fs::remove_file(path).unwrap(),
                Change::Gone(path, bytes) => std::fs::write(path, bytes).unwrap(),
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Takes a step, unless it is the one that fails. The state stays locked until it is done, so that steps are told apart
    /// from each other.
    fn step<T>(&self, needs: Needs, take: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state();
        let number = state.steps;
        state.steps += 1;
        state.is_dead |= number == self.at && self.fault == Fault::Power;
        match self.fault {
            Fault::Power if state.is_dead => self.fails(),
            Fault::Error if number == self.at => self.fails(),
            Fault::Full if number >= self.at && needs == Needs::Room => self.fails(),
            Fault::Untold if number == self.at => take(&mut state).and_then(|_| self.fails()),
            _ => take(&mut state),
        }
    }

    fn fails<T>(&self) -> io::Result<T> {
        Err(match self.fault {
            Fault::Full => io::ErrorKind::StorageFull.into(),
            _ => io::Error::other("the disk fails"),
        })
    }
}

/// What a step takes of a disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Room,
    Nothing,
}

impl Disk for Failing {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.step(Needs::Room, |state| {
            ThisMachine.create_folder(folder)?;
            state.changes.push(Change::Folder(folder.into()));
            Ok(())
        })
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        self.step(Needs::Room, |state| {
            let file = ThisMachine.create(path)?;
            state.changes.push(Change::New(path.into()));
            state.synced.insert(path.into(), 0);
            Ok(file)
        })
    }

    fn write(&self, file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut is_done = false;
        let written = self.step(Needs::Room, |_| {
            is_done = true;
            ThisMachine.write(file, path, bytes)
        });
        if !is_done {
            file.write_all(&bytes[..bytes.len() / 2])?;
        }
        written
    }

    fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        self.step(Needs::Nothing, |state| {
            state.synced.insert(path.into(), file.metadata()?.len());
            Ok(())
        })
    }

    fn sync_data(&self, file: &File, path: &Path) -> io::Result<()> {
        self.sync(file, path)
    }

    fn cut(&self, file: &File, path: &Path, length: u64) -> io::Result<()> {
        self.step(Needs::Nothing, |_| ThisMachine.cut(file, path, length))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(Needs::Nothing, |state| {
            let (moved, replaced) = (std::fs::read(from)?, std::fs::read(to));
            ThisMachine.rename(from, to)?;
            state.changes.push(Change::Gone(from.into(), moved));
            match replaced {
                Ok(bytes) => state.changes.push(Change::Gone(to.into(), bytes)),
                Err(_) => state.changes.push(Change::New(to.into())),
            }
            named(state, from, to);
            Ok(())
        })
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(Needs::Room, |state| {
            ThisMachine.link(from, to)?;
            state.changes.push(Change::New(to.into()));
            named(state, from, to);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(Needs::Nothing, |state| {
            let bytes = std::fs::read(path)?;
            ThisMachine.remove(path)?;
            state.changes.push(Change::Gone(path.into(), bytes));
            Ok(())
        })
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.step(Needs::Nothing, |state| {
            ThisMachine.sync_folder(folder)?;
            state.changes.retain(|change| {
                let (Change::Folder(path) | Change::New(path) | Change::Gone(path, _)) = change;
                path.parent() != Some(folder)
            });
            Ok(())
        })
    }
}

/// As much is durable under the new name as under the old one.
fn named(state: &mut State, from: &Path, to: &Path) {
    if let Some(synced) = state.synced.get(from).copied() {
        state.synced.insert(to.into(), synced);
    }
}
