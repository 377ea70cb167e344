//! Opening a Delta table for reading: its schema and its files, and nothing else of it.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use deltalake::kernel::Snapshot;
use deltalake::logstore::{StorageConfig, logstore_with};
use futures::TryStreamExt;
use object_store::path::Path;
use storage::Lake;

use crate::Result;
use crate::table::{DataFile, FilesTable};

/// The newest version of a table.
pub(crate) async fn open(lake: &Lake, folder: &Path) -> Result<FilesTable> {
    let log = logstore_with(lake.root_store(), &lake.url(folder)?, StorageConfig::default())?;
    let snapshot = Snapshot::try_new(log.as_ref(), None).await?;
    let schema: SchemaRef = snapshot.arrow_schema();
    let mut files: Vec<DataFile> = snapshot
        .file_views(log.as_ref(), None)
        .map_ok(|view| DataFile {
            key: view.path().split('/').fold(folder.clone(), |key, part| key.join(part)),
            size: view.size().cast_unsigned(),
            rows: view.num_records(),
        })
        .try_collect()
        .await?;
    files.sort_by(|left, right| left.key.cmp(&right.key));
    Ok(FilesTable::new(schema, Arc::new(files)))
}
