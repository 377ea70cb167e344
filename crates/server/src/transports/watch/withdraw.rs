//! Withdraw: takes a file away whose bytes are durable in the lake, and only that one.
//!
//! Between the last look at a file and its removal somebody may put another one in its place. So the file first gets a name
//! that nobody else uses, which takes it or the other one, and is looked at again under that name; another one goes back.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use pipeline::FileState;

use super::names;

/// What became of a file that was to be withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withdrawn {
    /// It is withdrawn.
    Done,
    /// It is not what was read: it stays.
    Changed,
    /// It was not there.
    Gone,
    /// It cannot be removed or moved, and is where it was, in this state: having had another name has changed it.
    Stays(io::ErrorKind, FileState),
}

/// Withdraws a file that was read in a state: removes it, or moves it below another folder.
pub(crate) fn withdraw(path: &Path, state: &FileState, to: Option<&Path>) -> io::Result<Withdrawn> {
    let before = match fs::symlink_metadata(path) {
        Ok(before) if before.is_file() && FileState::of(&before) == *state => before,
        Ok(_) => return Ok(Withdrawn::Changed),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Withdrawn::Gone),
        Err(error) => return Err(error),
    };
    withdraw_seen(path, &before, to)
}

/// Withdraws the file that was seen a moment ago.
fn withdraw_seen(path: &Path, before: &Metadata, to: Option<&Path>) -> io::Result<Withdrawn> {
    let Some(away) = names::withdrawn_name(path, unique()) else {
        // Its name cannot get longer.
        dispose(path, to)?;
        return Ok(Withdrawn::Done);
    };
    fs::rename(path, &away)?;
    let after = fs::symlink_metadata(&away)?;
    if !is_same(before, &after) {
        put_back(&away, path)?;
        return Ok(Withdrawn::Changed);
    }
    let Err(error) = dispose(&away, to) else { return Ok(Withdrawn::Done) };
    let back = put_back(&away, path)?;
    let again = fs::symlink_metadata(&back)?;
    match back == path && is_same(before, &again) {
        true => Ok(Withdrawn::Stays(error.kind(), FileState::of(&again))),
        false => Ok(Withdrawn::Changed),
    }
}

/// Gives a file that somebody began to withdraw the name that it had; or one like it, if there is another file of that name.
pub(crate) fn put_back(away: &Path, path: &Path) -> io::Result<PathBuf> {
    rename_new(away, path)
}

/// Removes a file, or moves it to a path, or one like it.
fn dispose(path: &Path, to: Option<&Path>) -> io::Result<()> {
    let Some(to) = to else { return fs::remove_file(path) };
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    match rename_new(path, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy_new(path, to),
        renamed => renamed.map(drop),
    }
}

