//! The receipts of a lake: those in files, and those of live feeds that are still in the write-ahead log.
//!
//! Both are looked up when the table is scanned, so that opening a lake costs nothing for them.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{MemTable, Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::TableType;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;
use object_store::path::Path;
use storage::{Lake, receipts_prefix, wal};
use tables::{Note, NoteItem};

use crate::ranges::Ranges;
use crate::table::{DataFile, FilesTable};

/// One row for each message received.
#[derive(Debug)]
pub(crate) struct Receipts {
    lake: Lake,
    /// Files of batches that began later are left out; microseconds since 1970.
    moment: Option<i64>,
    schema: SchemaRef,
}

impl Receipts {
    pub(crate) fn new(lake: &Lake, moment: Option<i64>) -> Self {
        Self { lake: lake.clone(), moment, schema: tables::receipts_schema() }
    }

    async fn look_up(&self) -> Result<(FilesTable, Vec<RecordBatch>), storage::Error> {
        // In this order: what is sealed in between is in a file, and its segment is left out.
        let mut logged = Vec::new();
        for segment in wal::segments(&self.lake).await? {
            match wal::read(&self.lake, &segment).await {
                Ok(records) => logged.push((segment, records)),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        let mut files = self.lake.list(&receipts_prefix()).await?;
        let batches: HashSet<&str> = files.iter().filter_map(|file| batch_of(&file.key)).collect();
        logged.retain(|(segment, _)| !batches.contains(segment.as_str()));
        let is_later = |begun: i64| self.moment.is_some_and(|moment| begun > moment);
        files.retain(|file| !begun(&file.key).is_some_and(is_later));
        let files = files.into_iter().map(|file| DataFile {
            key: file.key,
            size: file.size,
            rows: None,
            ranges: Ranges::default(),
            visible_at: None,
        });
        let files = FilesTable::new(self.schema.clone(), Arc::new(files.collect()));
        let rows = logged.iter().map(|(_, records)| rows(&self.schema, records));
        Ok((files, rows.flatten().collect()))
    }
}

/// The batch whose receipts a file holds.
fn batch_of(key: &Path) -> Option<&str> {
    key.filename()?.strip_suffix(".parquet")
}

/// When the batch began that a file of receipts tells of: its name starts with that.
fn begun(key: &Path) -> Option<i64> {
    let digits = key.filename()?.get(..16)?;
    i64::from_str_radix(digits, 16).ok()
}

/// The receipts in the records of the log.
fn rows(schema: &SchemaRef, records: &[wal::Record]) -> Option<RecordBatch> {
    let notes: Vec<Note> = records.iter().filter_map(|record| Note::read(&record.note)).collect();
    let all: Vec<(&wal::Record, &Note, &NoteItem, u64)> = records
        .iter()
        .zip(&notes)
        .flat_map(|(record, note)| {
            note.items.iter().zip(record.first..).map(move |(item, number)| (record, note, item, number))
        })
        .collect();
    type Row<'r> = (&'r wal::Record, &'r Note, &'r NoteItem, u64);
    let text = |value: fn(&Row<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(all.iter().map(value).collect::<StringArray>())
    };
    let number = |value: fn(&Row<'_>) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(all.iter().map(|row| value(row).cast_signed())))
    };
    let received_at: TimestampMicrosecondArray = all.iter().map(|(record, ..)| Some(record.at)).collect();
    let strict: BooleanArray = all.iter().map(|(_, note, ..)| Some(note.strict)).collect();
    let columns = vec![
        text(|(_, _, item, _)| Some(item.id.clone())),
        text(|(_, note, ..)| Some(note.feed.clone())),
        Arc::new(received_at.with_timezone("UTC")) as ArrayRef,
        number(|(.., number)| *number),
        text(|(record, ..)| Some(record.key.clone())),
        number(|(record, _, item, _)| record.offset + item.start),
        number(|(_, _, item, _)| item.length),
        text(|(_, _, item, _)| Some(item.sha256.clone())),
        text(|(_, note, ..)| Some(note.origin.clone())),
        Arc::new(strict),
        text(|(_, note, ..)| note.charset.clone()),
        text(|(_, _, item, _)| item.filtered_by.clone()),
        text(|(_, note, ..)| note.answer.clone()),
    ];
    RecordBatch::try_new(schema.clone(), columns).ok()
}

#[async_trait]
impl TableProvider for Receipts {
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
        let looked_up = self.look_up().await;
        let (files, logged) = looked_up.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let files = files.plan(session, projection, filters, limit)?;
        if logged.is_empty() {
            return Ok(files);
        }
        let logged = MemTable::try_new(self.schema.clone(), vec![logged])?;
        let logged = logged.scan(session, projection, &[], None).await?;
        UnionExec::try_new(vec![files, logged])
    }

    /// Filters skip row groups; whether a row passes is decided above.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}
