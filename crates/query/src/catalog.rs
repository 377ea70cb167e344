//! What there is to ask: tables, and the columns of each with their HL7 path.

use datafusion::arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use futures::StreamExt;
use tables::names::{self, Datatype, Slot};

use crate::counts::{self, Counts, Filled, Rows};
use crate::pluck::{AT, EACH};
use crate::{Answer, Engine, Error, Result};

/// A table.
#[derive(Clone, Debug)]
pub struct TableEntry {
    /// Its name in SQL.
    pub name: String,
    /// What a row of it is.
    pub description: &'static str,
    /// How many rows it has; `None` where counting them takes as long as asking for all of them.
    pub rows: Option<usize>,
}

/// A column, or a leaf inside of one.
#[derive(Clone, Debug)]
pub struct ColumnEntry {
    /// Its name in SQL, dots included.
    pub name: String,
    /// Where it stands in a message, such as `PID-5.1`; empty for what is no part of a message.
    pub path: String,
    /// Its datatype in HL7, such as `ST`; empty for what is no part of a message.
    pub hl7_type: &'static str,
    /// `text`, `number`, `time` or `list`.
    pub data_type: &'static str,
    /// How many values it has, all occurrences and repetitions counted.
    pub filled: usize,
    /// How many rows have at least one value.
    pub rows: usize,
    /// How many rows the table has.
    pub of: usize,
    /// When the first message with a value was received, in microseconds since 1970; `None` if the table does
    /// not tell.
    pub since: Option<i64>,
}

pub(crate) const TABLES: [(&str, &str); 5] = [
    ("staging", "one row for each message"),
    ("errors", "one row for each input that could not be staged"),
    ("receipts", "one row for each message received, with its fate"),
    ("reused_control_ids", "one row for each message whose control ID another message of its sender has"),
    ("raw_objects", "one row for each object in the raw zone"),
];

impl Engine {
    /// The tables, with how many rows each has.
    pub async fn tables(&self) -> Result<Vec<TableEntry>> {
        let mut entries = Vec::new();
        for (name, description) in self.table_list() {
            let rows = match name {
                "receipts" | "ops.receipts" => Some(self.count(&self.ledger_of_receipts()).await?),
                "ops.feeds" | "ops.feed_volume" if self.is_large() => None,
                "reused_control_ids" if self.is_large() => None,
                "audit" if self.is_audit_large().await? => None,
                name => Some(self.count(name).await?),
            };
            entries.push(TableEntry { name: name.into(), description, rows });
        }
        for (segment, rows) in self.occurrences().await? {
            let name = format!("segments.{segment}");
            let description = "one row for each occurrence of the segment";
            entries.push(TableEntry { name, description, rows: Some(rows) });
        }
        Ok(entries)
    }

    /// How often each segment occurs, counted in one passage by its numbers alone.
    async fn occurrences(&self) -> Result<Vec<(String, usize)>> {
        let segments = self.segment_views();
        if segments.is_empty() {
            return Ok(Vec::new());
        }
        let columns = self.staging_columns();
        let index = names::SEGMENT_INDEXES[0];
        let count = |segment: &String| {
            let (first, more) = (segment.clone(), format!("{segment}{}", names::MORE));
            let held = [first, more].into_iter().filter(|column| columns.contains(column));
            let counts = held.map(|column| match self.is_list(&column) {
                true => format!("coalesce(sum(cardinality({EACH}(\"{column}\", '{index}'))), 0)"),
                false => format!("count({AT}(\"{column}\", '{index}'))"),
            });
            format!("CAST({} AS BIGINT)", counts.collect::<Vec<_>>().join(" + "))
        };
        let counts: Vec<String> = segments.iter().map(count).collect();
        let batches =
            self.sql(&format!("SELECT {} FROM staging", counts.join(", "))).await?.collect().await?;
        let count = |position: usize| {
            let column = batches.first()?.column(position).as_primitive_opt::<Int64Type>()?;
            usize::try_from(column.values().first().copied()?).ok()
        };
        let counts: Vec<usize> =
            (0..segments.len()).map(|position| count(position).unwrap_or_default()).collect();
        Ok(segments.into_iter().zip(counts).collect())
    }

