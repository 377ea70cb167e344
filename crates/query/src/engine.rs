//! A lake opened for questions.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::common::config::Dialect;
use datafusion::dataframe::DataFrame;
use datafusion::execution::context::{SQLOptions, SessionConfig, SessionContext};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use storage::{Lake, error_table, staging_table};

use crate::audit::{self, AuditTable};
use crate::catalog::TABLES;
use crate::log::AsOf;
use crate::mask::MaskLeaves;
use crate::paths::{self, Tables};
use crate::raw_objects::{self, RawObjects};
use crate::receipts::Receipts;
use crate::schemas::Schemas;
use crate::segments::Segments;
use crate::table::{FilesTable, store_url};
use crate::{Error, Result, describe, dialect, functions, log, nearest, ops, pluck, views};

/// A version of a lake, with everything that SQL can ask of it.
pub struct Engine {
    pub(crate) context: SessionContext,
    pub(crate) lake: Lake,
    staging: FilesTable,
    errors: FilesTable,
    receipts: SchemaRef,
    reused_control_ids: SchemaRef,
    ops_receipts: SchemaRef,
    segments: Arc<Segments>,
    /// Only for those who may see it.
    audit: Option<Arc<AuditTable>>,
    /// The moment that is asked, in microseconds since 1970, if it is not the present.
    pub(crate) moment: Option<i64>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Engine")
    }
}

/// How a lake is opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The state that is asked; the newest if not given.
    pub as_of: Option<AsOf>,
    /// Bytes that a query may hold in memory; what needs more goes to temporary files. 1 GiB if not given.
    pub memory: Option<usize>,
    /// Whether the audit zone may be asked. Without it the table is not there: whoever opens a lake for others says so only
    /// for those who may see it.
    pub audit: bool,
    /// What `feed_offset` tells.
    pub offsets: FeedOffsets,
}

/// The offset from UTC of feeds' times that come without one, in minutes east, by the feed's name.
pub type FeedOffsets = Arc<BTreeMap<String, i16>>;

const MEMORY: usize = 1 << 30;

/// An id, where its message lies, and its place in a table of hashes.
const BYTES_A_HASHED_ROW: usize = 256;

impl Engine {
    /// Opens the newest version of a lake.
    pub async fn open(lake: &Lake) -> Result<Self> {
        Self::open_with(lake, Options::default()).await
    }

    /// Opens a lake.
    pub async fn open_with(lake: &Lake, options: Options) -> Result<Self> {
        let memory = options.memory.unwrap_or(MEMORY);
        let pool = FairSpillPool::new(memory);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .with_metadata_cache_limit(memory / 2)
            .build_arc()?;
        Self::open_in(lake, options, runtime).await
    }

    /// Opens the state that a lake has now. What an engine of the lake that was opened before knows of its files is known to this
    /// one, and they share the memory that queries may take.
    pub async fn open_after(before: &Self, options: Options) -> Result<Self> {
        Self::open_in(&before.lake, options, before.context.runtime_env()).await
    }

    async fn open_in(lake: &Lake, options: Options, runtime: Arc<RuntimeEnv>) -> Result<Self> {
        let staging = log::open(lake, &staging_table(), options.as_of).await?;
        // The tables count their versions each for itself; what they share is time.
        let moment = match options.as_of {
            None => None,
            Some(AsOf::Moment(moment)) => Some(moment),
            Some(AsOf::Version(version)) => log::moment_of(lake, &staging_table(), version).await?,
        };
        let errors = log::open_by(lake, &error_table(), moment).await?;
        let receipts = Receipts::new(lake, moment);
        let segments = Arc::new(Segments::new(staging.clone()));

        let memory = options.memory.unwrap_or(MEMORY);
        let mut config = config().with_batch_size(batch_size(memory));
        // A table of hashes must fit into memory, sorted runs need not.
        let fits = staging.rows().unwrap_or(usize::MAX) < memory / BYTES_A_HASHED_ROW;
        config.options_mut().optimizer.prefer_hash_join = fits;
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_default_features()
            .with_physical_optimizer_rule(Arc::new(MaskLeaves))
            .build();
        let context = SessionContext::new_with_state(state);
        context.register_object_store(store_url()?.as_ref(), lake.store());
        for function in pluck::functions().into_iter().chain(functions::all(lake, &context, &options.offsets))
        {
            context.register_udf(function);
        }

        let main = MemorySchemaProvider::new();
        main.register_table("staging".into(), Arc::new(staging.clone()))?;
        main.register_table("raw_objects".into(), Arc::new(RawObjects::new(lake)))?;
        let audit = options.audit.then(|| Arc::new(AuditTable::new(lake)));
        if let Some(audit) = &audit {
            main.register_table(audit::TABLE.0.into(), audit.clone())?;
        }
        let ledger = MemorySchemaProvider::new();
        ledger.register_table("receipts".into(), Arc::new(receipts))?;
        ledger.register_table("errors".into(), Arc::new(errors.clone()))?;
        ledger.register_table("visible".into(), Arc::new(staging.visible()))?;
        let main = Arc::new(main);
        let ops = Arc::new(MemorySchemaProvider::new());
        let schemas = Schemas {
            main: main.clone(),
            segments: segments.clone(),
            ops: ops.clone(),
            ledger: Arc::new(ledger),
        };
        context.register_catalog("lake", Arc::new(schemas));

        let has_errors = errors.rows() != Some(0);
        let view = views::receipts(&context, has_errors, moment).await?;
        let receipts = view.schema();
        main.register_table("receipts".into(), view)?;
        let view = if has_errors { views::errors(&context).await? } else { Arc::new(errors.clone()) };
        main.register_table("errors".into(), view)?;
        let view = views::reused_control_ids(&context).await?;
        let reused_control_ids = view.schema();
        main.register_table("reused_control_ids".into(), view)?;
        let ops_receipts = ops::fill(ops.as_ref(), &context, lake, moment).await?;
        Ok(Self {
            context,
            lake: lake.clone(),
            staging,
            errors,
            receipts,
            reused_control_ids,
            ops_receipts,
            segments,
            audit,
            moment,
        })
    }

