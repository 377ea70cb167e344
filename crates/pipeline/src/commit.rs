//! Commit: rows become part of a table in one atomic step, each once, whoever else is writing.

use std::collections::HashSet;

use arrow_schema::SchemaRef;
use futures::future::BoxFuture;
use object_store::path::Path;
use tokio::sync::Mutex;

use crate::delta::{Attempt, DataFile, Writer};
use crate::seen::{Known, Seen};
use crate::{MessageId, Result};

/// A data file that is written and durable, and that no commit names yet.
#[derive(Debug)]
pub(crate) struct Addition {
    /// Who its rows are.
    pub(crate) known: Known,
    pub(crate) schema: SchemaRef,
    pub(crate) file: DataFile,
}

/// What a commit came to.
#[derive(Debug, Default)]
pub(crate) struct Committed {
    /// The ids that were left out because another writer had added them meanwhile.
    pub(crate) left_out: HashSet<MessageId>,
    /// New rows with a control ID that another message of their sender has.
    pub(crate) reused_control_ids: u64,
}

/// Adds a data file to a table.
///
/// Others may look into `seen` meanwhile: it is locked for no longer than each question takes. `again` makes the addition once more
/// without the ids it is given, or nothing if none are left.
pub(crate) async fn commit<'a>(
    writer: &mut Writer,
    seen: &Mutex<Seen>,
    mut addition: Addition,
    again: impl Fn(HashSet<MessageId>) -> BoxFuture<'a, Result<Option<Addition>>>,
) -> Result<Committed> {
    let mut left_out = HashSet::new();
    follow(writer, seen, Vec::new()).await?;
    loop {
        let theirs = writer.widen(&addition.schema).await?;
        follow(writer, seen, theirs).await?;
        // Asked of all that is known, and not of what is learned now: the commit of a batch before this one may have learned of
        // what another added since these ids were claimed.
        let held = seen.lock().await.hold_all(&addition.known.ids).await?;
        let present: HashSet<MessageId> =
            addition.known.ids.iter().zip(held).filter(|(_, held)| *held).map(|(id, _)| *id).collect();
        if !present.is_empty() {
            // The file just made stays behind, named by no commit, and is swept later.
            left_out.extend(present);
            match again(left_out.clone()).await? {
                Some(smaller) => addition = smaller,
                None => return Ok(Committed { left_out, reused_control_ids: 0 }),
            }
            continue;
        }
        match writer.try_append(std::slice::from_ref(&addition.file)).await? {
            Attempt::Done => {
                let file = writer.table().key_of(&addition.file.path);
                let mut seen = seen.lock().await;
                let reused_control_ids = seen.reused(&addition.known).await?;
                seen.added(&file, &addition.known).await?;
                return Ok(Committed { left_out, reused_control_ids });
            }
            Attempt::Overtaken { new_files } => follow(writer, seen, new_files).await?,
        }
    }
}

/// Tells who knows the ids what others did to the table, beginning with the files that were read of already.
async fn follow(writer: &mut Writer, seen: &Mutex<Seen>, new_files: Vec<Path>) -> Result<()> {
    seen.lock().await.follow(new_files, writer.take_removed());
    let new_files = writer.catch_up().await?;
    seen.lock().await.follow(new_files, writer.take_removed());
    Ok(())
}
