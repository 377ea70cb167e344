//! Parquet files as this lake writes them: small statistics, fast filters on the ids, only observed leaves.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::{FieldRef, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterPropertiesPtr, WriterVersion,
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
        let properties = table_properties(&rows, rows.num_rows()).build();
        let bytes = encode(rows, properties)?;
        let path = format!("part-{}.parquet", uuid::Uuid::new_v4());
        Ok((Self { path, size: bytes.len(), statistics, tags: Map::new() }, bytes))
    }

    /// What tells it from all others; its list of documents has the same name.
    pub(crate) fn name(&self) -> &str {
        self.path.trim_end_matches(".parquet").trim_start_matches("part-")
    }

    /// The line of a commit that brings it in. Where its rows come from other files of the table, no data changes.
    pub(super) fn add_action(&self, data_change: bool) -> Value {
        json!({"add": {
            "path": self.path,
            "partitionValues": {},
            "size": self.size,
            "modificationTime": now_milliseconds(),
            "dataChange": data_change,
            "stats": self.statistics.to_string(),
            "tags": self.tags,
        }})
    }
}

/// Encodes one batch as a Parquet file of one row group.
///
/// Column by column, each dropped when it is written: there are hundreds of leaves, and what a writer holds of each adds up.
pub(crate) fn encode(batch: RecordBatch, properties: WriterProperties) -> Result<Bytes> {
    let mut file = begin_file(&batch.schema(), properties)?;
    write_group(&mut file, batch, 0)?;
    Ok(file.into_inner()?.into())
}

/// Begins a file without a row.
pub(super) fn begin_file(
    schema: &Schema,
    properties: WriterProperties,
) -> Result<SerializedFileWriter<Vec<u8>>> {
    let parquet_schema = ArrowSchemaConverter::new().convert(schema)?;
    // Parquet's own schema says all there is to say of these types; Arrow's would be a third of a file of one message.
    let properties = Arc::new(properties);
    Ok(SerializedFileWriter::new(Vec::new(), parquet_schema.root_schema_ptr(), properties)?)
}

/// Writes the rows of a batch as the row group of that number, the first being 0; without rows there is none.
pub(super) fn write_group(
    file: &mut SerializedFileWriter<Vec<u8>>,
    batch: RecordBatch,
    number: usize,
) -> Result<()> {
    let (schema, columns, rows) = batch.into_parts();
    if rows == 0 {
        return Ok(());
    }
    let properties = file.properties().clone();
    let mut group = file.next_row_group()?;
    for (field, column) in schema.fields().iter().zip(columns) {
        let writers = writers_of(field, number, &properties)?;
        let leaves = compute_leaves(field, &column)?;
        drop(column);
        for (leaf, mut writer) in leaves.into_iter().zip(writers) {
            writer.write(&leaf)?;
            writer.close()?.append_to_row_group(&mut group)?;
        }
    }
    group.close()?;
    Ok(())
}

/// Writers for the leaves of a column. They can be had for a whole file alone, so it is one of this column; each has a compressor
/// and a decompressor of its own from the beginning, so those of all columns are not made at once.
fn writers_of(
    field: &FieldRef,
    group: usize,
    properties: &WriterPropertiesPtr,
) -> Result<Vec<ArrowColumnWriter>> {
    let schema = Schema::new(vec![field.clone()]);
    let root = ArrowSchemaConverter::new().convert(&schema)?.root_schema_ptr();
    let file = SerializedFileWriter::new(std::io::sink(), root, properties.clone())?;
    Ok(ArrowRowGroupWriterFactory::new(&file, schema.into()).create_column_writers(group)?)
}

/// Settings for a table's files: statistics on the flat columns alone, Bloom filters on the keys.
pub(super) fn table_properties(batch: &RecordBatch, rows_a_group: usize) -> WriterPropertiesBuilder {
    let mut builder = leaves::fitted(plain_properties(), batch);
    for field in batch.schema_ref().fields().iter().filter(|field| !field.data_type().is_nested()) {
        let column = ColumnPath::from(field.name().as_str());
        builder = builder.set_column_statistics_enabled(column.clone(), EnabledStatistics::Chunk);
        if KEY_COLUMNS.contains(&field.name().as_str()) {
            let rows = u64::try_from(rows_a_group).unwrap_or(u64::MAX);
            builder = builder
                .set_column_bloom_filter_enabled(column.clone(), true)
                .set_column_bloom_filter_max_ndv(column.clone(), rows)
                .set_column_dictionary_enabled(column, false);
        }
    }
    builder
}

/// Settings for files of receipts.
pub(crate) fn receipts_properties() -> WriterPropertiesBuilder {
    // Whoever asks for a span of time leaves out what lies outside of it.
    plain_properties()
        .set_column_statistics_enabled(ColumnPath::from("received_at"), EnabledStatistics::Chunk)
}

/// What the columns of all files are compressed with, where it is worth it.
pub(super) fn compression() -> Compression {
    Compression::ZSTD(ZstdLevel::default())
}

fn plain_properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(compression())
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by(concat!("carelake version ", env!("CARGO_PKG_VERSION")).into())
}

/// Delta's statistics of a file: how many rows, and the range of ids, feeds and times.
pub(super) fn statistics(batch: &RecordBatch) -> Value {
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

/// The statistics of rows that are told apart, together.
pub(super) fn merge_statistics(one: &Value, other: &Value) -> Value {
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    let (mut least, mut greatest, mut nulls) = (Map::new(), Map::new(), Map::new());
    for column in ["message_id", "feed", "received_at"] {
        // Ids, feeds and times in this form sort as text.
        let bounds = |name: &str| {
            let values = [one, other].map(|statistics| statistics[name][column].as_str());
            values.into_iter().flatten().map(str::to_owned).collect::<Vec<_>>()
        };
        least.extend(bounds("minValues").into_iter().min().map(|value| (column.to_owned(), value.into())));
        greatest.extend(bounds("maxValues").into_iter().max().map(|value| (column.to_owned(), value.into())));
        let [one, other] = [one, other].map(|statistics| &statistics["nullCount"][column]);
        if !(one.is_null() && other.is_null()) {
            nulls.insert(column.into(), (count(one) + count(other)).into());
        }
    }
    let rows = count(&one["numRecords"]) + count(&other["numRecords"]);
    json!({"numRecords": rows, "minValues": least, "maxValues": greatest, "nullCount": nulls})
}

fn rfc3339(milliseconds: i64) -> String {
    crate::time::rfc3339_milliseconds(milliseconds)
}
