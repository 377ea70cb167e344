//! Parquet files as this lake writes them: small statistics, fast filters on the ids, only observed leaves.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, RecordBatch, StringArray};
use bytes::Bytes;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use serde_json::{Map, Value, json};

use super::actions::now_milliseconds;
use super::leaves;
use crate::Result;

/// Columns that are looked up one value at a time.
const KEY_COLUMNS: [&str; 2] = ["message_id", "control_id"];

/// A Parquet file of a table, written and not yet committed.
#[derive(Clone, Debug)]
pub(crate) struct DataFile {
    /// Its path from the table's folder.
    pub(crate) path: String,
    /// Its size in bytes.
    pub(crate) size: usize,
    /// Row count and the range of the columns by which files are skipped.
    pub(crate) statistics: Value,
    /// What the commit says about the file beyond Delta's own fields.
    pub(crate) tags: Map<String, Value>,
}

impl DataFile {
    /// A new file with these rows, and its bytes, which are to be written under its path.
    pub(crate) fn of(rows: RecordBatch) -> Result<(Self, Bytes)> {
        let statistics = statistics(&rows);
        let properties = table_properties(&rows);
        let bytes = encode(rows, properties)?;
        let path = format!("part-{}.parquet", uuid::Uuid::new_v4());
        Ok((Self { path, size: bytes.len(), statistics, tags: Map::new() }, bytes))
    }

    /// What tells it from all others; its list of documents has the same name.
    pub(crate) fn name(&self) -> &str {
        self.path.trim_end_matches(".parquet").trim_start_matches("part-")
    }

    pub(super) fn add_action(&self) -> Value {
        json!({"add": {
            "path": self.path,
            "partitionValues": {},
            "size": self.size,
            "modificationTime": now_milliseconds(),
            "dataChange": true,
            "stats": self.statistics.to_string(),
            "tags": self.tags,
        }})
    }
}

/// Encodes one batch as a Parquet file of one row group.
///
/// Leaf by leaf, each column dropped when it is written: there are hundreds, and what a writer holds of each adds up.
pub(crate) fn encode(batch: RecordBatch, properties: WriterProperties) -> Result<Bytes> {
    let (schema, columns, rows) = batch.into_parts();
    let parquet_schema = ArrowSchemaConverter::new().convert(&schema)?;
    // Parquet's own schema says all there is to say of these types; Arrow's would be a third of a file of one message.
    let mut file =
        SerializedFileWriter::new(Vec::new(), parquet_schema.root_schema_ptr(), Arc::new(properties))?;
    if rows > 0 {
        let mut writers =
            ArrowRowGroupWriterFactory::new(&file, schema.clone()).create_column_writers(0)?.into_iter();
        let mut group = file.next_row_group()?;
        for (field, column) in schema.fields().iter().zip(columns) {
            let leaves = compute_leaves(field, &column)?;
            drop(column);
            for (leaf, mut writer) in leaves.into_iter().zip(writers.by_ref()) {
                writer.write(&leaf)?;
                writer.close()?.append_to_row_group(&mut group)?;
            }
        }
        group.close()?;
    }
    Ok(file.into_inner()?.into())
}

/// Settings for a table's files: statistics on the flat columns alone, Bloom filters on the keys.
fn table_properties(batch: &RecordBatch) -> WriterProperties {
    let mut builder = leaves::fitted(plain_properties(), batch);
    for field in batch.schema_ref().fields().iter().filter(|field| !field.data_type().is_nested()) {
        let column = ColumnPath::from(field.name().as_str());
        builder = builder.set_column_statistics_enabled(column.clone(), EnabledStatistics::Chunk);
        if KEY_COLUMNS.contains(&field.name().as_str()) {
            let rows = u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
            builder = builder
                .set_column_bloom_filter_enabled(column.clone(), true)
                .set_column_bloom_filter_max_ndv(column.clone(), rows)
                .set_column_dictionary_enabled(column, false);
        }
    }
    builder.build()
}

/// Settings for files of receipts.
pub(crate) fn receipts_properties() -> WriterPropertiesBuilder {
    // Whoever asks for a span of time leaves out what lies outside of it.
    plain_properties()
        .set_column_statistics_enabled(ColumnPath::from("received_at"), EnabledStatistics::Chunk)
}

fn plain_properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by(concat!("carelake version ", env!("CARGO_PKG_VERSION")).into())
}

/// Delta's statistics of a file: how many rows, and the range of ids, feeds and times.
fn statistics(batch: &RecordBatch) -> Value {
    let (mut least, mut greatest, mut nulls) = (Map::new(), Map::new(), Map::new());
    for name in ["message_id", "feed"] {
        let Some(column) =
            batch.column_by_name(name).and_then(|column| column.as_any().downcast_ref::<StringArray>())
        else {
            continue;
        };
        least.extend(column.iter().flatten().min().map(|value| (name.to_owned(), value.into())));
        greatest.extend(column.iter().flatten().max().map(|value| (name.to_owned(), value.into())));
        nulls.insert(name.into(), column.null_count().into());
    }
    if let Some(column) = batch
        .column_by_name("received_at")
        .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
    {
        // The protocol gives times in milliseconds; the greatest is rounded up to stay a bound.
        let times = || column.iter().flatten();
        least.extend(
            times().min().map(|time| ("received_at".to_owned(), rfc3339(time.div_euclid(1000)).into())),
        );
        greatest.extend(
            times().max().map(|time| ("received_at".to_owned(), rfc3339(time.div_euclid(1000) + 1).into())),
        );
        nulls.insert("received_at".into(), column.null_count().into());
    }
    json!({"numRecords": batch.num_rows(), "minValues": least, "maxValues": greatest, "nullCount": nulls})
}

fn rfc3339(milliseconds: i64) -> String {
    crate::time::rfc3339_milliseconds(milliseconds)
}
