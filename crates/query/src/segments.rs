//! `segments.obx` and its like: one row for every occurrence of a segment.
//!
//! Reads only the fields a query names, also inside the lists of repeating segments: the staging table is
//! opened with a schema that has nothing else in it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StructArray, UInt32Array, new_null_array,
};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::catalog::{SchemaProvider, Session, TableProvider};
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::TableType;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;
use tables::names::{self, MORE, SEGMENT_INDEXES};

use crate::table::FilesTable;

const MESSAGE_ID: &str = "message_id";

/// The schema `segments` of the catalog.
#[derive(Debug)]
pub(crate) struct Segments {
    staging: FilesTable,
}

impl Segments {
    pub(crate) fn new(staging: FilesTable) -> Self {
        Self { staging }
    }

    /// The view of a segment the standard has, whether or not a message has used it.
    pub(crate) fn view(&self, name: &str) -> Option<SegmentTable> {
        names::segment(name).map(|segment| SegmentTable::new(self.staging.clone(), segment.key()))
    }
}

#[async_trait]
impl SchemaProvider for Segments {
    fn table_names(&self) -> Vec<String> {
        let schema = self.staging.schema();
        let columns = schema.fields().iter().filter(|field| names::segment(field.name()).is_some());
        columns.map(|field| field.name().clone()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(self.view(name).map(|view| Arc::new(view) as Arc<dyn TableProvider>))
    }

    fn table_exist(&self, name: &str) -> bool {
        names::segment(name).is_some()
    }
}

/// The view of one segment.
#[derive(Clone, Debug)]
pub(crate) struct SegmentTable {
    staging: FilesTable,
    key: &'static str,
    schema: SchemaRef,
}

impl SegmentTable {
    fn new(staging: FilesTable, key: &'static str) -> Self {
        let schema = view_schema(&staging.schema(), key);
        Self { staging, key, schema }
    }

    /// The staging table with the wanted fields of this segment, the message id if it is one, and nothing else.
    fn narrowed(&self, wanted: &Schema) -> FilesTable {
        let indexes =
            SEGMENT_INDEXES[..1].iter().map(|name| Arc::new(Field::new(*name, DataType::Int32, true)));
        // The first index is always read: it tells where there is an occurrence at all.
        let fields = indexes.chain(
            wanted
                .fields()
                .iter()
                .filter(|field| field.name() != MESSAGE_ID && field.name() != SEGMENT_INDEXES[0])
                .cloned(),
        );
        let occurrence = DataType::Struct(fields.collect());
        let staging = self.staging.schema();
        let mut columns = Vec::new();
        for name in [self.key.to_owned(), format!("{}{MORE}", self.key)] {
            let Ok(column) = staging.field_with_name(&name) else { continue };
            let data_type = match column.data_type() {
                DataType::List(element) => {
                    DataType::List(Arc::new(Field::new(element.name(), occurrence.clone(), true)))
                }
                _ => occurrence.clone(),
            };
            columns.push(Field::new(name, data_type, true));
        }
        if columns.is_empty() || wanted.column_with_name(MESSAGE_ID).is_some() {
            columns.push(Field::new(MESSAGE_ID, DataType::Utf8, true));
        }
        self.staging.narrowed(Arc::new(Schema::new(columns)))
    }
}

#[async_trait]
impl TableProvider for SegmentTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(projection) => Arc::new(self.schema.project(projection)?),
            None => self.schema.clone(),
        };
        let input = self.narrowed(&schema).plan(session, None, &[], None)?;
        Ok(Arc::new(OccurrencesExec::new(input, schema)))
    }
}

/// The columns of a segment's view: the message, the three indexes, then every field that has been seen.
fn view_schema(staging: &Schema, key: &str) -> SchemaRef {
    let mut fields = vec![Arc::new(Field::new(MESSAGE_ID, DataType::Utf8, true))];
    let mut occurrence = Schema::new(
        SEGMENT_INDEXES.iter().map(|name| Field::new(*name, DataType::Int32, true)).collect::<Vec<_>>(),
    );
    for name in [key.to_owned(), format!("{key}{MORE}")] {
        let Ok(column) = staging.field_with_name(&name) else { continue };
        let children = match column.data_type() {
            DataType::Struct(children) => children,
            DataType::List(element) => match element.data_type() {
                DataType::Struct(children) => children,
                _ => continue,
            },
            _ => continue,
        };
        // Both columns hold the same segment, so their fields cannot disagree.
        if let Ok(merged) = tables::merge_schemas(&occurrence, &Schema::new(children.clone())) {
            occurrence = merged;
        }
    }
    fields.extend(occurrence.fields().iter().cloned());
    Arc::new(Schema::new(fields))
}

/// Turns rows of messages into rows of occurrences.
#[derive(Debug)]
struct OccurrencesExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl OccurrencesExec {
    fn new(input: Arc<dyn ExecutionPlan>, schema: SchemaRef) -> Self {
        let partitions = input.properties().partitioning.partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { input, properties: Arc::new(properties) }
    }
}

impl DisplayAs for OccurrencesExec {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OccurrencesExec")
    }
}

impl ExecutionPlan for OccurrencesExec {
    fn name(&self) -> &'static str {
        "OccurrencesExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.pop().unwrap_or_else(|| self.input.clone());
        Ok(Arc::new(Self::new(input, self.schema())))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let schema = self.schema();
        let input = self.input.execute(partition, context)?;
        let wanted = schema.clone();
        let batches = input.flat_map(move |batch| {
            let batches = batch.and_then(|batch| occurrences(&batch, &wanted));
            futures::stream::iter(match batches {
                Ok(batches) => batches.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}

/// The occurrences in a batch of messages: those of the column of first ones, then those of each list.
fn occurrences(batch: &RecordBatch, schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
    let input = batch.schema();
    let ids = batch.column_by_name(MESSAGE_ID);
    let mut batches = Vec::new();
    let occurrences =
        input.fields().iter().zip(batch.columns()).filter(|(field, _)| field.name() != MESSAGE_ID);
    for (_, column) in occurrences {
        let (rows, structs) = match column.as_list_opt::<i32>() {
            Some(lists) => {
                let (first, last) = (lists.offsets()[0] as usize, lists.offsets()[lists.len()] as usize);
                let values = lists.values().slice(first, last - first);
                let rows = (0..lists.len()).flat_map(|row| {
                    let length = (lists.offsets()[row + 1] - lists.offsets()[row]) as usize;
                    std::iter::repeat_n(row as u32, length)
                });
                (rows.collect::<UInt32Array>(), values)
            }
            None => {
                let rows: UInt32Array =
                    (0..column.len()).filter(|row| column.is_valid(*row)).map(|row| row as u32).collect();
                let values = take(column, &rows, None)?;
                (rows, values)
            }
        };
        let columns = schema
            .fields()
            .iter()
            .map(|field| output_column(field, ids, &rows, structs.as_struct()))
            .collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        batches.push(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?);
    }
    Ok(batches)
}

fn output_column(
    field: &FieldRef,
    ids: Option<&ArrayRef>,
    rows: &UInt32Array,
    structs: &StructArray,
) -> Result<ArrayRef> {
    if let Some(ids) = ids.filter(|_| field.name() == MESSAGE_ID) {
        return Ok(take(ids, rows, None)?);
    }
    match structs.column_by_name(field.name()) {
        Some(column) => Ok(column.clone()),
        None => Ok(new_null_array(field.data_type(), rows.len())),
    }
}
