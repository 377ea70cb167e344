//! The documents of files that become one: the lines that lie one behind the other in a raw object come into one document, as
//! if they had been converted together.
//!
//! A document may be there already, of a file that was replaced long ago, and be removed at any moment. Such a one is not relied
//! on: then the files keep the documents they have, which are safe as long as a file of the table names them.

use std::collections::HashSet;

use arrow_array::RecordBatch;
use object_store::path::Path;
use storage::{Lake, Put};

use crate::Result;
use crate::documents::{Document, Gathering, ListedLines, receipt_of};

pub(super) struct MergedDocuments {
    lake: Lake,
    gathering: Gathering,
    /// The documents there are, in the order of the rows.
    present: Vec<Path>,
    safe: HashSet<Path>,
    are_merged: bool,
}

impl MergedDocuments {
    pub(super) fn new(lake: &Lake, present: Vec<Path>) -> Self {
        let safe = present.iter().cloned().collect();
        Self { lake: lake.clone(), gathering: Gathering::default(), present, safe, are_merged: true }
    }

    /// Adds the lines of some rows; gives nothing if a row has none that can be read.
    pub(super) async fn add(&mut self, rows: &RecordBatch, lines: &mut ListedLines) -> Result<Option<()>> {
        for row in 0..rows.num_rows() {
            let Ok(Some(line)) = lines.next().await else { return Ok(None) };
            if !self.are_merged {
                continue;
            }
            let Some((receipt, version)) = receipt_of(rows, row) else { return Ok(None) };
            if let Some(document) = self.gathering.add(&receipt, &line, version)? {
                self.put(document).await?;
            }
        }
        Ok(Some(()))
    }

    /// The keys of the documents of all rows, in their order.
    pub(super) async fn finish(mut self) -> Result<Vec<Path>> {
        if self.are_merged
            && let Some(document) = self.gathering.finish()?
        {
            self.put(document).await?;
        }
        Ok(if self.are_merged { self.gathering.keys().to_vec() } else { self.present })
    }

    async fn put(&mut self, Document { key, text }: Document) -> Result<()> {
        let put = self.lake.put_new(&key, text).await?;
        self.are_merged &= put == Put::Created || self.safe.contains(&key);
        Ok(())
    }
}
