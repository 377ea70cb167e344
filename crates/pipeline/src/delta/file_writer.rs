//! A data file that is made of the rows of others, row group by row group.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::WriterPropertiesBuilder;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use serde_json::{Map, Value};

use super::parquet_file::{
    DataFile, begin_file, compression, merge_statistics, statistics, table_properties, write_group,
};
use super::{leaves, shape};
use crate::{Error, Result};

/// How large each leaf of some files is, encoded and uncompressed.
#[derive(Debug, Default)]
pub(crate) struct LeafSizes {
    rows: u64,
    bytes: HashMap<ColumnPath, u64>,
}

impl LeafSizes {
    /// Adds those of a file.
    pub(crate) fn add(&mut self, metadata: &ParquetMetaData) {
        self.rows += metadata.file_metadata().num_rows().unsigned_abs();
        for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
            *self.bytes.entry(column.column_path().clone()).or_default() +=
                column.uncompressed_size().unsigned_abs();
        }
    }

    /// The leaves of which there is enough in a row group to be compressed.
    fn large(&self) -> impl Iterator<Item = &ColumnPath> {
        let groups = self.rows.max(1).div_ceil(FileWriter::ROWS_A_GROUP as u64);
        let large = move |bytes: u64| bytes / groups >= leaves::SMALL as u64;
        self.bytes.iter().filter(move |(_, bytes)| large(**bytes)).map(|(path, _)| path)
    }
}

/// Writes the file into memory, compressed.
pub(crate) struct FileWriter {
    schema: SchemaRef,
    sizes: LeafSizes,
    file: Option<SerializedFileWriter<Vec<u8>>>,
    groups: usize,
    statistics: Option<Value>,
}

impl FileWriter {
    /// Rows of a row group, at most.
    pub(crate) const ROWS_A_GROUP: usize = 8_192;

    /// A file of rows that all have a place in `schema`; `sizes` are those of the leaves they come from.
    pub(crate) fn new(schema: SchemaRef, sizes: LeafSizes) -> Self {
        Self { schema, sizes, file: None, groups: 0, statistics: None }
    }

    /// Writes the rows of batches as one row group.
    pub(crate) fn add(&mut self, batches: &[RecordBatch]) -> Result<()> {
        let rows = shape::concatenate(batches, &self.schema)?;
        let told = statistics(&rows);
        self.statistics = Some(match &self.statistics {
            Some(before) => merge_statistics(before, &told),
            None => told,
        });
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let properties = table_properties(&rows, Self::ROWS_A_GROUP);
                // A leaf that is small in the first row group may be large in the others.
                let compressed = |builder: WriterPropertiesBuilder, path: &ColumnPath| {
                    builder.set_column_compression(path.clone(), compression())
                };
                let properties = self.sizes.large().fold(properties, compressed).build();
                self.file.insert(begin_file(&self.schema, properties)?)
            }
        };
        write_group(file, rows, self.groups)?;
        self.groups += 1;
        Ok(())
    }

    /// The file and its bytes, which are to be written under its path.
    pub(crate) fn finish(self) -> Result<(DataFile, Bytes)> {
        let (Some(file), Some(statistics)) = (self.file, self.statistics) else {
            return Err(Error::Internal("a data file without rows".into()));
        };
        let bytes: Bytes = file.into_inner()?.into();
        let path = format!("part-{}.parquet", uuid::Uuid::new_v4());
        Ok((DataFile { path, size: bytes.len(), statistics, tags: Map::new() }, bytes))
    }
}
