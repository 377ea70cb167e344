//! What is watched, and how: the settings of one folder.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use pipeline::{Lake, check_feed, is_drop, raw_prefix};

/// A folder that is watched. [`Folder::at`] and [`Folder::raw`] make one with what is usual; the fields change it.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Where it is; the address of the zone, if it is the raw zone of a lake on a store.
    pub path: PathBuf,
    /// Whose files are in it.
    pub feed: FolderFeed,
    /// How a file shows that it is complete.
    pub ready: Ready,
    /// How long a file must not have changed, for [`Ready::Stable`].
    pub settle: Duration,
    /// What is done with a file once its bytes are durable in the lake.
    pub after: After,
    /// What lies in it beside what is dropped there.
    pub(crate) kind: Kind,
}

/// What a folder is to the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It has nothing of ours.
    Other,
    /// It is the raw folder, in which files of ours lie too.
    Raw,
    /// It is the raw zone of a lake on a store, and no folder of any machine.
    RawInStore,
}

/// Whose files are in a folder.
#[derive(Clone, Debug)]
pub enum FolderFeed {
    /// All are of this feed, at any depth.
    Named(String),
    /// The first folder below the watched one is the feed.
    BySubFolder {
        /// The feed of the files that are in none.
        otherwise: String,
        /// Feeds of sub-folders that are called otherwise.
        names: BTreeMap<String, String>,
    },
}

/// How a file shows that it is complete.
///
/// Names that begin with `.` or `~` or end with `.part`, `.tmp`, `.filepart` or `.crdownload` say that it is not: such files are
/// passed over until they are renamed, or a done-file lies beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Neither its length nor its times have changed for a while.
    Stable,
    /// It has its name: it is taken at once.
    Rename,
    /// A file with `.done` behind its name lies beside it, and is no older.
    DoneFile,
}

/// What is done with a file once its bytes are durable in the lake. An empty file always stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// It stays, and is remembered.
    Keep,
    /// It is removed.
    Remove,
    /// It goes to the same place below this folder, which may be on another disk. Nothing there is overwritten.
    Move(PathBuf),
}

impl Default for FolderFeed {
    fn default() -> Self {
        Self::BySubFolder { otherwise: "default".into(), names: BTreeMap::new() }
    }
}

impl Folder {
    /// A folder whose sub-folders are feeds, and whose files are taken when they are stable, and stay.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            feed: FolderFeed::default(),
            ready: Ready::Stable,
            settle: Duration::from_secs(2),
            after: After::Keep,
            kind: Kind::Other,
        }
    }

    /// The raw folder of a lake. What is dropped there goes once its bytes lie beside it under their own key.
    ///
    /// If the lake lies on a store, it is the prefix of that zone. An object has its name when all of it is there, so it is taken at once.
    pub fn raw(lake: &Lake) -> Self {
        let after = After::Remove;
        match lake.folder() {
            Some(folder) => Self { after, kind: Kind::Raw, ..Self::at(folder.join(raw_prefix().as_ref())) },
            None => {
                let shown = format!("{}/{}", lake.shown().trim_end_matches('/'), raw_prefix());
                Self { after, ready: Ready::Rename, kind: Kind::RawInStore, ..Self::at(shown) }
            }
        }
    }

    /// Whether it is no folder of this machine.
    pub(crate) fn is_in_store(&self) -> bool {
        self.kind == Kind::RawInStore
    }

    /// What paths below it are below of, for the pipeline; and what is remembered of it is found by this.
    pub(crate) fn root(&self) -> &Path {
        // The lake's own keys are the same however its address is written.
        if self.is_in_store() { Path::new("raw") } else { &self.path }
    }

    /// The feed of a file, given by its path below the folder.
    ///
    /// # Errors
    /// The sub-folder, if no feed can have its name.
    pub(crate) fn feed_of(&self, file: &Path) -> Result<String, PathBuf> {
        let (otherwise, names) = match &self.feed {
            FolderFeed::Named(feed) => return Ok(feed.clone()),
            FolderFeed::BySubFolder { otherwise, names } => (otherwise, names),
        };
        let mut components = file.components();
        let (Some(Component::Normal(first)), Some(_)) = (components.next(), components.next()) else {
            return Ok(otherwise.clone());
        };
        let name = first.to_str().map(|name| names.get(name).map_or(name, String::as_str));
        name.filter(|name| check_feed(name).is_ok()).map(str::to_owned).ok_or_else(|| PathBuf::from(first))
    }

    /// Whether a file, given by its path below the folder, is an object of the lake itself.
    pub(crate) fn is_ours(&self, file: &Path) -> bool {
        self.kind != Kind::Other && !is_drop(file)
    }

    /// How much of the lake's own is in a folder, given by its path below this one.
    pub(crate) fn ownership(&self, folder: &Path) -> Ownership {
        if self.kind == Kind::Other {
            return Ownership::None;
        }
        let mut names =
            folder.components().map(|component| component.as_os_str().to_str().unwrap_or_default());
        let (first, second) = (names.next(), names.next());
        match (first, second) {
            (Some("_receipts"), _) | (_, Some("live")) => Ownership::All,
            (_, Some(second)) if second.len() == 2 && second.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Ownership::Most
            }
            _ => Ownership::None,
        }
    }
}