    /// The columns of a table down to single values: how often each has one, and since when.
    ///
    /// All of the table is read, part by part on all cores, and counted as it comes.
    pub async fn columns(&self, table: &str) -> Result<Vec<ColumnEntry>> {
        let table = plain_name(table)?.to_ascii_lowercase();
        let schema = self.sql(&format!("SELECT * FROM {table}")).await?.schema();
        let segment = table.strip_prefix("segments.").map(str::to_owned);
        let answer = match &segment {
            Some(segment) => self.staging_of(segment).await?,
            None => self.sql(&format!("SELECT * FROM {table}")).await?,
        };
        let counted = answer.partitions().await?.into_iter().map(|mut batches| {
            let is_segment = segment.is_some();
            tokio::spawn(async move {
                let mut counts = Counts::default();
                while let Some(batch) = batches.next().await {
                    count_batch(&batch?, is_segment, &mut counts);
                }
                Ok::<Counts, Error>(counts)
            })
        });
        let counted: Vec<_> = counted.collect();
        let mut counts = Counts::default();
        for part in counted {
            counts.merge(part.await.map_err(|_| Error::new("counting was broken off"))??);
        }
        let mut leaves = Vec::new();
        for field in schema.fields() {
            counts::leaves(field.name(), field.data_type(), &mut leaves);
        }
        let entry = |(name, data_type): (String, DataType)| {
            let in_message =
                segment.as_ref().map_or_else(|| name.clone(), |segment| format!("{segment}.{name}"));
            let (path, hl7_type) = hl7_path(&in_message);
            // Every row of a segment's view has the message it is of.
            let filled = match (&segment, name.as_str()) {
                (Some(_), "message_id") => Filled { values: counts.rows, rows: counts.rows, since: None },
                _ => counts.of(&name),
            };
            ColumnEntry {
                path,
                hl7_type,
                data_type: type_name(&data_type),
                filled: filled.values,
                rows: filled.rows,
                of: counts.rows,
                since: filled.since,
                name,
            }
        };
        Ok(leaves.into_iter().map(entry).collect())
    }

    /// The columns of staging that hold a segment, with when each message was received.
    async fn staging_of(&self, segment: &str) -> Result<Answer> {
        let held = [segment.to_owned(), format!("{segment}{}", names::MORE)];
        let columns = self.staging_columns().into_iter().filter(|column| held.contains(column));
        let columns: String = columns.map(|column| format!(", \"{column}\"")).collect();
        self.sql(&format!("SELECT received_at{columns} FROM staging")).await
    }

    async fn count(&self, table: &str) -> Result<usize> {
        let batches = self.sql(&format!("SELECT count(*) FROM {table}")).await?.collect().await?;
        let count = batches.first().filter(|batch| batch.num_rows() == 1);
        let count = count
            .and_then(|batch| batch.column(0).as_primitive_opt::<Int64Type>().map(|column| column.value(0)));
        Ok(count.and_then(|count| usize::try_from(count).ok()).unwrap_or_default())
    }
}

/// A table's name as the catalog takes it: letters, digits, underscores, and a dot.
fn plain_name(table: &str) -> Result<&str> {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '.');
    if !table.is_empty() && table.chars().all(plain) {
        return Ok(table);
    }
    Err(Error::new(format!("{table} is no table's name")).with_hint("carelake catalog lists the tables"))
}

/// Counts the rows of a table; or, of a segment, the occurrences that its columns of staging hold.
fn count_batch(batch: &RecordBatch, is_segment: bool, counts: &mut Counts) {
    let received = batch.column_by_name("received_at");
    let schema = batch.schema();
    if !is_segment {
        counts.rows += batch.num_rows();
        let rows = Rows::all(batch.num_rows(), received);
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            counts.add(field.name(), column, None, &rows);
        }
        return;
    }
    for column in &batch.columns()[1..] {
        let (structs, of_values) = match column.as_list_opt::<i32>() {
            Some(lists) => {
                let offsets = lists.offsets();
                let (first, last) = (offsets[0] as usize, offsets[lists.len()] as usize);
                let messages = (0..lists.len()).flat_map(|message| {
                    let length = (offsets[message + 1] - offsets[message]) as usize;
                    std::iter::repeat_n(message, length)
                });
                (lists.values().slice(first, last - first), messages.collect::<Vec<_>>())
            }
            None => (column.clone(), (0..column.len()).collect()),
        };
        let Some(structs) = structs.as_struct_opt() else { continue };
        counts.rows += structs.len() - structs.null_count();
        // Each occurrence is a row of the view, received when its message was.
        let times = received.and_then(|received| {
            let messages = of_values.iter().map(|message| u32::try_from(*message).ok());
            take(received, &messages.collect::<UInt32Array>(), None).ok()
        });
        counts.add_struct("", structs, structs.nulls(), &Rows::all(structs.len(), times.as_ref()));
    }
}

fn type_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "text",
        DataType::Timestamp(..) => "time",
        DataType::List(_) => "list",
        _ => "number",
    }
}

/// `pid.patient_name.family_name.surname` is `PID-5.1.1`, and an ST.
fn hl7_path(name: &str) -> (String, &'static str) {
    let none = || (String::new(), "");
    let mut parts = name.split('.');
    let Some((segment, _)) = parts.next().and_then(names::segment_of_column) else { return none() };
    let mut path = segment.key().to_ascii_uppercase();
    let Some(field) = parts.next().and_then(|name| slot(segment.fields(), name)) else { return none() };
    path.push_str(&format!("-{}", field.number()));
    let mut datatype: &'static Datatype = field.datatype();
    for name in parts {
        if datatype.is_varies() {
            match names::datatype(name.as_bytes()) {
                Some(named) if name != "value" => {
                    path.push_str(&format!(" ({})", named.code()));
                    datatype = named;
                }
                _ => break,
            }
            continue;
        }
        let Some(component) = slot(datatype.components(), name) else { break };
        path.push_str(&format!(".{}", component.number()));
        datatype = component.datatype();
    }
    (path, datatype.code())
}

fn slot(slots: &'static [Slot], name: &str) -> Option<&'static Slot> {
    slots.iter().find(|slot| slot.name() == name)
}
