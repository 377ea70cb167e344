//! Signs of life: a lock that a process holds as long as it lives, whatever ends it.
//!
//! The operating system releases the lock with the process, so a name that is still there and can be locked was
//! left by a process that died. Only lakes in a folder have locks; elsewhere nobody can be told dead but by age.

use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::time::SystemTime;

use object_store::path::Path;

use crate::{Error, Lake, Result};

const FOLDER: [&str; 2] = ["_carelake", "runs"];
const SUFFIX: &str = ".lock";
const HOLDS: &str = "holds";

/// A name that is held until [`Lock::release`]; dropped without it, or with the process, it is left for
/// others to find.
#[derive(Debug)]
pub struct Lock {
    name: String,
    path: Option<PathBuf>,
    _file: Option<File>,
}

impl Lock {
    /// What is held.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Ends the hold and removes the name.
    pub fn release(self) {
        if let Some(path) = &self.path {
            // A name that cannot be removed is found by the next one to look, who sees that nothing is left to do.
            let _ = fs::remove_file(path);
        }
    }
}

/// The names there are.
#[derive(Debug, Default)]
pub struct Locks {
    /// Left by processes that died, and held by this one now.
    pub seized: Vec<Lock>,
    /// Held by processes that live, this one among them.
    pub living: Vec<String>,
    /// When the first of the living began.
    pub living_since: Option<SystemTime>,
}

/// That this is the only one, of all processes of this machine, at a piece of work; until it is dropped or the process ends.
#[derive(Debug)]
pub struct Hold {
    _file: Option<File>,
}

impl Lake {
    /// Takes hold of a piece of work that one process at a time does; `None` when another is at it.
    ///
    /// It says nothing of runs. On a lake without locks everyone gets hold of everything.
    pub fn hold(&self, work: &str) -> Result<Option<Hold>> {
        let Some(folder) = self.folder().map(|folder| folder.join(FOLDER[0]).join(HOLDS)) else {
            return Ok(Some(Hold { _file: None }));
        };
        let opened = || {
            fs::create_dir_all(&folder)?;
            // It stays when the hold ends: of one that is removed and made again two could get hold.
            File::options().create(true).append(true).open(folder.join(work))
        };
        let file = opened().map_err(|error| failure("write", work, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Hold { _file: Some(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failure("lock", work, error)),
        }
    }

    /// Takes a name that nobody else uses.
    pub fn lock(&self, name: &str) -> Result<Lock> {
        let Some(folder) = self.lock_folder() else {
            return Ok(Lock { name: name.into(), path: None, _file: None });
        };
        let path = folder.join(format!("{name}{SUFFIX}"));
        let taken = folder.join(format!("{name}.new"));
        let locked = || {
            fs::create_dir_all(&folder)?;
            let file = File::create(&taken)?;
            file.lock()?;
            // Under its own name it is locked from the first moment on.
            fs::rename(&taken, &path)?;
            Ok(file)
        };
        let file = locked().map_err(|error| failure("write", name, error))?;
        Ok(Lock { name: name.into(), path: Some(path), _file: Some(file) })
    }

    /// Looks at every name, and takes those whose holder has died. On a lake without locks there is none.
    pub fn seize_abandoned(&self) -> Result<Locks> {
        let Some(folder) = self.lock_folder() else { return Ok(Locks::default()) };
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Locks::default()),
            Err(error) => return Err(failure("list", "", error)),
        };
        let mut found = Locks::default();
        for entry in entries {
            let path = entry.map_err(|error| failure("list", "", error))?.path();
            let name =
                path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(SUFFIX));
            let Some(name) = name.map(str::to_owned) else { continue };
            let file = match File::options().write(true).open(&path) {
                Ok(file) => file,
                // Its holder has just ended well.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failure("open", &name, error)),
            };
            match file.try_lock() {
                Ok(()) => found.seized.push(Lock { name, path: Some(path), _file: Some(file) }),
                Err(TryLockError::WouldBlock) => {
                    let began = file.metadata().and_then(|metadata| metadata.modified());
                    let began = began.unwrap_or(SystemTime::UNIX_EPOCH);
                    found.living_since = Some(found.living_since.map_or(began, |since| since.min(began)));
                    found.living.push(name);
                }
                Err(TryLockError::Error(error)) => return Err(failure("lock", &name, error)),
            }
        }
        Ok(found)
    }

    fn lock_folder(&self) -> Option<PathBuf> {
        self.folder().map(|folder| folder.join(FOLDER[0]).join(FOLDER[1]))
    }
}

fn failure(action: &'static str, name: &str, source: std::io::Error) -> Error {
    let key = Path::from_iter([FOLDER[0], FOLDER[1], name]);
    Error::store(action, &key, object_store::Error::Generic { store: "locks", source: source.into() })
}

#[cfg(test)]
mod tests {
    use crate::{Lake, Location};

    #[test]
    fn one_at_a_time_has_hold_of_a_piece_of_work() {
        let folder = tempfile::tempdir().unwrap();
        let lake = || Lake::at(Location::parse(folder.path().to_str().unwrap()).unwrap());
        let hold = lake().hold("watch").unwrap();
        assert!(hold.is_some());
        assert!(lake().hold("watch").unwrap().is_none());
        assert!(lake().hold("other").unwrap().is_some());
        drop(hold);
        assert!(lake().hold("watch").unwrap().is_some());
        let found = lake().seize_abandoned().unwrap();
        assert!(found.living.is_empty() && found.seized.is_empty(), "it is no run");
    }

    #[test]
    fn only_what_nobody_holds_is_seized() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::at(Location::parse(folder.path().to_str().unwrap()).unwrap());
        assert!(lake.seize_abandoned().unwrap().living.is_empty());
        let living = lake.lock("living").unwrap();
        drop(lake.lock("dead").unwrap());
        let found = lake.seize_abandoned().unwrap();
        assert_eq!(found.living, ["living"]);
        assert!(found.living_since.is_some_and(|since| since <= std::time::SystemTime::now()));
        assert_eq!(found.seized.iter().map(crate::Lock::name).collect::<Vec<_>>(), ["dead"]);
        assert!(lake.seize_abandoned().unwrap().seized.is_empty(), "what was seized is held");
        found.seized.into_iter().for_each(crate::Lock::release);
        living.release();
        assert!(lake.seize_abandoned().unwrap().living.is_empty());
    }
}