    /// Asks a question. Nothing a question says can change the lake.
    pub async fn sql(&self, query: &str) -> Result<Answer> {
        let asked = self.ask(query).await;
        asked.map_err(|error| self.nearest_to(error))
    }

    async fn ask(&self, query: &str) -> Result<Answer> {
        let state = self.context.state();
        let dialect = state.config().options().sql_parser.dialect;
        let mut statement = state.sql_to_statement(query, &dialect)?;
        if let Some((schema, table)) = describe::described(&statement)
            && let Some(columns) = Tables::columns(self, schema.as_deref(), &table)
        {
            return Ok(Answer { frame: self.context.read_batch(describe::columns(&columns)?)? });
        }
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

    /// Whether a column of staging is a list.
    pub(crate) fn is_list(&self, column: &str) -> bool {
        let schema = self.staging.schema();
        schema.field_with_name(column).is_ok_and(|field| matches!(field.data_type(), DataType::List(_)))
    }

    /// Whether a question to all rows of staging takes long.
    pub(crate) fn is_large(&self) -> bool {
        const ROWS: usize = 1_000_000;
        self.staging.rows().is_none_or(|rows| rows > ROWS)
    }

    /// Whether the audit zone takes long to count.
    pub(crate) async fn is_audit_large(&self) -> Result<bool> {
        match &self.audit {
            Some(audit) => Ok(audit.is_large().await?),
            None => Ok(false),
        }
    }

    /// What to count for the receipts: without asking what became of each.
    pub(crate) fn ledger_of_receipts(&self) -> String {
        format!("{} AS receipt{}", views::LEDGER_OF_RECEIPTS, views::received_until(self.moment))
    }

    /// The error with the names that may have been meant, if it is about a table or a function.
    fn nearest_to(&self, error: Error) -> Error {
        let text = error.to_string();
        if let Some(table) = text.strip_prefix("no table ") {
            let name = table.rsplit('.').next().unwrap_or(table).to_owned();
            if self.segments.table_exist(&name) {
                return error.with_hint(format!("segments.{name} has one row for each occurrence"));
            }
            let own = nearest::is_own_segment(&name).then(|| nearest::place(&name)).flatten();
            if let Some(hint) = own.or_else(|| nearest::messages(&name)) {
                return error.with_hint(hint);
            }
            let mut known: Vec<String> = self.table_list().map(|(name, _)| name.to_owned()).collect();
            known.extend(self.segment_views().into_iter().map(|view| format!("segments.{view}")));
            let table = table.to_owned();
            return nearest_of(error, &table, &known);
        }
        if let Some(function) = text.strip_prefix("no function ") {
            let state = self.context.state();
            let mut known: Vec<String> = state.scalar_functions().keys().cloned().collect();
            known.extend(state.aggregate_functions().keys().cloned());
            known.extend(state.window_functions().keys().cloned());
            known.extend(dialect::FUNCTIONS.iter().map(|name| (*name).to_owned()));
            return nearest_of(error, function, &known);
        }
        error
    }

    /// The tables that are no segments', and what a row of each is.
    pub(crate) fn table_list(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        TABLES.into_iter().chain(self.audit.as_ref().map(|_| audit::TABLE)).chain(ops::TABLES)
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
            (None | Some("main"), "reused_control_ids") => Some(self.reused_control_ids.clone()),
            (None | Some("main"), "raw_objects") => Some(raw_objects::schema()),
            (None | Some("main"), "audit") => self.audit.as_ref().map(|audit| audit.schema()),
            (Some("ops"), "receipts") => Some(self.ops_receipts.clone()),
            (Some("ops"), table) => ops::columns(table),
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

    /// Computes the rows in parts that may be read at the same time.
    pub(crate) async fn partitions(self) -> Result<Vec<SendableRecordBatchStream>> {
        Ok(self.frame.execute_stream_partitioned().await?)
    }

    /// Computes all rows.
    pub async fn collect(self) -> Result<Vec<RecordBatch>> {
        Ok(self.frame.collect().await?)
    }
}

fn nearest_of(error: Error, name: &str, known: &[String]) -> Error {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    nearest::with_nearest(error, name, &known)
}

fn config() -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        .with_default_catalog_and_schema("lake", "main")
        .with_create_default_catalog_and_schema(false);
    let options = config.options_mut();
    // DuckDB's grammar has lambdas and plain quotes.
    options.sql_parser.dialect = Dialect::DuckDB;
    // As Athena and Trino have it: the values first, whichever way they are ordered.
    options.sql_parser.default_null_ordering = "nulls_last".into();
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
