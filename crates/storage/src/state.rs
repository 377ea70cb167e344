//! Objects that others put into the lake and may replace: what lies in a folder, and what tells an object from what it was.

use std::ops::Range;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error as StoreError, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::{Error, Lake, Result};

/// What tells an object from what it was before: if it is the same, nobody has replaced it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectState {
    /// Bytes.
    pub size: u64,
    /// When it was put, in seconds since 1970: listings may tell more, and then answers for one object do not.
    pub modified: i64,
    /// The entity tag (`ETag`) of its bytes, without quotes, if the store gives one.
    pub tag: Option<String>,
}

/// What lies directly in a folder.
#[derive(Clone, Debug, Default)]
pub struct Level {
    /// The objects.
    pub objects: Vec<(Path, ObjectState)>,
    /// The folders.
    pub folders: Vec<Path>,
}

impl ObjectState {
    fn of(meta: &ObjectMeta) -> Self {
        let plain = |tag: &str| tag.trim_start_matches("W/").trim_matches('"').to_owned();
        Self {
            size: meta.size,
            modified: meta.last_modified.timestamp(),
            tag: meta.e_tag.as_deref().map(plain),
        }
    }
}

impl Lake {
    /// What lies directly in a folder: the folders in it are named, and not looked into.
    pub async fn level(&self, folder: &Path) -> Result<Level> {
        let listed = self.store().list_with_delimiter(Some(folder)).await;
        let listed = listed.map_err(|error| Error::store("list", folder, error))?;
        // Some programs put an empty object with the folder's own name, to have a folder.
        let objects = listed.objects.into_iter().filter(|meta| meta.location != *folder);
        let objects = objects.map(|meta| (meta.location.clone(), ObjectState::of(&meta))).collect();
        Ok(Level { objects, folders: listed.common_prefixes })
    }

    /// An object as it is now; `None` if there is none.
    pub async fn state(&self, key: &Path) -> Result<Option<ObjectState>> {
        match self.store().head(key).await {
            Ok(meta) => Ok(Some(ObjectState::of(&meta))),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::store("look at", key, error)),
        }
    }

    /// Reads `range` of an object, in bytes, and tells which state of it they are of.
    pub async fn read_with_state(&self, key: &Path, range: Range<u64>) -> Result<(ObjectState, Bytes)> {
        let read = async {
            let got = self.store().get_opts(key, GetOptions::new().with_range(Some(range))).await?;
            let state = ObjectState::of(&got.meta);
            Ok((state, got.bytes().await?))
        };
        read.await.map_err(|error| Error::store("read", key, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Location;

    #[tokio::test]
    async fn a_level_has_what_lies_directly_in_a_folder() {
        let lake = Lake::at(Location::memory().unwrap());
        for key in ["raw", "raw/a", "raw/lab/b", "raw/lab/deep/c", "rawer"] {
            lake.put_new(&Path::from(key), "x".into()).await.unwrap();
        }
        let level = lake.level(&Path::from("raw")).await.unwrap();
        let keys: Vec<&str> = level.objects.iter().map(|(key, _)| key.as_ref()).collect();
        assert_eq!(keys, ["raw/a"]);
        assert_eq!(level.folders, [Path::from("raw/lab")]);
        assert!(lake.level(&Path::from("none")).await.unwrap().objects.is_empty());
    }

    #[tokio::test]
    async fn a_listing_a_look_and_a_read_tell_the_same_state_until_the_object_is_replaced() {
        let lake = Lake::at(Location::memory().unwrap());
        let key = Path::from("raw/a");
        assert_eq!(lake.state(&key).await.unwrap(), None);
        lake.put_new(&key, "one".into()).await.unwrap();
        let listed = lake.level(&Path::from("raw")).await.unwrap().objects.remove(0).1;
        assert_eq!(lake.state(&key).await.unwrap().as_ref(), Some(&listed));
        let (read, bytes) = lake.read_with_state(&key, 1..3).await.unwrap();
        assert_eq!((&read, &bytes[..]), (&listed, &b"ne"[..]));
        lake.store().put(&key, "two".into()).await.unwrap();
        assert_ne!(lake.state(&key).await.unwrap(), Some(listed));
    }
}
