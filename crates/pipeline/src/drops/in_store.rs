//! Drops of a lake that lies on a store: what lies in `raw/`, and how a drop goes again.

use std::path::{Path as FilePath, PathBuf};

use object_store::path::Path;
use storage::{Lake, marker_key, raw_prefix};

use crate::{Error, FileState, Input, Result};

/// The raw zone of a lake on a store, as a folder that others put objects into. All paths are below `raw/`.
#[derive(Clone, Debug)]
pub struct Drops {
    lake: Lake,
}

/// What lies directly in a folder, the lake's own objects among it.
#[derive(Debug, Default)]
pub struct DropsLevel {
    /// The objects.
    pub files: Vec<(PathBuf, FileState)>,
    /// The folders.
    pub folders: Vec<PathBuf>,
    /// Whether the folder is a lake itself.
    pub is_lake: bool,
}

/// What became of a drop that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It is removed.
    Done,
    /// It is not what was read: it stays.
    Changed,
    /// It was not there.
    Gone,
}

impl Drops {
    /// The drops of a lake.
    pub fn of(lake: &Lake) -> Self {
        Self { lake: lake.clone() }
    }

    /// What lies directly in a folder.
    pub async fn level(&self, folder: &FilePath) -> Result<DropsLevel> {
        let key = key_of(folder)?;
        let level = self.lake.level(&key).await?;
        let marker: Path = key.parts().chain(marker_key().parts()).collect();
        let has_marks = key != raw_prefix() && level.folders.iter().any(|below| marker.prefix_matches(below));
        let is_lake = has_marks && self.lake.exists(&marker).await?;
        let file = |(key, state)| Some((below_raw(&key)?, FileState::of_object(&state)));
        Ok(DropsLevel {
            files: level.objects.into_iter().filter_map(file).collect(),
            folders: level.folders.iter().filter_map(below_raw).collect(),
            is_lake,
        })
    }

    /// A drop as something to take up, as long as it is in this state.
    pub fn input(file: &FilePath, state: FileState) -> Input {
        Input::Dropped { key: FilePath::new(raw_prefix().as_ref()).join(file), state }
    }

    /// Removes a drop whose bytes are durable under a key of the lake's own, if it still is in the state it was read in.
    ///
    /// No store can be asked to look and remove in one step. So what remains possible is that somebody puts other bytes under the
    /// same key between these two steps, which are one round trip apart: they are removed unread, unless the store keeps versions.
    /// Who gives each object a name of its own is safe from that.
    pub async fn remove(&self, file: &FilePath, state: &FileState) -> Result<Removed> {
        let key = key_of(file)?;
        match self.lake.state(&key).await? {
            None => return Ok(Removed::Gone),
            Some(now) if FileState::of_object(&now) != *state => return Ok(Removed::Changed),
            Some(_) => {}
        }
        self.lake.delete(&key).await?;
        Ok(Removed::Done)
    }
}

/// The key of what lies below `raw/`, letter by letter: making a key of parts would write some of them otherwise.
pub(super) fn key_of(below: &FilePath) -> Result<Path> {
    let raw = raw_prefix();
    let Some(below) = below.to_str() else { return Err(Error::Internal("a key that is no text".into())) };
    let key = if below.is_empty() { raw.to_string() } else { format!("{raw}/{below}") };
    Path::parse(key).map_err(|_| Error::Internal("a key that no store has".into()))
}

fn below_raw(key: &Path) -> Option<PathBuf> {
    let below = key.as_ref().strip_prefix(raw_prefix().as_ref())?.strip_prefix('/')?;
    Some(below.into())
}
