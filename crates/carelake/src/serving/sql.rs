//! SQL for the API: an engine over the newest state of the lake, and its answers as bytes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use query::{Engine, FeedOffsets, Options};
use serde_json::{Value, json};
use server::api::{Answer, Format, Rows, Sql, SqlLimits, SqlProblem, SqlProblemKind};
use storage::Lake;
use tokio::sync::Mutex;

use crate::output;

/// How old the state may be that a question is asked of.
const FRESH: Duration = Duration::from_millis(250);

/// Opens the lake again for questions when it has been open for a while.
pub(super) struct LakeSql {
    lake: Lake,
    memory: usize,
    offsets: FeedOffsets,
    /// One without the audit zone, and one with it.
    open: [Mutex<Option<Opened>>; 2],
}

/// An engine, and since when it is open.
type Opened = (Instant, Arc<Engine>);

impl LakeSql {
    pub(super) fn new(lake: &Lake, memory: usize, offsets: FeedOffsets) -> Self {
        Self { lake: lake.clone(), memory, offsets, open: Default::default() }
    }

    async fn engine(&self, audit: bool) -> Result<Arc<Engine>, SqlProblem> {
        let mut open = self.open[usize::from(audit)].lock().await;
        if let Some((since, engine)) = &*open
            && since.elapsed() < FRESH
        {
            return Ok(engine.clone());
        }
        let offsets = self.offsets.clone();
        let options = Options { memory: Some(self.memory), audit, offsets, ..Options::default() };
        let engine = match &*open {
            Some((_, before)) => Engine::open_after(before, options).await,
            None => Engine::open_with(&self.lake, options).await,
        };
        let engine = Arc::new(engine.map_err(|error| problem(&error, SqlProblemKind::Lake))?);
        *open = Some((Instant::now(), engine.clone()));
        Ok(engine)
    }
}

#[async_trait]
impl Sql for LakeSql {
    async fn run(
        &self,
        query: &str,
        format: Format,
        limits: SqlLimits,
    ) -> Result<Box<dyn Answer>, SqlProblem> {
        let engine = self.engine(limits.audit).await?;
        let answer = engine.sql(query).await.map_err(|error| problem(&error, SqlProblemKind::Question))?;
        let schema = answer.schema();
        let batches = answer.stream().await.map_err(|error| problem(&error, SqlProblemKind::Question))?;
        let batches = batches.map(|batch| batch.map_err(query::Error::from)).boxed();
        Ok(Box::new(Running { schema, batches, format, rows: limits.rows, _engine: engine }))
    }

    async fn catalog(&self, audit: bool) -> Result<Value, SqlProblem> {
        let tables = self
            .engine(audit)
            .await?
            .tables()
            .await
            .map_err(|error| problem(&error, SqlProblemKind::Lake))?;
        let table = |table: query::TableEntry| json!({"name": table.name, "description": table.description, "rows": table.rows});
        Ok(tables.into_iter().map(table).collect())
    }

    async fn table(&self, name: &str, audit: bool) -> Result<Option<Value>, SqlProblem> {
        let engine = self.engine(audit).await?;
        let tables = engine.tables().await.map_err(|error| problem(&error, SqlProblemKind::Lake))?;
        if !tables.iter().any(|table| table.name.eq_ignore_ascii_case(name)) {
            return Ok(None);
        }
        let columns = engine.columns(name).await.map_err(|error| problem(&error, SqlProblemKind::Lake))?;
        let column = |column: query::ColumnEntry| {
            json!({
                "name": column.name, "path": column.path, "hl7_type": column.hl7_type, "data_type": column.data_type,
                "filled": column.filled, "rows": column.rows, "of": column.of,
                "since": column.since.map(|since| pipeline::time::rfc3339_milliseconds(since.div_euclid(1_000))),
            })
        };
        Ok(Some(columns.into_iter().map(column).collect()))
    }
}

/// A question whose answer is on its way.
struct Running {
    schema: SchemaRef,
    batches: BoxStream<'static, Result<RecordBatch, query::Error>>,
    format: Format,
    rows: u64,
    /// Its memory is shared with other questions as long as one is under way.
    _engine: Arc<Engine>,
}

impl Answer for Running {
    fn stream(self: Box<Self>) -> BoxStream<'static, Result<Rows, SqlProblem>> {
        let Ok(encoder) = output::Encoder::new(self.format.into(), &self.schema) else {
            return stream::iter([Err(unwritable())]).boxed();
        };
        let state = State { running: *self, encoder: Some(encoder), is_done: false };
        stream::try_unfold(state, async |mut state| {
            let next = state.next().await?;
            Ok(next.map(|rows| (rows, state)))
        })
        .boxed()
    }
}

struct State {
    running: Running,
    encoder: Option<output::Encoder>,
    is_done: bool,
}

impl State {
    async fn next(&mut self) -> Result<Option<Rows>, SqlProblem> {
        if self.is_done {
            return self.end();
        }
        let Some(batch) = self.running.batches.next().await else {
            self.is_done = true;
            return self.end();
        };
        let batch = batch.map_err(|error| problem(&error, SqlProblemKind::Question))?;
        let kept = usize::try_from(self.running.rows).unwrap_or(usize::MAX).min(batch.num_rows());
        if kept < batch.num_rows() && self.running.rows == 0 {
            self.is_done = true;
            return Ok(Some(Rows::Cut));
        }
        self.running.rows -= kept as u64;
        let Some(encoder) = &mut self.encoder else { return Ok(None) };
        let bytes = encoder.write(&batch.slice(0, kept)).map_err(|_| unwritable())?;
        if kept < batch.num_rows() {
            // What is left of it is found with the next look: it is more than may be.
            let rest = batch.slice(kept, batch.num_rows() - kept);
            let batches = std::mem::replace(&mut self.running.batches, stream::empty().boxed());
            self.running.batches = stream::iter([Ok(rest)]).chain(batches).boxed();
        }
        Ok(Some(Rows::Encoded { bytes, rows: kept as u64 }))
    }

    fn end(&mut self) -> Result<Option<Rows>, SqlProblem> {
        let Some(encoder) = self.encoder.take() else { return Ok(None) };
        let bytes = encoder.finish().map_err(|_| unwritable())?;
        Ok(Some(Rows::Encoded { bytes, rows: 0 }))
    }
}

impl From<Format> for output::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Ndjson => Self::Ndjson,
            Format::Arrow => Self::Arrow,
        }
    }
}

fn problem(error: &query::Error, kind: SqlProblemKind) -> SqlProblem {
    let text = error.to_string();
    let kind = if text.contains("needs more memory") { SqlProblemKind::Exhausted } else { kind };
    SqlProblem { kind, text, hint: error.hint().map(str::to_owned) }
}

fn unwritable() -> SqlProblem {
    let text = "the rows cannot be written in this format".to_owned();
    SqlProblem { kind: SqlProblemKind::Question, text, hint: Some("ask for ndjson".to_owned()) }
}
