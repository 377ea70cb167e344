//! Answers as people and programs want them.

use std::collections::HashSet;
use std::io::{IsTerminal, Stdout, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use clap::ValueEnum;
use futures::StreamExt;
use query::Answer;

use crate::report::{Failure, Result, note};
use crate::table::{self, LONGEST, Table};

/// How an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For reading
    Table,
    /// With a header; structs and lists as JSON text
    Csv,
    /// One array of objects
    Json,
    /// One object a line
    Ndjson,
    /// A Parquet file
    Parquet,
    /// An Arrow IPC stream
    Arrow,
}

/// Prints an answer to stdout, batch by batch where the format allows it.
pub(crate) async fn write(answer: Answer, format: Format) -> Result<()> {
    if matches!(format, Format::Parquet | Format::Arrow) && std::io::stdout().is_terminal() {
        return Err(Failure::new("this format is not for a terminal")
            .with_hint("send it to a file: … > answer.parquet"));
    }
    let schema = answer.schema();
    let mut sink = Sink::new(format, &schema, std::io::stdout())?;
    let mut batches = answer.stream().await?;
    while let Some(batch) = batches.next().await {
        sink.write(&batch.map_err(query::Error::from)?)?;
    }
    sink.finish()?;
    Ok(std::io::stdout().flush()?)
}

/// Rows as a table; says so where a value is not shown whole.
pub(crate) fn table(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<String> {
    let Table { text, is_cut } = table::table(schema, batches)?;
    if is_cut {
        note_cut();
    }
    Ok(text)
}

fn note_cut() {
    note(format_args!(
        "values end with … after {LONGEST} characters; --format ndjson or csv gives them whole"
    ));
}

/// Rows one below the other, a line for each column.
pub(crate) fn vertical(batches: &[RecordBatch]) -> Result<String> {
    use std::fmt::Write;
    let mut text = String::new();
    let mut number = 0;
    let options = FormatOptions::default().with_null("NULL");
    for batch in batches {
        let schema = batch.schema();
        let width =
            schema.fields().iter().map(|field| field.name().chars().count()).max().unwrap_or_default();
        let columns = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            number += 1;
            let _ = writeln!(text, "--- row {number}");
            for (field, column) in schema.fields().iter().zip(&columns) {
                let _ = writeln!(text, "{:<width$}  {}", field.name(), column.value(row));
            }
        }
    }
    Ok(text)
}

/// Prints rows as `--format ndjson` does.
pub(crate) fn write_ndjson(batch: &RecordBatch, out: impl Write) -> Result<()> {
    let mut writer = arrow::json::LineDelimitedWriter::new(out);
    writer.write(batch)?;
    writer.finish()?;
    Ok(())
}

/// Rows whose widths are brought into line.
const TABLE_ROWS: usize = 10_000;

/// Writes rows into memory, for whoever takes the bytes from there.
pub(crate) struct Encoder {
    written: Written,
    sink: Sink<Written>,
}

impl Encoder {
    pub(crate) fn new(format: Format, schema: &SchemaRef) -> Result<Self> {
        let written = Written::default();
        Ok(Self { sink: Sink::new(format, schema, written.clone())?, written })
    }

    /// The bytes that these rows are, as far as they are known.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<Bytes> {
        self.sink.write(batch)?;
        Ok(self.written.take())
    }

    /// The bytes behind the last row.
    pub(crate) fn finish(self) -> Result<Bytes> {
        self.sink.finish()?;
        Ok(self.written.take())
    }
}

/// Bytes that were written since they were last taken.
#[derive(Clone, Debug, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.bytes()).into()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

enum Sink<W: Write + Send> {
    /// Column widths depend on every row.
    Table(W, SchemaRef, Vec<RecordBatch>, bool),
    Csv(Box<arrow::csv::Writer<W>>),
    Json(Box<arrow::json::ArrayWriter<W>>, W),
    Ndjson(W),
    Parquet(Box<parquet::arrow::ArrowWriter<W>>),
    Arrow(Box<arrow::ipc::writer::StreamWriter<W>>),
}

