//! The table `audit`: who saw or changed what, read from the audit zone when it is asked for.
//!
//! It is there only for those who may see it: a question's text may name a patient.

mod days;
mod rows;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::TableType;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use storage::{Lake, audit_chain, audit_prefix};

use days::Days;
use rows::Rows;

/// Its name, and what a row of it is.
pub(crate) const TABLE: (&str, &str) =
    ("audit", "one row for each access to patient data, and for each thing it was about");

/// Objects read at the same time.
const READS: usize = 8;
/// Objects whose rows come in one batch.
const OBJECTS_A_BATCH: usize = 64;

/// The events of the audit zone.
#[derive(Debug)]
pub(crate) struct AuditTable {
    lake: Lake,
    schema: SchemaRef,
}

/// The columns of the table.
fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    Arc::new(Schema::new(vec![
        Field::new("recorded", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        text("action"),
        text("outcome"),
        text("who_id"),
        text("who_name"),
        text("who_kind"),
        text("source"),
        text("address"),
        text("entity_kind"),
        text("entity"),
        text("query"),
        Field::new("chain", DataType::Utf8, false),
        Field::new("sequence", DataType::Int64, true),
        text("hash"),
    ]))
}

impl AuditTable {
    pub(crate) fn new(lake: &Lake) -> Self {
        Self { lake: lake.clone(), schema: schema() }
    }

    /// Whether a question to all of it takes long.
    pub(crate) async fn is_large(&self) -> Result<bool> {
        const OBJECTS: usize = 10_000;
        Ok(self.objects(&Days::of(&[])).await?.len() > OBJECTS)
    }

    /// The objects that may have an event of these days, oldest first.
    async fn objects(&self, days: &Days) -> Result<Vec<Path>> {
        let mut keys = Vec::new();
        for folder in self.lake.folders(&audit_prefix(), 3).await.map_err(storage_error)? {
            if days.may_have(&folder) {
                let objects = self.lake.list(&folder).await.map_err(storage_error)?;
                keys.extend(objects.into_iter().map(|object| object.key));
            }
        }
        keys.retain(|key| audit_chain(key).is_some());
        Ok(keys)
    }
}

#[async_trait]
impl TableProvider for AuditTable {
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
        let objects = self.objects(&Days::of(filters)).await?;
        let zone = Zone { lake: self.lake.clone(), schema: self.schema.clone(), objects };
        let table = StreamingTable::try_new(self.schema.clone(), vec![Arc::new(zone)])?;
        table.scan(session, projection, &[], limit).await
    }

    /// Filters on the time leave days out; whether a row passes is decided above.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}

/// The rows of some objects, read as they are asked for.
#[derive(Debug)]
struct Zone {
    lake: Lake,
    schema: SchemaRef,
    objects: Vec<Path>,
}

impl PartitionStream for Zone {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (lake, schema) = (self.lake.clone(), self.schema.clone());
        let read = move |key: Path| {
            let lake = lake.clone();
            async move { lake.read(&key).await.map(|bytes| (key, bytes)).map_err(storage_error) }
        };
        let objects = stream::iter(self.objects.clone()).map(read).buffered(READS);
        let batches = objects.try_chunks(OBJECTS_A_BATCH).map_err(|error| error.1).map(move |objects| {
            let mut rows = Rows::default();
            for (key, bytes) in objects? {
                rows.add_object(&key, &bytes);
            }
            Ok(RecordBatch::try_new(schema.clone(), rows.finish())?)
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches))
    }
}

fn storage_error(error: storage::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