/// Renames a file without overwriting another; gives the name that it has.
fn rename_new(from: &Path, to: &Path) -> io::Result<PathBuf> {
    for to in names_like(to) {
        match fs::hard_link(from, &to) {
            Ok(()) => {
                fs::remove_file(from)?;
                return Ok(to);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::CrossesDevices | io::ErrorKind::NotFound) => {
                return Err(error);
            }
            // A file system without second names.
            Err(_) if !to.try_exists()? => {
                fs::rename(from, &to)?;
                return Ok(to);
            }
            Err(_) => {}
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Moves a file to another file system, durable there before it goes here.
fn copy_new(from: &Path, to: &Path) -> io::Result<()> {
    for to in names_like(to) {
        let mut copy = match File::create_new(&to) {
            Ok(copy) => copy,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        };
        let mut source = File::open(from)?;
        if let Err(error) = io::copy(&mut source, &mut copy).and_then(|_| copy.sync_all()) {
            // Half of a file is none.
            let _ = fs::remove_file(&to);
            return Err(error);
        }
        if let Ok(modified) = source.metadata().and_then(|metadata| metadata.modified()) {
            let _ = copy.set_modified(modified);
        }
        return fs::remove_file(from);
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn names_like(path: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    const MOST: usize = 10_000;
    (1..=MOST).map(|number| match number {
        1 => path.to_owned(),
        number => names::numbered(path, number),
    })
}

/// Whether two looks show the same file, unwritten. Getting another name changes what the file system says of its last change.
fn is_same(before: &Metadata, after: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if (before.dev(), before.ino()) != (after.dev(), after.ino()) {
            return false;
        }
    }
    let (before, after) = (FileState::of(before), FileState::of(after));
    (before.size, before.modified) == (after.size, after.modified)
}

/// A number that no other withdrawal has, of this process or an earlier one.
fn unique() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
    let next = |last: u64| now.max(last + 1);
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
    next(last.unwrap_or_default()) ^ (u64::from(std::process::id()) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(path: &Path, text: &str) -> FileState {
        fs::write(path, text).unwrap();
        FileState::of(&fs::symlink_metadata(path).unwrap())
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn the_file_that_was_read_goes_and_no_other() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x.hl7");
        let state = written(&path, "one");
        assert_eq!(withdraw(&path, &state, None).unwrap(), Withdrawn::Done);
        assert!(names(place.path()).is_empty());
        assert_eq!(withdraw(&path, &state, None).unwrap(), Withdrawn::Gone);
        let other = written(&path, "more");
        assert_eq!(withdraw(&path, &state, None).unwrap(), Withdrawn::Changed);
        assert_eq!(fs::read(&path).unwrap(), b"more");
        assert_eq!(FileState::of(&fs::symlink_metadata(&path).unwrap()), other, "it was not touched");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(withdraw(&path, &state, None).unwrap(), Withdrawn::Changed);
    }

    #[test]
    fn what_comes_in_its_place_in_the_last_moment_goes_back() {
        let place = tempfile::tempdir().unwrap();
        let (path, other) = (place.path().join("x.hl7"), place.path().join("y.hl7"));
        let seen = |text: &str| {
            written(&path, text);
            fs::symlink_metadata(&path).unwrap()
        };
        let before = seen("one");
        // With the same length and time.
        fs::write(&other, "two").unwrap();
        File::options().append(true).open(&other).unwrap().set_modified(before.modified().unwrap()).unwrap();
        fs::rename(&other, &path).unwrap();
        #[cfg(unix)]
        assert_eq!(withdraw_seen(&path, &before, None).unwrap(), Withdrawn::Changed);
        assert_eq!(fs::read(&path).unwrap(), b"two");
        let before = seen("three");
        fs::write(&path, "four and more").unwrap();
        assert_eq!(withdraw_seen(&path, &before, None).unwrap(), Withdrawn::Changed);
        assert_eq!(fs::read(&path).unwrap(), b"four and more");
        assert_eq!(names(place.path()), ["x.hl7"]);
    }

    #[test]
    fn a_moved_file_overwrites_nothing() {
        let place = tempfile::tempdir().unwrap();
        let (path, to) = (place.path().join("x.hl7"), place.path().join("moved/lab/x.hl7"));
        for text in ["one", "two", "three"] {
            let state = written(&path, text);
            assert_eq!(withdraw(&path, &state, Some(&to)).unwrap(), Withdrawn::Done);
        }
        let moved = place.path().join("moved/lab");
        assert_eq!(names(&moved), ["x-2.hl7", "x-3.hl7", "x.hl7"]);
        assert_eq!(fs::read(moved.join("x-3.hl7")).unwrap(), b"three");
        let state = written(&path, "four");
        let blocked = place.path().join("moved/lab/x.hl7/y.hl7");
        let withdrawn = withdraw(&path, &state, Some(&blocked)).unwrap();
        let now = FileState::of(&fs::symlink_metadata(&path).unwrap());
        assert!(matches!(withdrawn, Withdrawn::Stays(_, state) if state == now), "{withdrawn:?}");
        assert_eq!(fs::read(&path).unwrap(), b"four", "what cannot be moved stays where it was");
    }

    #[test]
    fn a_copy_is_as_the_file_was() {
        let place = tempfile::tempdir().unwrap();
        let (path, to) = (place.path().join("x.hl7"), place.path().join("y.hl7"));
        written(&to, "there");
        let modified = File::create(&path).unwrap();
        modified.set_modified(UNIX_EPOCH + std::time::Duration::from_secs(77)).unwrap();
        copy_new(&path, &to).unwrap();
        let copy = fs::symlink_metadata(place.path().join("y-2.hl7")).unwrap();
        assert_eq!(copy.modified().unwrap(), UNIX_EPOCH + std::time::Duration::from_secs(77));
        assert_eq!(names(place.path()), ["y-2.hl7", "y.hl7"]);
    }

    #[test]
    fn a_file_goes_back_beside_one_that_has_its_name() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x.hl7");
        let away = names::withdrawn_name(&path, 1).unwrap();
        fs::write(&away, "one").unwrap();
        put_back(&away, &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        fs::write(&away, "two").unwrap();
        put_back(&away, &path).unwrap();
        assert_eq!(names(place.path()), ["x-2.hl7", "x.hl7"]);
    }

    #[test]
    fn no_number_comes_twice() {
        let numbers: std::collections::HashSet<u64> = (0..10_000).map(|_| unique()).collect();
        assert_eq!(numbers.len(), 10_000);
    }
}
