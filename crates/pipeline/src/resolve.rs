//! Takes rows out of the error table, or puts newer reasons in their place.
//!
//! A message that is staged is in error no more, whether or not its row is gone: if this is interrupted, readers let
//! staging win and the next one to resolve takes the row out.

use std::collections::{HashMap, HashSet};

use arrow_array::cast::AsArray;
use arrow_array::{BooleanArray, RecordBatch};
use futures::TryStreamExt;
use storage::{Lake, error_table};

use crate::delta::{Attempt, DataFile, ListedFile, Table, Writer};
use crate::failure::{self, Failure};
use crate::{MessageId, Result, parquet_reader};

/// Takes the rows of `resolved` out of the error table and puts those of `renewed` in the place of their old ones.
pub(crate) async fn resolve(lake: &Lake, resolved: &HashSet<MessageId>, renewed: &[Failure]) -> Result<()> {
    if resolved.is_empty() && renewed.is_empty() {
        return Ok(());
    }
    let renewed: HashMap<MessageId, &Failure> =
        renewed.iter().map(|failure| (failure.receipt.message_id, failure)).collect();
    loop {
        let mut writer = Writer::open(Table::at(lake, error_table())?).await?;
        let (_, files) = writer.table().listed().await?;
        writer.catch_up().await?;
        let (mut removes, mut adds) = (Vec::new(), Vec::new());
        let mut replaced: HashSet<MessageId> = HashSet::new();
        for file in files {
            let rows = read(lake, &file).await?;
            let goes = |id: MessageId| resolved.contains(&id) || renewed.contains_key(&id);
            let ids: Vec<Option<MessageId>> = rows.iter().flat_map(ids_of).collect();
            if !ids.iter().flatten().any(|id| goes(*id)) {
                continue;
            }
            replaced.extend(ids.iter().flatten().filter(|id| renewed.contains_key(*id)));
            for batch in &rows {
                let stays: BooleanArray = ids_of(batch).map(|id| Some(!id.is_some_and(goes))).collect();
                let kept = arrow::compute::filter_record_batch(batch, &stays)?;
                adds.extend(write(lake, writer.table(), &kept).await?);
            }
            removes.push(file);
        }
        let newer: Vec<&Failure> = renewed
            .iter()
            .filter(|(id, _)| replaced.contains(*id) && !resolved.contains(*id))
            .map(|(_, failure)| *failure)
            .collect();
        if !newer.is_empty() {
            adds.extend(write(lake, writer.table(), &failure::rows(&newer)?).await?);
        }
        if removes.is_empty() || removes.iter().any(|file| writer.has_removed(&file.key)) {
            if removes.is_empty() {
                return Ok(());
            }
            continue;
        }
        if let Attempt::Done = writer.try_swap(&removes, &adds).await? {
            return Ok(());
        }
        // Someone else was first. What was written stays behind, named by no commit.
    }
}

async fn read(lake: &Lake, file: &ListedFile) -> Result<Vec<RecordBatch>> {
    Ok(parquet_reader::open(lake, &file.key).await?.build()?.try_collect().await?)
}

fn ids_of(rows: &RecordBatch) -> impl Iterator<Item = Option<MessageId>> + '_ {
    let ids = rows.column_by_name("message_id").and_then(|column| column.as_string_opt::<i32>());
    ids.into_iter().flat_map(|ids| ids.iter().map(|id| MessageId::parse(id?)))
}

async fn write(lake: &Lake, table: &Table, rows: &RecordBatch) -> Result<Option<DataFile>> {
    if rows.num_rows() == 0 {
        return Ok(None);
    }
    let (file, bytes) = DataFile::of(rows.clone())?;
    lake.put_new(&table.key_of(&file.path), bytes).await?;
    Ok(Some(file))
}