impl<W: Write + Send + Another> Sink<W> {
    fn new(format: Format, schema: &SchemaRef, out: W) -> Result<Self> {
        if !matches!(format, Format::Table | Format::Csv) {
            refuse_names_twice(schema)?;
        }
        Ok(match format {
            Format::Table => Self::Table(out, schema.clone(), Vec::new(), false),
            Format::Csv => {
                let mut writer = arrow::csv::WriterBuilder::new().with_header(true).build(out);
                // An answer without rows still has its header.
                writer.write(&flattened(&RecordBatch::new_empty(schema.clone()))?)?;
                Self::Csv(Box::new(writer))
            }
            Format::Json => Self::Json(Box::new(arrow::json::ArrayWriter::new(out.another())), out),
            Format::Ndjson => Self::Ndjson(out),
            Format::Parquet => {
                let writer = parquet::arrow::ArrowWriter::try_new(out, schema.clone(), None);
                Self::Parquet(Box::new(writer.map_err(parquet_failure)?))
            }
            Format::Arrow => Self::Arrow(Box::new(arrow::ipc::writer::StreamWriter::try_new(out, schema)?)),
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            Self::Table(..) if batch.num_rows() == 0 => {}
            Self::Table(out, schema, batches, was_cut) => {
                // Very long answers are printed as one table after the other: their rows need not all fit in memory.
                // A full one is printed when more comes, so that the last is never empty.
                if batches.iter().map(RecordBatch::num_rows).sum::<usize>() >= TABLE_ROWS {
                    let Table { text, is_cut } = table::table(schema, batches)?;
                    writeln!(out, "{text}")?;
                    *was_cut |= is_cut;
                    batches.clear();
                }
                batches.push(batch.clone());
            }
            Self::Csv(writer) => writer.write(&flattened(batch)?)?,
            Self::Json(writer, _) => writer.write(batch)?,
            Self::Ndjson(out) => write_ndjson(batch, out)?,
            Self::Parquet(writer) => writer.write(batch).map_err(parquet_failure)?,
            Self::Arrow(writer) => writer.write(batch)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Table(mut out, schema, batches, was_cut) => {
                let Table { text, is_cut } = table::table(&schema, &batches)?;
                writeln!(out, "{text}")?;
                out.flush()?;
                // Once, behind the last of the tables.
                if was_cut || is_cut {
                    note_cut();
                }
            }
            Self::Csv(_) => {}
            Self::Ndjson(mut out) => out.flush()?,
            Self::Json(mut writer, mut out) => {
                writer.finish()?;
                writeln!(out)?;
                out.flush()?;
            }
            Self::Parquet(writer) => {
                writer.close().map_err(parquet_failure)?;
            }
            Self::Arrow(mut writer) => writer.finish()?,
        }
        Ok(())
    }
}

/// Whoever reads objects by their names would get one of the two values.
fn refuse_names_twice(schema: &Schema) -> Result<()> {
    let mut met = HashSet::new();
    match schema.fields().iter().find(|field| !met.insert(field.name())) {
        None => Ok(()),
        Some(field) => Err(Failure::new(format!("two columns are called {}", field.name()))
            .with_hint(format!("give one of them another name: … AS {}_2", field.name()))),
    }
}

/// What can be written to from two hands.
trait Another {
    fn another(&self) -> Self;
}

impl Another for Stdout {
    fn another(&self) -> Self {
        std::io::stdout()
    }
}

impl Another for Written {
    fn another(&self) -> Self {
        self.clone()
    }
}

/// The batch with every struct and list as JSON text.
fn flattened(batch: &RecordBatch) -> Result<RecordBatch> {
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        if field.data_type().is_nested() {
            fields.push(Field::new(field.name(), DataType::Utf8, true));
            columns.push(json_texts(column)?);
        } else {
            fields.push(field.as_ref().clone());
            columns.push(column.clone());
        }
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

fn json_texts(column: &ArrayRef) -> Result<ArrayRef> {
    const NAME: &str = "v";
    let field = Field::new(NAME, column.data_type().clone(), true);
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column.clone()])?;
    let mut lines = Vec::new();
    write_ndjson(&batch, &mut lines)?;
    // Each line is {"v":…}, or {} where the value is NULL.
    let texts = String::from_utf8_lossy(&lines);
    let texts: StringArray = texts
        .lines()
        .map(|line| line.strip_prefix("{\"v\":").and_then(|rest| rest.strip_suffix('}')))
        .collect();
    Ok(Arc::new(texts))
}

#[expect(clippy::needless_pass_by_value, reason = "a function to map errors with")]
fn parquet_failure(error: parquet::errors::ParquetError) -> Failure {
    let text = error.to_string();
    if text.contains("Broken pipe") {
        return std::io::Error::from(std::io::ErrorKind::BrokenPipe).into();
    }
    Failure::new(format!("writing Parquet: {text}"))
}
