//! A store in memory that is down when told so, and in which somebody else is at work at the worst moments.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// When somebody else comes in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// When the object is read for the first time, second time …
    Read(usize),
    /// At a write to the tables: the object is read, and not removed.
    Table,
}

/// What somebody else does: puts other bytes under a key, or removes the object.
#[derive(Debug)]
struct Deed {
    before: Before,
    key: Path,
    bytes: Option<Bytes>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Restless {
    inner: Arc<InMemory>,
    /// Nothing can be listed.
    lists_nothing: Arc<AtomicBool>,
    /// Nothing can be written.
    takes_nothing: Arc<AtomicBool>,
    /// A folder of the lake that cannot be listed for a bad key in it.
    has_bad_key: Arc<Mutex<Option<&'static str>>>,
    deed: Arc<Mutex<Option<Deed>>>,
    listed: Arc<Mutex<Vec<String>>>,
}

impl Restless {
    pub(super) fn lists_nothing(&self, is_so: bool) {
        self.lists_nothing.store(is_so, Ordering::SeqCst);
    }

    pub(super) fn takes_nothing(&self, is_so: bool) {
        self.takes_nothing.store(is_so, Ordering::SeqCst);
    }

    pub(super) fn has_bad_key(&self, folder: Option<&'static str>) {
        *self.has_bad_key.lock().unwrap() = folder;
    }

    /// Has an object of the lake replaced, or removed, at a moment.
    pub(super) fn replaces(&self, before: Before, key: &str, bytes: Option<&[u8]>) {
        let key = Path::parse(format!("lake/{key}")).unwrap();
        let bytes = bytes.map(Bytes::copy_from_slice);
        *self.deed.lock().unwrap() = Some(Deed { before, key, bytes });
    }

    /// The folders of the lake that were listed level by level since the last time.
    pub(super) fn listed(&self) -> Vec<String> {
        std::mem::take(&mut self.listed.lock().unwrap())
    }

    async fn comes_in(&self, is_now: impl Fn(&mut Deed) -> bool) {
        let deed = {
            let mut deed = self.deed.lock().unwrap();
            if deed.as_mut().is_some_and(is_now) { deed.take() } else { None }
        };
        match deed {
            Some(Deed { key, bytes: Some(bytes), .. }) => {
                drop(self.inner.put(&key, bytes.into()).await.unwrap())
            }
            Some(Deed { key, .. }) => self.inner.delete(&key).await.unwrap(),
            None => {}
        }
    }

    fn refuses(is_so: &AtomicBool) -> Result<()> {
        let refused =
            || Error::Generic { store: "Restless", source: "lake/raw/lab/STONE is in the text".into() };
        if is_so.load(Ordering::SeqCst) { Err(refused()) } else { Ok(()) }
    }
}

impl fmt::Display for Restless {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Restless")
    }
}

#[async_trait]
impl ObjectStore for Restless {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        Self::refuses(&self.takes_nothing)?;
        let is_table = location.as_ref().starts_with("lake/staging/table/");
        self.comes_in(|deed| is_table && deed.before == Before::Table).await;
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Self::refuses(&self.takes_nothing)?;
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let is_now = |deed: &mut Deed| match &mut deed.before {
            Before::Read(reads) if deed.key == *location && !options.head => {
                *reads -= 1;
                *reads == 0
            }
            _ => false,
        };
        self.comes_in(is_now).await;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match Self::refuses(&self.lists_nothing) {
            Ok(()) => self.inner.list(prefix),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        Self::refuses(&self.lists_nothing)?;
        let folder = prefix.map(|prefix| prefix.as_ref()["lake/".len()..].to_owned()).unwrap_or_default();
        if *self.has_bad_key.lock().unwrap() == Some(folder.as_str()) {
            return Err(Path::parse(format!("{folder}//STONE.hl7")).unwrap_err().into());
        }
        self.listed.lock().unwrap().push(folder);
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
