//! The rows of a group of files in one new file, which is read again before anyone is told of it.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use parquet::arrow::async_reader::ParquetRecordBatchStream;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use storage::Lake;

use super::digest::Digest;
use super::merged_documents::MergedDocuments;
use crate::delta::{DataFile, FileWriter, LeafSizes, ListedFile, Table};
use crate::documents::{ListedLines, read_list, write_list};
use crate::parquet_reader::{self, RangeReader};
use crate::{Error, Result};

/// Rows read at once.
const ROWS: usize = 1_024;
/// Bytes of rows in memory from which on they are written, however few they are.
const BYTES: usize = 16 << 20;
/// Files opened at the same time: the waits for the store overlap.
const OPENED: usize = 8;

/// A file that is durable, and that no commit names yet.
pub(super) struct Written {
    pub(super) file: DataFile,
}

/// Why there is none.
pub(super) enum Failure {
    /// This file, or a document of it, cannot be read now.
    Unreadable(Path),
    Other(Error),
}

impl From<storage::Error> for Failure {
    fn from(error: storage::Error) -> Self {
        Self::Other(error.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Writes the rows of the files, which stay in the table, with their documents.
pub(super) async fn write(lake: &Lake, table: &Table, files: &[ListedFile]) -> Result<Written, Failure> {
    let Inputs { schema, sizes, mut files } = look_at(lake, files).await?;
    // Files of the same millisecond are told apart by what they say themselves.
    files.sort_by_key(|file| file.first);
    let has_documents = files.iter().any(|file| file.listed.documents.is_some());
    let documents = files.iter_mut().flat_map(|file| std::mem::take(&mut file.documents)).collect();
    let mut documents = MergedDocuments::new(lake, documents);
    let mut rows = Rows::new(FileWriter::new(schema, sizes));
    let mut opened = stream::iter(&files).map(|file| open(lake, file.listed)).buffered(OPENED);
    while let Some(opened) = opened.next().await {
        let (file, mut batches, mut lines) = opened?;
        let unreadable = || Failure::Unreadable(file.key.clone());
        while let Some(batch) = batches.try_next().await.map_err(|_| unreadable())? {
            if has_documents {
                documents.add(&batch, &mut lines).await?.ok_or_else(unreadable)?;
            }
            rows.add(batch).await?;
        }
        if lines.next().await.map_err(|_| unreadable())?.is_some() {
            return Err(unreadable());
        }
    }
    let (mut file, bytes, digest) = rows.finish().await?;
    let key = table.key_of(&file.path);
    lake.put_new(&key, bytes).await?;
    if read_again(lake, &key).await? != digest {
        let reason = "it is not what was written of the files before it".to_owned();
        return Err(Error::UnreadableFile { key: key.to_string(), reason }.into());
    }
    if has_documents {
        let list = write_list(lake, file.name(), &documents.finish().await?).await?;
        file.tags.insert("carelake.documents".into(), list.to_string().into());
    }
    Ok(Written { file })
}

/// What is known of the files before a row is read.
struct Inputs<'f> {
    /// The leaves of all of them.
    schema: SchemaRef,
    sizes: LeafSizes,
    files: Vec<InputFile<'f>>,
}

struct InputFile<'f> {
    listed: &'f ListedFile,
    /// The least `received_at` and `sequence`.
    first: [Option<i64>; 2],
    /// The keys of its documents, in order.
    documents: Vec<Path>,
}

async fn look_at<'f>(lake: &Lake, files: &'f [ListedFile]) -> Result<Inputs<'f>, Failure> {
    let mut looked_at = stream::iter(files)
        .map(|file| async move {
            let looked_at = async {
                let opened = parquet_reader::open(lake, &file.key).await?;
                let documents = match &file.documents {
                    Some(list) => read_list(lake, list).await?,
                    None => Vec::new(),
                };
                Ok::<_, Error>((opened.schema().clone(), opened.metadata().clone(), documents))
            };
            looked_at.await.map_err(|_| Failure::Unreadable(file.key.clone())).map(|found| (file, found))
        })
        .buffered(OPENED);
    let mut inputs =
        Inputs { schema: Arc::new(Schema::empty()), sizes: LeafSizes::default(), files: Vec::new() };
    while let Some(found) = looked_at.next().await {
        let (listed, (schema, metadata, documents)) = found?;
        inputs.schema = match inputs.files.is_empty() {
            true => schema,
            false => merge(&inputs.schema, &schema).map_err(|_| Failure::Unreadable(listed.key.clone()))?,
        };
        inputs.sizes.add(&metadata);
        let first = ["received_at", "sequence"].map(|column| least(&metadata, column));
        inputs.files.push(InputFile { listed, first, documents });
    }
    Ok(inputs)
}