/// How much of what is in a folder are objects of the lake itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    None,
    /// There may be a drop among very many objects.
    Most,
    All,
}

#[cfg(test)]
mod tests {
    use pipeline::Location;

    use super::*;

    #[test]
    fn the_first_folder_below_is_the_feed() {
        let mut folder = Folder::at("/srv/drops");
        let feed = |folder: &Folder, file: &str| folder.feed_of(Path::new(file));
        assert_eq!(feed(&folder, "x.hl7").unwrap(), "default");
        assert_eq!(feed(&folder, "lab/x.hl7").unwrap(), "lab");
        assert_eq!(feed(&folder, "lab/2024/x.hl7").unwrap(), "lab");
        assert_eq!(feed(&folder, "Lab North/x.hl7").unwrap_err(), Path::new("Lab North"));
        assert_eq!(feed(&folder, "_lab/a/x.hl7").unwrap_err(), Path::new("_lab"));
        let names = BTreeMap::from([("Lab North".to_owned(), "lab-north".to_owned())]);
        folder.feed = FolderFeed::BySubFolder { otherwise: "adt".into(), names };
        assert_eq!(feed(&folder, "Lab North/x.hl7").unwrap(), "lab-north");
        assert_eq!(feed(&folder, "Lab North").unwrap(), "adt", "a file of that name");
        folder.feed = FolderFeed::Named("all".into());
        assert_eq!(feed(&folder, "Lab South/x.hl7").unwrap(), "all");
    }

    #[test]
    fn only_in_the_raw_folder_is_anything_ours() {
        let hash = "0af9".repeat(8);
        let (object, drop) = (format!("lab/0a/{hash}-x.hl7"), Path::new("lab/x.hl7"));
        let lake = Lake::at(Location::parse("/srv/lake").unwrap());
        let raw = Folder::raw(&lake);
        assert!(raw.is_ours(Path::new(&object)) && !raw.is_ours(drop));
        let other = Folder::at("/srv/drops");
        assert!(!other.is_ours(Path::new(&object)));
        for (folder, ownership) in [
            ("_receipts", Ownership::All),
            ("lab/live", Ownership::All),
            ("lab/live/deeper", Ownership::All),
            ("lab/0a", Ownership::Most),
            ("lab/0a/deeper", Ownership::Most),
            ("lab", Ownership::None),
            ("live", Ownership::None),
            ("0a", Ownership::None),
            ("lab/2024", Ownership::None),
        ] {
            assert_eq!(raw.ownership(Path::new(folder)), ownership, "{folder}");
            assert_eq!(other.ownership(Path::new(folder)), Ownership::None);
        }
    }

    #[test]
    fn the_raw_zone_of_a_lake_on_a_store_has_the_address_of_the_lake() {
        let raw = Folder::raw(&Lake::at(Location::memory().unwrap()));
        assert_eq!((&*raw.path, raw.root()), (Path::new("memory:///lake/raw"), Path::new("raw")));
        assert!(raw.is_in_store() && raw.ownership(Path::new("lab/live")) == Ownership::All);
    }
}
