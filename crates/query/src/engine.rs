//! A lake opened for questions.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider, TableProvider,
};
use datafusion::common::config::Dialect;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::ViewTable;
use datafusion::execution::context::{SQLOptions, SessionConfig, SessionContext};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use storage::{Lake, error_table, receipts_prefix, staging_table};

use crate::log::AsOf;
use crate::mask::MaskLeaves;
use crate::paths::{self, Tables};
use crate::raw_objects::RawObjects;
use crate::segments::Segments;
use crate::table::{DataFile, FilesTable, store_url};
use crate::{Error, Result, dialect, functions, log, pluck};

/// The SQL of the table `receipts`: every receipt with what became of it.
const RECEIPTS: &str = "
    SELECT receipt.*,
        CASE
            WHEN staged.raw_key = receipt.raw_key AND staged.raw_offset = receipt.raw_offset
                AND staged.received_at = receipt.received_at THEN 'staged'
            WHEN staged.message_id IS NOT NULL THEN 'duplicate'
            WHEN failed.message_id IS NOT NULL THEN 'error'
            ELSE 'pending'
        END AS fate
    FROM lake.ledger.receipts AS receipt
    LEFT JOIN lake.main.staging AS staged ON staged.message_id = receipt.message_id
    LEFT JOIN lake.main.errors AS failed ON failed.message_id = receipt.message_id";

/// A version of a lake, with everything that SQL can ask of it.
pub struct Engine {
    context: SessionContext,
    staging: FilesTable,
    errors: FilesTable,
    receipts: SchemaRef,
    segments: Arc<Segments>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Engine")
    }
}

/// How a lake is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The state that is asked; the newest if not given.
    pub as_of: Option<AsOf>,
    /// Bytes that a query may hold in memory; what needs more goes to temporary files. 1 GiB if not given.
    pub memory: Option<usize>,
}

const MEMORY: usize = 1 << 30;

impl Engine {
    /// Opens the newest version of a lake.
    pub async fn open(lake: &Lake) -> Result<Self> {
        Self::open_with(lake, Options::default()).await
    }

    /// Opens a lake.
    pub async fn open_with(lake: &Lake, options: Options) -> Result<Self> {
        let staging = log::open(lake, &staging_table(), options.as_of).await?;
        // The tables count their versions each for itself; what they share is time.
        let moment = options.as_of.filter(|as_of| matches!(as_of, AsOf::Moment(_)));
        let errors = log::open(lake, &error_table(), moment).await?;
        let receipts = receipts(lake).await?;
        let segments = Arc::new(Segments::new(staging.clone()));

        let memory = options.memory.unwrap_or(MEMORY);
        let pool = FairSpillPool::new(memory);
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool)).build_arc()?;
        let state = SessionStateBuilder::new()
            .with_config(config().with_batch_size(batch_size(memory)))
            .with_runtime_env(runtime)
            .with_default_features()
            .with_physical_optimizer_rule(Arc::new(MaskLeaves))
            .build();
        let context = SessionContext::new_with_state(state);
        context.register_object_store(store_url()?.as_ref(), lake.store());
        for function in pluck::functions().into_iter().chain(functions::all(lake)) {
            context.register_udf(function);
        }

        let main = MemorySchemaProvider::new();
        main.register_table("staging".into(), Arc::new(staging.clone()))?;
        main.register_table("errors".into(), Arc::new(errors.clone()))?;
        main.register_table("raw_objects".into(), Arc::new(RawObjects::new(lake)))?;
        let ledger = MemorySchemaProvider::new();
        ledger.register_table("receipts".into(), Arc::new(receipts))?;
        let catalog = MemoryCatalogProvider::new();
        let main = Arc::new(main);
        catalog.register_schema("main", main.clone())?;
        catalog.register_schema("ledger", Arc::new(ledger))?;
        catalog.register_schema("segments", segments.clone())?;
        context.register_catalog("lake", Arc::new(catalog));

        let plan = context.state().create_logical_plan(RECEIPTS).await?;
        let view = ViewTable::new(plan, None);
        let receipts = view.schema();
        main.register_table("receipts".into(), Arc::new(view))?;
        Ok(Self { context, staging, errors, receipts, segments })
    }

    /// Asks a question. Nothing a question says can change the lake.
    pub async fn sql(&self, query: &str) -> Result<Answer> {
        let state = self.context.state();
        let dialect = state.config().options().sql_parser.dialect;
        let mut statement = state.sql_to_statement(query, &dialect)?;
        dialect::translate(&mut statement)?;
        paths::rewrite(&mut statement, self)?;
        let plan = state.statement_to_plan(statement).await?;
        let reading = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false);
        reading.verify_plan(&plan).map_err(|_| {
            Error::new("a question cannot change the lake")
                .with_hint("only SELECT, EXPLAIN, DESCRIBE and SHOW are answered")
        })?;
        let frame = self.context.execute_logical_plan(plan).await?;
        Ok(Answer { frame })
    }

    /// The names of the columns of staging.
    pub(crate) fn staging_columns(&self) -> Vec<String> {
        self.staging.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The names of the segments that some column holds.
    pub(crate) fn segment_views(&self) -> Vec<String> {
        self.segments.table_names()
    }
}

impl Tables for Engine {
    fn columns(&self, schema: Option<&str>, table: &str) -> Option<SchemaRef> {
        match (schema, table) {
            (None | Some("main"), "staging") => Some(self.staging.schema()),
            (None | Some("main"), "errors") => Some(self.errors.schema()),
            (None | Some("main"), "receipts") => Some(self.receipts.clone()),
            (Some("segments"), segment) => self.segments.view(segment).map(|view| view.schema()),
            _ => None,
        }
    }
}

/// The rows that answer a question, not yet computed.
#[derive(Debug)]
pub struct Answer {
    frame: DataFrame,
}

impl Answer {
    /// The columns of the answer.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(self.frame.schema().as_arrow().clone())
    }

    /// Computes the rows, batch by batch.
    pub async fn stream(self) -> Result<SendableRecordBatchStream> {
        Ok(self.frame.execute_stream().await?)
    }

    /// Computes all rows.
    pub async fn collect(self) -> Result<Vec<RecordBatch>> {
        Ok(self.frame.collect().await?)
    }
}

fn config() -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        .with_default_catalog_and_schema("lake", "main")
        .with_create_default_catalog_and_schema(false);
    let options = config.options_mut();
    // DuckDB's grammar has lambdas and plain quotes.
    options.sql_parser.dialect = Dialect::DuckDB;
    // Text is the same type everywhere, in the tables and in what a query makes.
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.parquet.schema_force_view_types = false;
    config
}

/// Rows that are worked on together: fewer when memory is scarce, for a row may have a thousand values.
fn batch_size(memory: usize) -> usize {
    const BYTES_A_ROW: usize = 32 << 10;
    (memory / BYTES_A_ROW).clamp(128, 8_192)
}

async fn receipts(lake: &Lake) -> Result<FilesTable> {
    let files = lake.list(&receipts_prefix()).await?;
    let files = files.into_iter().map(|object| DataFile { key: object.key, size: object.size, rows: None });
    Ok(FilesTable::new(tables::receipts_schema(), Arc::new(files.collect())))
}
