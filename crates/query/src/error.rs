//! Why a query has no answer, with what to do about it.

use std::fmt;

use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use crate::advice;

/// A query that failed. Neither text quotes a value of a message.
#[derive(Debug)]
pub struct Error {
    text: String,
    hint: Option<String>,
}

/// The result of a query.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), hint: None }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the person who asked can try.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        Self { text: error.to_string(), hint: error.hint() }
    }
}

impl From<deltalake::DeltaTableError> for Error {
    fn from(error: deltalake::DeltaTableError) -> Self {
        Self::new(format!("the table's log cannot be read: {}", advice::first_line(&error.to_string())))
            .with_hint("carelake verify tells what is damaged; restore the _delta_log folder from a backup")
    }
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        match error {
            // These quote the value that could not be read.
            ArrowError::CastError(_) | ArrowError::ParseError(_) => unreadable_value(),
            ArrowError::ExternalError(inner) => match inner.downcast::<DataFusionError>() {
                Ok(error) => (*error).into(),
                Err(_) => Self::new("reading the table failed"),
            },
            other => Self::new(other.to_string()),
        }
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::ArrowError(error, _) => (*error).into(),
            DataFusionError::Diagnostic(_, error) | DataFusionError::Context(_, error) => (*error).into(),
            DataFusionError::Collection(errors) => {
                errors.into_iter().next().map_or_else(|| Self::new("the query failed"), Self::from)
            }
            DataFusionError::Shared(error) => advice::planning(&error.strip_backtrace()),
            DataFusionError::SchemaError(error, _) => schema_error(&error),
            DataFusionError::SQL(error, _) => advice::syntax(&error.to_string()),
            DataFusionError::Plan(text) => advice::planning(&text),
            DataFusionError::NotImplemented(text) if text.contains("single SQL statement") => {
                Self::new("more than one statement").with_hint("ask one question at a time")
            }
            DataFusionError::ParquetError(error) => Self::new(format!(
                "a file of the table cannot be read: {}",
                advice::first_line(&error.to_string()).replace("Parquet error: ", "")
            ))
            .with_hint(
                "carelake verify tells what is damaged; carelake replay makes staging again from the raw zone",
            ),
            DataFusionError::NotImplemented(text) => {
                Self::new(format!("not supported: {}", advice::planning(&text)))
            }
            DataFusionError::ResourcesExhausted(_) => {
                Self::new("the query needs more memory than it may have")
                    .with_hint("ask for fewer columns or rows, or allow more with --memory")
            }
            // Execution errors of functions quote their arguments.
            DataFusionError::Execution(_) => unreadable_value(),
            other => advice::planning(&other.strip_backtrace()),
        }
    }
}

fn unreadable_value() -> Error {
    Error::new("a value could not be read as what the query takes it for")
        .with_hint("use try_cast(… AS …), which gives NULL where a value does not fit")
}

fn schema_error(error: &SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound { field, .. } => Error::new(format!("no column {}", field.flat_name()))
            .with_hint("double quotes are for names, a text is in single quotes; carelake catalog TABLE lists the columns"),
        SchemaError::AmbiguousReference { field } => {
            Error::new(format!("{} is in more than one of the tables", field.name))
                .with_hint(format!("say of which: table.{}", field.name))
        }
        other => Error::new(other.to_string()),
    }
}
