//! What there is to ask: tables, and the columns of each with their HL7 path.

use std::collections::BTreeMap;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StructArray};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use futures::StreamExt;
use tables::names::{self, Datatype, Slot};

use crate::{Engine, Error, Result};

/// A table.
#[derive(Clone, Debug)]
pub struct TableEntry {
    /// Its name in SQL.
    pub name: String,
    /// What a row of it is.
    pub description: &'static str,
    /// How many rows it has.
    pub rows: usize,
}

/// A column, or a leaf inside of one.
#[derive(Clone, Debug)]
pub struct ColumnEntry {
    /// Its name in SQL, dots included.
    pub name: String,
    /// Where it stands in a message, such as `PID-5.1`; empty for what is no part of a message.
    pub path: String,
    /// `text`, `number`, `time` or `list`.
    pub data_type: &'static str,
    /// How many values it has, all occurrences and repetitions counted.
    pub filled: usize,
}

const TABLES: [(&str, &str); 3] = [
    ("staging", "one row for each message"),
    ("errors", "one row for each input that could not be staged"),
    ("receipts", "one row for each message received, with its fate"),
];

impl Engine {
    /// The tables, with how many rows each has.
    pub async fn tables(&self) -> Result<Vec<TableEntry>> {
        let mut entries = Vec::new();
        for (name, description) in TABLES {
            entries.push(TableEntry { name: name.into(), description, rows: self.count(name).await? });
        }
        for segment in self.segment_views() {
            let name = format!("segments.{segment}");
            let rows = self.count(&name).await?;
            entries.push(TableEntry {
                name,
                description: "one row for each occurrence of the segment",
                rows,
            });
        }
        Ok(entries)
    }

    /// The columns of a table down to single values, with how often each has one.
    pub async fn columns(&self, table: &str) -> Result<Vec<ColumnEntry>> {
        let query = format!("SELECT * FROM {}", plain_name(table)?);
        let answer = self.sql(&query).await?;
        let schema = answer.schema();
        let mut counts = Counts::default();
        for field in schema.fields() {
            counts.declare(field.name(), field.data_type());
        }
        let mut batches = answer.stream().await?;
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            for (field, column) in schema.fields().iter().zip(batch.columns()) {
                counts.add(field.name(), column, None);
            }
        }
        let segment = table.strip_prefix("segments.");
        Ok(counts
            .order
            .into_iter()
            .map(|(name, data_type)| ColumnEntry {
                path: hl7_path(&segment.map_or_else(|| name.clone(), |segment| format!("{segment}.{name}"))),
                filled: counts.filled.get(&name).copied().unwrap_or_default(),
                data_type,
                name,
            })
            .collect())
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

/// Values of every leaf, counted through structs and lists.
#[derive(Default)]
struct Counts {
    order: Vec<(String, &'static str)>,
    filled: BTreeMap<String, usize>,
}

impl Counts {
    fn declare(&mut self, name: &str, data_type: &DataType) {
        match data_type {
            DataType::Struct(fields) => {
                for field in fields {
                    self.declare(&format!("{name}.{}", field.name()), field.data_type());
                }
            }
            DataType::List(element) if element.data_type().is_nested() => {
                self.declare(name, element.data_type())
            }
            _ => self.order.push((name.to_owned(), type_name(data_type))),
        }
    }

    fn add(&mut self, name: &str, array: &ArrayRef, outer: Option<&NullBuffer>) {
        if let Some(structs) = array.as_struct_opt() {
            self.add_struct(name, structs, outer);
        } else if let Some(lists) = array.as_list_opt::<i32>().filter(|lists| lists.value_type().is_nested())
        {
            let (first, last) = (lists.offsets()[0] as usize, lists.offsets()[lists.len()] as usize);
            self.add(name, &lists.values().slice(first, last - first), None);
        } else {
            let nulls = NullBuffer::union(array.nulls(), outer);
            let filled = array.len() - nulls.map_or(0, |nulls| nulls.null_count());
            match self.filled.get_mut(name) {
                Some(count) => *count += filled,
                None => {
                    self.filled.insert(name.to_owned(), filled);
                }
            }
        }
    }

    fn add_struct(&mut self, name: &str, structs: &StructArray, outer: Option<&NullBuffer>) {
        let nulls = NullBuffer::union(structs.nulls(), outer);
        for (field, column) in structs.fields().iter().zip(structs.columns()) {
            self.add(&format!("{name}.{}", field.name()), column, nulls.as_ref());
        }
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

/// `pid.patient_name.family_name.surname` is `PID-5.1.1`.
fn hl7_path(name: &str) -> String {
    let mut parts = name.split('.');
    let Some((segment, _)) = parts.next().and_then(names::segment_of_column) else { return String::new() };
    let mut path = segment.key().to_ascii_uppercase();
    let Some(field) = parts.next().and_then(|name| slot(segment.fields(), name)) else {
        return String::new();
    };
    path.push_str(&format!("-{}", field.number()));
    let mut datatype: &Datatype = field.datatype();
    for name in parts {
        if datatype.is_varies() {
            match names::datatype(name.as_bytes()) {
                Some(named) if name != "value" => {
                    path.push_str(&format!(" ({})", named.code()));
                    datatype = named;
                }
                _ => return path,
            }
            continue;
        }
        let Some(component) = slot(datatype.components(), name) else { return path };
        path.push_str(&format!(".{}", component.number()));
        datatype = component.datatype();
    }
    path
}

fn slot(slots: &'static [Slot], name: &str) -> Option<&'static Slot> {
    slots.iter().find(|slot| slot.name() == name)
}
