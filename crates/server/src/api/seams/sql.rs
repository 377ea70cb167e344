//! Questions in SQL, of which this crate knows nothing but their text.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use serde_json::Value;

/// Answers questions.
#[async_trait]
pub trait Sql: Send + Sync {
    /// Begins to answer a question. Whoever drops the future or the answer cancels it.
    async fn run(
        &self,
        query: &str,
        format: Format,
        limits: SqlLimits,
    ) -> Result<Box<dyn Answer>, SqlProblem>;

    /// All tables: what each is called, holds, and how many rows it has; the audit zone if it may be asked as well.
    async fn catalog(&self, audit: bool) -> Result<Value, SqlProblem>;

    /// The columns of a table; `None` if there is no such table.
    async fn table(&self, name: &str, audit: bool) -> Result<Option<Value>, SqlProblem>;
}

/// An answer on its way.
pub trait Answer: Send {
    /// The rows in the format that was asked for, as they are found.
    fn stream(self: Box<Self>) -> BoxStream<'static, Result<Rows, SqlProblem>>;
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// The next bytes of the answer, and how many rows end in them.
    Encoded {
        /// Bytes in the format; those of all parts in their order are the whole answer.
        bytes: Bytes,
        /// Rows.
        rows: u64,
    },
    /// There are more rows than the limit allows: nothing but the end of the encoding comes after this.
    Cut,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header, then a line a row; structs and lists as JSON text.
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// A stream of Arrow IPC.
    Arrow,
}

/// How far a question may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqlLimits {
    /// Rows of the answer, at most.
    pub rows: u64,
    /// How long it may take. The API ends the answer itself when the time is over; this is for the plan.
    pub time: Duration,
    /// Whether the audit zone may be asked as well.
    pub audit: bool,
}

/// Why a question has no answer. Neither text quotes a value of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlProblem {
    /// Of which kind.
    pub kind: SqlProblemKind,
    /// What is wrong.
    pub text: String,
    /// What the person who asked can try.
    pub hint: Option<String>,
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlProblemKind {
    /// The question is wrong.
    Question,
    /// It needs more memory or temporary files than it may have.
    Exhausted,
    /// The lake cannot be read.
    Lake,
}
