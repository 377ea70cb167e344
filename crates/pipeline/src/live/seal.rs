//! Closed segments of the log become raw objects and a file of receipts.

use storage::{Lake, receipts_key, wal};

use crate::{Error, Result, receipts};

/// Seals a segment that nobody appends to, and takes it out of the log; gives whether there was anything in it.
///
/// Raw objects come first, then the receipts, then the segment goes: at each moment the bytes and the receipts are in one
/// place at least, and what was done already is done again without a change.
///
/// A segment that is gone was sealed before: by another who took this process for dead, or by this one, which was told that
/// the segment could not be removed when it was.
pub(crate) async fn seal(lake: &Lake, segment: &str) -> Result<bool> {
    match seal_what_is_there(lake, segment).await {
        Err(Error::Storage(error)) if error.is_not_found() => Ok(lake.exists(&receipts_key(segment)).await?),
        sealed => sealed,
    }
}

async fn seal_what_is_there(lake: &Lake, segment: &str) -> Result<bool> {
    let sealed = wal::seal(lake, segment).await?;
    let all = receipts::of_segment(lake, segment).await?;
    if !all.is_empty() {
        let finished: Vec<_> = sealed.objects.into_iter().map(|(key, _)| key).collect();
        receipts::write(lake, segment, &all.iter().collect::<Vec<_>>(), &finished).await?;
    }
    wal::remove(lake, segment).await?;
    Ok(!all.is_empty())
}
