//! The file door: what lies at the paths a person named.
//!
//! Folders are walked in order, so that the same folder is always received in the same order.

use std::fs;
use std::io::Read;
use std::path::{Path as FilePath, PathBuf};

use crate::{Error, Result, time};

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
            Self::File(path) => path.display().to_string(),
        };
        Received { feed: feed.into(), origin, received_at: time::now() }
    }

    /// Opens the input for reading.
    pub fn open(&self) -> Result<Box<dyn Read + Send>> {
        match self {
            Self::Standard => Ok(Box::new(std::io::stdin())),
            Self::File(path) => match fs::File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(source) => Err(Error::Input { path: path.clone(), source }),
            },
        }
    }

    /// The path, for messages to people.
    pub fn path(&self) -> &FilePath {
        match self {
            Self::Standard => FilePath::new("-"),
            Self::File(path) => path,
        }
    }
}

fn walk(path: &FilePath, inputs: &mut Vec<Result<Input>>) {
    let unreadable = |source| Error::Input { path: path.into(), source };
    let is_folder = match fs::metadata(path) {
        Ok(metadata) => metadata.is_dir(),
        Err(source) => return inputs.push(Err(unreadable(source))),
    };
    if !is_folder {
        return inputs.push(Ok(Input::File(path.into())));
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(source) => return inputs.push(Err(unreadable(source))),
    };
    let mut paths = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => paths.push(entry.path()),
            Err(source) => inputs.push(Err(unreadable(source))),
        }
    }
    paths.sort();
    for path in &paths {
        walk(path, inputs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_walked_in_order_and_missing_paths_are_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["c.hl7", "b/z.hl7", "a.hl7"] {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        let inputs = Input::expand(&[folder.path().into(), folder.path().join("gone"), "-".into()]);
        let shown: Vec<String> = inputs
            .iter()
            .map(|input| match input {
                Ok(Input::File(path)) => path.strip_prefix(folder.path()).unwrap().display().to_string(),
                Ok(Input::Standard) => "-".into(),
                Err(_) => "unreadable".into(),
            })
            .collect();
        assert_eq!(shown, ["a.hl7", "b/z.hl7", "c.hl7", "unreadable", "-"]);
    }
}
