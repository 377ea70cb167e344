//! Which receipts a replay goes by: the first of each message, if it is in the scope.

use storage::Lake;

use super::Scope;
use crate::{MessageId, Receipt, Result, receipts};

/// What a replay rebuilds: 24 bytes a receipt while it is made, 16 bytes a message and one bit a receipt afterwards.
pub(super) struct First {
    /// Sorted.
    ids: Vec<MessageId>,
    /// One bit for each receipt in the order of the batches.
    is_first: Vec<u64>,
}

impl First {
    /// Reads the receipts of all `batches`, which are in order of time.
    pub(super) async fn of(lake: &Lake, batches: &[String], scope: &Scope) -> Result<Self> {
        let mut all: Vec<Numbered> = Vec::new();
        for batch in batches {
            for receipt in receipts::read(lake, batch).await? {
                all.push(Numbered::new(receipt.message_id, all.len() as u64, scope.holds(&receipt)));
            }
        }
        let mut is_first = vec![0u64; all.len().div_ceil(64)];
        all.sort_unstable();
        all.dedup_by_key(|numbered| numbered.id);
        all.retain(|numbered| numbered.number & OUT_OF_SCOPE == 0);
        for Numbered { number, .. } in &all {
            is_first[(number / 64) as usize] |= 1 << (number % 64);
        }
        let ids = all.iter().map(|numbered| numbered.message_id()).collect();
        Ok(Self { ids, is_first })
    }

    /// Whether the receipt of this number is the one to go by.
    pub(super) fn is_first(&self, number: u64) -> bool {
        self.is_first[(number / 64) as usize] & 1 << (number % 64) != 0
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

/// A message's id, in two halves so that no byte is lost to alignment, and the number of its receipt.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Numbered {
    id: (u64, u64),
    number: u64,
}

impl Numbered {
    fn new(id: MessageId, number: u64, in_scope: bool) -> Self {
        Self {
            id: ((id.number() >> 64) as u64, id.number() as u64),
            number: if in_scope { number } else { number | OUT_OF_SCOPE },
        }
    }

    fn message_id(&self) -> MessageId {
        MessageId::from_number(u128::from(self.id.0) << 64 | u128::from(self.id.1))
    }
}

impl Ord for Numbered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.id, self.number & !OUT_OF_SCOPE).cmp(&(other.id, other.number & !OUT_OF_SCOPE))
    }
}

impl PartialOrd for Numbered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Scope {
    fn holds(&self, receipt: &Receipt) -> bool {
        self.feed.as_ref().is_none_or(|feed| *feed == receipt.feed)
            && self.from.is_none_or(|from| receipt.received_at >= from)
            && self.to.is_none_or(|to| receipt.received_at < to)
    }
}