/// The least value of a column of numbers, as the footer of a file tells.
fn least(metadata: &ParquetMetaData, column: &str) -> Option<i64> {
    let columns = metadata.row_groups().iter().flat_map(|group| group.columns());
    let of_it = columns.filter(|chunk| matches!(chunk.column_path().parts(), [name] if name == column));
    of_it
        .filter_map(|chunk| match chunk.statistics()? {
            Statistics::Int64(statistics) => statistics.min_opt().copied(),
            _ => None,
        })
        .min()
}

/// Both schemas in one, in which a column can be null if it can be in one of them, or if one lacks it.
fn merge(known: &SchemaRef, seen: &SchemaRef) -> Result<SchemaRef> {
    if known == seen {
        return Ok(known.clone());
    }
    let merged = tables::merge_schemas(known, seen)?;
    let is_full =
        |schema: &Schema, name: &str| schema.field_with_name(name).is_ok_and(|field| !field.is_nullable());
    let fields = merged.fields().iter().map(|field| {
        let is_full = is_full(known, field.name()) && is_full(seen, field.name());
        Field::new(field.name(), field.data_type().clone(), !is_full)
    });
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

type Opened<'f> = (&'f ListedFile, ParquetRecordBatchStream<RangeReader>, ListedLines);

async fn open<'f>(lake: &Lake, file: &'f ListedFile) -> Result<Opened<'f>, Failure> {
    let opened = async {
        let batches = parquet_reader::open(lake, &file.key).await?.with_batch_size(ROWS).build()?;
        Ok::<_, Error>((file, batches, ListedLines::open(lake, file).await?))
    };
    opened.await.map_err(|_| Failure::Unreadable(file.key.clone()))
}

/// Takes rows until there are enough for a row group, and writes that where it keeps nobody waiting.
struct Rows {
    pending: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    writing: Writing,
}

struct Writing {
    file: FileWriter,
    digest: Digest,
}

type Digested = ([u8; 32], u64);

impl Rows {
    fn new(file: FileWriter) -> Self {
        let writing = Writing { file, digest: Digest::default() };
        Self { pending: Vec::new(), rows: 0, bytes: 0, writing }
    }

    async fn add(&mut self, batch: RecordBatch) -> Result<()> {
        if self.rows > 0 && self.rows + batch.num_rows() > FileWriter::ROWS_A_GROUP {
            self.write().await?;
        }
        self.rows += batch.num_rows();
        self.bytes += batch.get_array_memory_size();
        self.pending.push(batch);
        if self.bytes >= BYTES { self.write().await } else { Ok(()) }
    }

    async fn write(&mut self) -> Result<()> {
        let batches = std::mem::take(&mut self.pending);
        (self.rows, self.bytes) = (0, 0);
        let empty = Writing {
            file: FileWriter::new(Arc::new(Schema::empty()), LeafSizes::default()),
            digest: Digest::default(),
        };
        let mut writing = std::mem::replace(&mut self.writing, empty);
        self.writing = tokio::task::spawn_blocking(move || {
            for batch in &batches {
                writing.digest.add(batch)?;
            }
            writing.file.add(&batches)?;
            Ok::<_, Error>(writing)
        })
        .await??;
        Ok(())
    }

    async fn finish(mut self) -> Result<(DataFile, bytes::Bytes, Digested)> {
        if !self.pending.is_empty() {
            self.write().await?;
        }
        let Writing { file, digest } = self.writing;
        let (file, bytes) = file.finish()?;
        Ok((file, bytes, digest.finish()))
    }
}

/// The digest of the rows of a file as the store gives them.
async fn read_again(lake: &Lake, key: &Path) -> Result<Digested> {
    let mut batches = parquet_reader::open(lake, key).await?.with_batch_size(ROWS).build()?;
    let mut digest = Digest::default();
    while let Some(batch) =
        batches.try_next().await.map_err(|error| parquet_reader::unreadable(key, error))?
    {
        digest = tokio::task::spawn_blocking(move || digest.add(&batch).map(|()| digest)).await??;
    }
    Ok(digest.finish())
}
