//! The table `raw_objects`: the objects of the raw zone, listed when it is asked for.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{MemTable, Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::TableType;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use storage::{Lake, RawKind, raw_kind, raw_prefix};

/// One row for each object as it was received.
#[derive(Debug)]
pub(crate) struct RawObjects {
    lake: Lake,
    schema: SchemaRef,
}

/// The columns of the table.
pub(crate) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("raw_key", DataType::Utf8, false),
        Field::new("feed", DataType::Utf8, true),
        Field::new("bytes", DataType::Int64, false),
    ]))
}

impl RawObjects {
    pub(crate) fn new(lake: &Lake) -> Self {
        Self { lake: lake.clone(), schema: schema() }
    }

    async fn rows(&self) -> Result<RecordBatch> {
        let listed = self.lake.list(&raw_prefix()).await;
        let mut objects = listed.map_err(|error| DataFusionError::External(Box::new(error)))?;
        objects.retain(|object| matches!(raw_kind(&object.key), RawKind::Upload | RawKind::Live));
        let keys = StringArray::from_iter_values(objects.iter().map(|object| object.key.as_ref()));
        let feeds: StringArray = objects
            .iter()
            .map(|object| object.key.parts().nth(1).map(|feed| feed.as_ref().to_owned()))
            .collect();
        let bytes = Int64Array::from_iter_values(objects.iter().map(|object| object.size.cast_signed()));
        let columns: Vec<ArrayRef> = vec![Arc::new(keys), Arc::new(feeds), Arc::new(bytes)];
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }
}

#[async_trait]
impl TableProvider for RawObjects {
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
        let table = MemTable::try_new(self.schema.clone(), vec![vec![self.rows().await?]])?;
        table.scan(session, projection, filters, limit).await
    }
}
