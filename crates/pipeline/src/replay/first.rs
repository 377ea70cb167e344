//! Which receipts a replay goes by: the first of each message, if it is in the scope.

use std::collections::{BTreeSet, HashSet};

use storage::{Lake, error_lenient_prefix};

use super::Scope;
use super::feeds::nearest;
use crate::{Error, MessageId, Receipt, Result, receipts};

/// What a replay rebuilds: 24 bytes a receipt while it is made, 16 bytes a message and two bits a receipt afterwards.
pub(super) struct First {
    /// Sorted.
    ids: Vec<MessageId>,
    /// One bit for each receipt in the order of the batches.
    is_first: Vec<u64>,
    /// One bit as well: whether its message is not held to the standard.
    is_lenient: Vec<u64>,
}

impl First {
    /// Reads the receipts of all `batches`, which are in order of time.
    ///
    /// A message is held to the standard only if each of its receipts says so, and no retry waived it: what was staged
    /// once does not go back into error for a strictness that it was staged without.
    ///
    /// # Errors
    /// [`Error::UnknownFeed`] when the scope names a feed that no receipt has.
    pub(super) async fn of(lake: &Lake, batches: &[String], scope: &Scope) -> Result<Self> {
        let mut all: Vec<Numbered> = Vec::new();
        let mut feeds = BTreeSet::new();
        let mut number = 0;
        for batch in batches {
            for receipt in receipts::read(lake, batch).await? {
                // What a rule of its feed leaves out is left out again.
                if receipt.filtered_by.is_none() {
                    all.push(Numbered::new(&receipt, number, scope.holds(&receipt)));
                }
                number += 1;
                if scope.feed.is_some() && !feeds.contains(&receipt.feed) {
                    feeds.insert(receipt.feed);
                }
            }
        }
        if let Some(feed) = scope.feed.as_ref().filter(|feed| !feeds.contains(*feed)) {
            return Err(Error::UnknownFeed { name: feed.clone(), near: nearest(feed, feeds) });
        }
        let waived = waived(lake).await?;
        let mut is_first = vec![0u64; number.div_ceil(64) as usize];
        let mut is_lenient = is_first.clone();
        all.sort_unstable();
        for receipts in all.chunk_by(|one, other| one.id == other.id) {
            let number = receipts[0].number & !MARKS;
            let is_strict = receipts.iter().all(|numbered| numbered.number & STRICT != 0);
            if !is_strict || waived.contains(&receipts[0].message_id()) {
                is_lenient[(number / 64) as usize] |= 1 << (number % 64);
            }
        }
        all.dedup_by_key(|numbered| numbered.id);
        all.retain(|numbered| numbered.number & OUT_OF_SCOPE == 0);
        for numbered in &all {
            let number = numbered.number & !MARKS;
            is_first[(number / 64) as usize] |= 1 << (number % 64);
        }
        let ids = all.iter().map(|numbered| numbered.message_id()).collect();
        Ok(Self { ids, is_first, is_lenient })
    }

    /// Whether the receipt of this number is the one to go by.
    pub(super) fn is_first(&self, number: u64) -> bool {
        self.is_first[(number / 64) as usize] & 1 << (number % 64) != 0
    }

    /// Whether the message of the receipt of this number, which is the one to go by, is not held to the standard.
    pub(super) fn is_lenient(&self, number: u64) -> bool {
        self.is_lenient[(number / 64) as usize] & 1 << (number % 64) != 0
    }

    pub(super) fn holds(&self, id: MessageId) -> bool {
        self.ids.binary_search(&id).is_ok()
    }

    pub(super) fn len(&self) -> u64 {
        self.ids.len() as u64
    }
}

/// A mark on the number of a receipt that the scope leaves out. It does not change which is the first.
const OUT_OF_SCOPE: u64 = 1 << 63;
/// A mark on the number of a receipt that holds its message to the standard.
const STRICT: u64 = 1 << 62;
const MARKS: u64 = OUT_OF_SCOPE | STRICT;

/// A message's id, in two halves so that no byte is lost to alignment, and the number of its receipt.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Numbered {
    id: (u64, u64),
    number: u64,
}

impl Numbered {
    fn new(receipt: &Receipt, number: u64, in_scope: bool) -> Self {
        let id = receipt.message_id.number();
        let out_of_scope = if in_scope { 0 } else { OUT_OF_SCOPE };
        let strict = if receipt.strict { STRICT } else { 0 };
        Self { id: ((id >> 64) as u64, id as u64), number: number | out_of_scope | strict }
    }

    fn message_id(&self) -> MessageId {
        MessageId::from_number(u128::from(self.id.0) << 64 | u128::from(self.id.1))
    }
}

impl Ord for Numbered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.id, self.number & !MARKS).cmp(&(other.id, other.number & !MARKS))
    }
}

impl PartialOrd for Numbered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The messages that a retry staged without holding them to the standard.
async fn waived(lake: &Lake) -> Result<HashSet<MessageId>> {
    let marks = lake.list(&error_lenient_prefix()).await?;
    Ok(marks.iter().filter_map(|mark| MessageId::parse(mark.key.filename()?)).collect())
}

impl Scope {
    fn holds(&self, receipt: &Receipt) -> bool {
        self.feed.as_ref().is_none_or(|feed| *feed == receipt.feed)
            && self.from.is_none_or(|from| receipt.received_at >= from)
            && self.to.is_none_or(|to| receipt.received_at < to)
    }
}
