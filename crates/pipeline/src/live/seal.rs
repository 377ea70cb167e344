//! Closed segments of the log become raw objects and a file of receipts.

use storage::{Lake, wal};

use crate::{Result, receipts};

/// Seals a segment that nobody appends to, and takes it out of the log; gives whether there was anything in it.
///
/// Raw objects come first, then the receipts, then the segment goes: at each moment the bytes and the receipts are in one
/// place at least, and what was done already is done again without a change.
pub(crate) async fn seal(lake: &Lake, segment: &str) -> Result<bool> {
    let sealed = wal::seal(lake, segment).await?;
    let all = receipts::of_segment(lake, segment).await?;
    if !all.is_empty() {
        let finished: Vec<_> = sealed.objects.into_iter().map(|(key, _)| key).collect();
        receipts::write(lake, segment, &all.iter().collect::<Vec<_>>(), &finished).await?;
    }
    wal::remove(lake, segment).await?;
    Ok(!all.is_empty())
}
