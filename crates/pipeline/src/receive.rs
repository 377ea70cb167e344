//! The file door: what lies at the paths a person named.
//!
//! Folders are walked in order, so that the same folder is always received in the same order.

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::path::{Path as FilePath, PathBuf};
use std::time::SystemTime;

use storage::{Lake, marker_key};

use crate::drops::DropReader;
use crate::{Error, FileState, Result, time};

/// One input as it is taken up: where it came from, for which feed, when.
#[derive(Clone, Debug)]
pub struct Received {
    /// The sender's stream, as configured; `default` unless told otherwise.
    pub feed: String,
    /// Where the bytes came from, as the person named it. Kept in receipts; never part of an id.
    pub origin: String,
    /// Microseconds since 1970, UTC.
    pub received_at: i64,
}

/// Something that can be read from its beginning to its end, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The standard input.
    Standard,
    /// A file.
    File(PathBuf),
    /// An object that somebody put into the raw zone of a lake on a store, see [`crate::Drops`].
    Dropped {
        /// Its key in the lake.
        key: PathBuf,
        /// As it was listed. If it is not so any more, it is not taken up.
        state: FileState,
    },
}

impl Input {
    /// The inputs that paths stand for: `-` is the standard input, a folder every file in it at any depth.
    pub fn expand(paths: &[PathBuf]) -> Vec<Result<Self>> {
        let mut inputs = Vec::new();
        for path in paths {
            if path.as_os_str() == "-" {
                inputs.push(Ok(Self::Standard));
            } else {
                walk(path, &mut inputs);
            }
        }
        inputs
    }

    /// Takes the input up, now.
    pub fn receive(&self, feed: &str) -> Received {
        let origin = match self {
            Self::Standard => "-".into(),
            Self::File(path) | Self::Dropped { key: path, .. } => path.display().to_string(),
        };
        Received { feed: feed.into(), origin, received_at: time::now() }
    }

    /// Opens the input, which may be an object of this lake, for reading off the asynchronous threads.
    pub fn open(&self, lake: &Lake) -> Result<Box<dyn Read + Send>> {
        match self {
            Self::Standard => Ok(Box::new(std::io::stdin())),
            Self::File(path) => match fs::File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(source) => Err(Error::Input { path: path.clone(), source }),
            },
            Self::Dropped { key, state } => Ok(Box::new(DropReader::new(lake, key, *state)?)),
        }
    }

    /// Length and time of change of a file: if they differ later, it has changed. An object is read as it was listed or not at all.
    pub(crate) fn state(&self) -> Option<(u64, Option<SystemTime>)> {
        match self {
            Self::Standard | Self::Dropped { .. } => None,
            Self::File(path) => {
                let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
                Some((metadata.len(), metadata.modified().ok()))
            }
        }
    }

    /// The path, for messages to people.
    pub fn path(&self) -> &FilePath {
        match self {
            Self::Standard => FilePath::new("-"),
            Self::File(path) | Self::Dropped { key: path, .. } => path,
        }
    }
}

/// Adds what a path that a person named stands for.
fn walk(path: &FilePath, inputs: &mut Vec<Result<Input>>) {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => walk_folder(path, &mut HashSet::new(), inputs),
        // Named by a person, it may be a pipe or a device too.
        Ok(_) => inputs.push(Ok(Input::File(path.into()))),
        Err(source) => inputs.push(Err(Error::Input { path: path.into(), source })),
    }
}

/// Adds the files of a folder, except those that are no files, or are a lake's own.
fn walk_folder(folder: &FilePath, walked: &mut HashSet<PathBuf>, inputs: &mut Vec<Result<Input>>) {
    let unreadable = |path: &FilePath, source| Error::Input { path: path.into(), source };
    if folder.join(marker_key().as_ref()).is_file() {
        return inputs.push(Err(Error::LeftOut { path: folder.into(), what: "it is a lake itself" }));
    }
    // A link may lead back to where it is.
    if !folder.canonicalize().is_ok_and(|folder| walked.insert(folder)) {
        return;
    }
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(source) => return inputs.push(Err(unreadable(folder, source))),
    };
    let mut paths = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => paths.push(entry.path()),
            Err(source) => inputs.push(Err(unreadable(folder, source))),
        }
    }
    paths.sort();
    for path in paths {
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => walk_folder(&path, walked, inputs),
            Ok(metadata) if metadata.is_file() => inputs.push(Ok(Input::File(path))),
            Ok(_) => inputs.push(Err(Error::LeftOut { path, what: "it is a pipe, a socket or a device" })),
            Err(source) => inputs.push(Err(unreadable(&path, source))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_walked_in_order_once_and_what_is_left_out_is_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["c.hl7", "b/z.hl7", "a.hl7"] {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(folder.path(), folder.path().join("b/loop")).unwrap();
            std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        }
        fs::create_dir_all(folder.path().join("lake/_carelake")).unwrap();
        fs::write(folder.path().join("lake/_carelake/format"), "1").unwrap();
        let inputs = Input::expand(&[folder.path().into(), folder.path().join("gone"), "-".into()]);
        let shown: Vec<String> = inputs
            .iter()
            .map(|input| match input {
                Ok(Input::File(path)) => path.strip_prefix(folder.path()).unwrap().display().to_string(),
                Ok(Input::Standard) => "-".into(),
                Ok(Input::Dropped { .. }) => "dropped".into(),
                Err(Error::LeftOut { path, .. }) => format!("not {}", path.file_name().unwrap().display()),
                Err(_) => "unreadable".into(),
            })
            .collect();
        assert_eq!(shown, ["a.hl7", "b/z.hl7", "c.hl7", "not lake", "not socket", "unreadable", "-"]);
    }
}
