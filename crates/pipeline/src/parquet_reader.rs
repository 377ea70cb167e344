//! Reads Parquet files of the lake, only the byte ranges that are asked for.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use storage::Lake;

use crate::{Error, Result};

/// Bytes read from the end of a file at first: enough for most footers.
const FOOTER: usize = 64 << 10;

/// A Parquet file, opened.
pub(crate) type FileBuilder = ParquetRecordBatchStreamBuilder<RangeReader>;

/// Opens a file and reads its footer.
pub(crate) async fn open(lake: &Lake, key: &Path) -> Result<FileBuilder> {
    let reader = RangeReader { store: lake.store(), key: key.clone() };
    ParquetRecordBatchStreamBuilder::new(reader).await.map_err(|source| unreadable(key, source))
}

/// The error for a file that cannot be read.
pub(crate) fn unreadable(key: &Path, source: ParquetError) -> Error {
    // What the store says is more to the point than that the reader was stopped by it.
    let source = match source {
        ParquetError::External(inner) => match inner.downcast::<object_store::Error>() {
            Ok(error) if matches!(*error, object_store::Error::NotFound { .. }) => {
                ParquetError::General("it is gone".into())
            }
            Ok(error) => ParquetError::External(error),
            Err(inner) => ParquetError::External(inner),
        },
        source => source,
    };
    Error::DataFile { key: key.to_string(), source: Box::new(source) }
}

/// The byte ranges of one object.
#[derive(Debug)]
pub(crate) struct RangeReader {
    store: Arc<dyn ObjectStore>,
    key: Path,
}

impl AsyncFileReader for RangeReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move { self.store.get_range(&self.key, range).await.map_err(failure) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        async move { self.store.get_ranges(&self.key, &ranges).await.map_err(failure) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let size = self.store.head(&self.key).await.map_err(failure)?.size;
            let reader = ParquetMetaDataReader::new().with_prefetch_hint(Some(FOOTER));
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        }
        .boxed()
    }
}

fn failure(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}
