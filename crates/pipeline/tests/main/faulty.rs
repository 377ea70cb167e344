//! A store in memory that fails once, in one of the ways in which stores far away fail.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// What happens once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A write is refused; nothing is written.
    WriteRefused,
    /// A write is done, and told as failed: the writer cannot know.
    ReplyLost,
    /// A read fails.
    ReadFails,
    /// A listing breaks off in its middle.
    ListingBreaks,
    /// From a write on, nothing is written any more.
    Cut,
}

/// A store that fails at one of its operations of the fault's kind.
#[derive(Clone, Debug)]
pub(crate) struct Faulty {
    inner: Arc<InMemory>,
    fault: Fault,
    at: usize,
    done: Arc<AtomicUsize>,
}

impl Faulty {
    /// Fails at the operation of that number, the first being 0.
    pub(crate) fn at(inner: Arc<InMemory>, fault: Fault, at: usize) -> Self {
        Self { inner, fault, at, done: Arc::default() }
    }

    /// Whether there was such an operation.
    pub(crate) fn has_failed(&self) -> bool {
        self.done.load(Ordering::SeqCst) > self.at
    }

    /// How many operations there were that the fault could have met.
    pub(crate) fn operations(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }

    fn is_now(&self, faults: &[Fault]) -> bool {
        if !faults.contains(&self.fault) {
            return false;
        }
        let number = self.done.fetch_add(1, Ordering::SeqCst);
        number == self.at || (self.fault == Fault::Cut && number > self.at)
    }

    async fn write<T>(&self, write: impl Future<Output = Result<T>>) -> Result<T> {
        if !self.is_now(&[Fault::WriteRefused, Fault::ReplyLost, Fault::Cut]) {
            return write.await;
        }
        if self.fault == Fault::ReplyLost {
            write.await?;
        }
        failed()
    }
}

fn failed<T>() -> Result<T> {
    Err(Error::Generic { store: "Faulty", source: "the connection broke off".into() })
}

impl fmt::Display for Faulty {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.write(self.inner.put_opts(location, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.write(self.inner.put_multipart_opts(location, options)).await?;
        Ok(Box::new(FaultyUpload { inner, store: self.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if self.is_now(&[Fault::ReadFails]) { failed() } else { self.inner.get_opts(location, options).await }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if self.is_now(&[Fault::ReadFails]) {
            failed()
        } else {
            self.inner.get_ranges(location, ranges).await
        }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let removals = locations.then(move |location| {
            let store = store.clone();
            async move {
                let location = location?;
                let one = store.inner.delete_stream(stream::iter([Ok(location.clone())]).boxed());
                store.write(one.try_collect::<Vec<_>>()).await?;
                Ok(location)
            }
        });
        removals.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let listing = self.inner.list(prefix);
        if self.is_now(&[Fault::ListingBreaks]) {
            return listing.take(1).chain(stream::iter([failed()])).boxed();
        }
        listing
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        if self.is_now(&[Fault::ListingBreaks]) {
            failed()
        } else {
            self.inner.list_with_delimiter(prefix).await
        }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.write(self.inner.copy_opts(from, to, options)).await
    }
}

#[derive(Debug)]
struct FaultyUpload {
    inner: Box<dyn MultipartUpload>,
    store: Faulty,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (part, store) = (self.inner.put_part(data), self.store.clone());
        Box::pin(async move { store.write(part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.store.write(self.inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
