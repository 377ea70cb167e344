//! Power cuts: the store stops working at every single write in turn, and the same ingest again completes.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use pipeline::{Input, Settings, ingest};
use storage::{Lake, Location};

use crate::{Files, message, staged_ids, take};

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_at_any_write_loses_and_doubles_nothing() {
    let files = Files::new();
    files.add("a.hl7", format!("{}{}junk in front\r", message(0), message(1)));
    files.add("b.hl7", "nothing to see");
    files.add("c.hl7", format!("{}{}", message(2), message(3)));
    let mut cuts = 0;
    loop {
        let memory = Arc::new(InMemory::new());
        pipeline::init(Location::on_store(memory.clone()).unwrap()).await.unwrap();
        let cut = Arc::new(PowerCut { inner: memory.clone(), writes_left: AtomicUsize::new(cuts) });
        let failing = Lake::at(Location::on_store(cut).unwrap());
        let inputs = Input::expand(&[files.path().into()]);
        let finished = ingest(&failing, inputs, &Settings::default(), |_| {}).await.is_ok();

        let lake = Lake::open(Location::on_store(memory).unwrap()).await.unwrap();
        let before = staged_ids(&lake).await.len() as u64;
        let accounting = take(&lake, files.path()).await;
        assert_eq!(accounting.staged + before, 4, "after {cuts} writes: {accounting}");
        assert_eq!(staged_ids(&lake).await.len(), 4, "after {cuts} writes");
        assert_eq!(pipeline::errors(&lake).await.unwrap().len(), 1, "after {cuts} writes");
        if finished {
            break;
        }
        cuts += 1;
    }
    assert!(cuts > 10, "the cuts must fall between the writes of a run, of which there were {cuts}");
}

/// A store that does a number of writes and then no more.
#[derive(Debug)]
struct PowerCut {
    inner: Arc<InMemory>,
    writes_left: AtomicUsize,
}

impl PowerCut {
    fn write(&self) -> Result<()> {
        let spend = |left: usize| left.checked_sub(1);
        match self.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::Generic { store: "PowerCut", source: "the power is off".into() }),
        }
    }
}

impl fmt::Display for PowerCut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PowerCut")
    }
}

#[async_trait]
impl ObjectStore for PowerCut {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.write()?;
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.write()?;
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.write()?;
        self.inner.copy_opts(from, to, options).await
    }
}
