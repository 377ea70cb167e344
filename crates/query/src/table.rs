//! A table that is a list of Parquet files with one schema.
//!
//! A file may lack columns, also inside structs and lists: they read as NULL. The scan is DataFusion's own,
//! which reads only the leaves a query names; a table opened with a narrower schema
//! ([`FilesTable::narrowed`]) reads only the leaves of that.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{Result, ScalarValue, Statistics};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use object_store::path::Path;

use crate::ranges::{self, Ranges};
use crate::shape::ShapeFactory;

/// A row with an id and a hash cannot be smaller, compressed or not.
const LEAST_BYTES_A_ROW: u64 = 32;

/// One Parquet file of a table.
#[derive(Clone, Debug)]
pub(crate) struct DataFile {
    pub(crate) key: Path,
    /// Bytes.
    pub(crate) size: u64,
    /// Rows, where the table's log tells.
    pub(crate) rows: Option<usize>,
    /// What the log tells of its values.
    pub(crate) ranges: Ranges,
    /// When the commit was written that made its rows visible, in microseconds since 1970; `None` if they were visible
    /// before, in a file that this one replaced.
    pub(crate) visible_at: Option<i64>,
}

/// The column with the moment at which a row became visible: a value for each file, which is not in the file.
const VISIBLE_AT: &str = "visible_at";

/// A table made of Parquet files in the lake's store.
#[derive(Clone, Debug)]
pub(crate) struct FilesTable {
    schema: SchemaRef,
    files: Arc<Vec<DataFile>>,
}

/// The address under which sessions know the lake's store.
pub(crate) fn store_url() -> Result<ObjectStoreUrl> {
    ObjectStoreUrl::parse("carelake://lake")
}

impl FilesTable {
    pub(crate) fn new(schema: SchemaRef, files: Arc<Vec<DataFile>>) -> Self {
        Self { schema, files }
    }

    /// The same files with fewer columns, on the top or inside of others.
    pub(crate) fn narrowed(&self, schema: SchemaRef) -> Self {
        Self { schema, ..self.clone() }
    }

    /// The same rows with what tells them apart and when each became visible.
    pub(crate) fn visible(&self) -> Self {
        const COLUMNS: [&str; 5] = ["message_id", "feed", "received_at", "raw_key", "raw_offset"];
        let kept = |name: &str| self.schema.field_with_name(name).ok().cloned();
        let mut fields: Vec<Field> = COLUMNS.into_iter().filter_map(kept).collect();
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        fields.push(Field::new(VISIBLE_AT, time, true));
        self.narrowed(Arc::new(Schema::new(fields)))
    }

    /// The columns with a value for each row, and behind them that with a value for each file, if it is wanted.
    fn table_schema(&self) -> TableSchema {
        match self.schema.fields().split_last() {
            Some((last, others)) if last.name() == VISIBLE_AT => {
                TableSchema::builder(Arc::new(Schema::new(others.to_vec())))
                    .with_table_partition_cols(vec![last.clone()])
                    .build()
            }
            _ => TableSchema::from(self.schema.clone()),
        }
    }

    /// The files that can have a row which passes the filters, as far as the log tells.
    fn files_with(&self, filters: &[Expr], session: &dyn Session) -> Result<Vec<&DataFile>> {
        let told = self.files.iter().map(|file| (&file.ranges, file.rows));
        let may_have = ranges::may_have(told, filters, &self.schema, session)?;
        Ok(match may_have {
            Some(may_have) => {
                self.files.iter().zip(may_have).filter_map(|(file, may)| may.then_some(file)).collect()
            }
            None => self.files.iter().collect(),
        })
    }

    /// Rows of all files, where the log tells them all.
    pub(crate) fn rows(&self) -> Option<usize> {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// The scan itself.
    pub(crate) fn plan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = session.table_options().parquet.clone();
        // What is known of a file's inside is kept: a file never changes.
        let store = session.runtime_env().object_store(store_url()?)?;
        let known = session.runtime_env().cache_manager.get_file_metadata_cache();
        let schema = self.table_schema();
        let has_file_values = !schema.table_partition_cols().is_empty();
        let mut source = ParquetSource::new(schema)
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(CachedParquetFileReaderFactory::new(store, known)));
        if let Some(filter) = datafusion::logical_expr::utils::conjunction(filters.to_vec()) {
            let schema = datafusion::common::DFSchema::try_from(self.schema.clone())?;
            source = source.with_predicate(session.create_physical_expr(filter, &schema)?);
        }
        let files = self.files_with(filters, session)?;
        let partitions = session.config().target_partitions().max(1);
        let mut groups: Vec<Vec<PartitionedFile>> = vec![Vec::new(); partitions.min(files.len().max(1))];
        let group_count = groups.len();
        for (position, file) in files.iter().enumerate() {
            let mut part = PartitionedFile::new(file.key.to_string(), file.size);
            if has_file_values {
                let visible_at = ScalarValue::TimestampMicrosecond(file.visible_at, Some("UTC".into()));
                part = part.with_partition_values(vec![visible_at]);
            }
            groups[position % group_count].push(part);
        }
        let rows: Option<usize> = files.iter().map(|file| file.rows).sum();
        let rows = match rows {
            Some(rows) => Precision::Exact(rows),
            // Enough to tell a large table from a small one.
            None => {
                let bytes: u64 = files.iter().map(|file| file.size).sum();
                Precision::Inexact(usize::try_from(bytes / LEAST_BYTES_A_ROW).unwrap_or(usize::MAX))
            }
        };
        let statistics = Statistics::new_unknown(&self.schema).with_num_rows(rows);
        let config = FileScanConfigBuilder::new(store_url()?, Arc::new(source))
            .with_file_groups(groups.into_iter().map(FileGroup::new).collect())
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .with_expr_adapter(Some(Arc::new(ShapeFactory)))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

#[async_trait]
impl TableProvider for FilesTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.plan(session, projection, filters, limit)
    }

    /// Filters skip row groups and files; whether a row passes is decided above.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}
