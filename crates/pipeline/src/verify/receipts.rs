//! Every receipt against the rows and errors: what became of each message received.

use std::collections::HashSet;
use std::sync::Arc;

use super::staging::{Cited, citation};
use super::{Check, Kind};
use crate::{MessageId, Receipt, Result, receipts};

/// Finds the end of every message received, and the receipt of every row. `rows` is sorted.
pub(super) async fn check(
    check: &Arc<Check>,
    batches: &[String],
    rows: Vec<Cited>,
    failed: &HashSet<MessageId>,
) -> Result<()> {
    // One bit a row: whether its receipt was found.
    let mut cited = vec![0u64; rows.len().div_ceil(64)];
    for batch in batches {
        let receipts = match receipts::read(&check.lake, batch).await {
            Ok(receipts) => receipts,
            Err(error) => {
                let key = storage::receipts_key(batch);
                check.problem(Kind::ReceiptsDamaged, format!("{key} cannot be read: {error}"));
                continue;
            }
        };
        let mut waiting = 0;
        for receipt in &receipts {
            match fate(receipt, &rows, &mut cited, failed) {
                Some(Fate::Staged) => check.found().summary.accounting.staged += 1,
                Some(Fate::Duplicate) => check.found().summary.accounting.duplicate += 1,
                Some(Fate::Error) => check.found().summary.accounting.error += 1,
                Some(Fate::Filtered) => check.found().summary.accounting.filtered += 1,
                None if check.settled.contains(batch) => {
                    let Receipt { message_id, raw_key, raw_offset, .. } = receipt;
                    let text = format!(
                        "message {message_id} was received, and is neither staged nor in error ({raw_key}, byte {raw_offset})"
                    );
                    check.problem(Kind::Lost, text);
                }
                None => waiting += 1,
            }
        }
        check.found().summary.accounting.received += receipts.len() as u64;
        if waiting > 0 {
            check.found().summary.pending += waiting;
            if !check.is_on_its_way(batch).await? {
                let text = format!(
                    "{waiting} messages of batch {batch} wait, and the run that received them has ended"
                );
                check.problem(Kind::Pending, text);
            }
        }
    }
    for (at, (id, _)) in rows.iter().enumerate().filter(|(at, _)| cited[at / 64] & 1 << (at % 64) == 0) {
        let is_twice = at > 0 && rows[at - 1].0 == *id || rows.get(at + 1).is_some_and(|next| next.0 == *id);
        if !is_twice {
            check.problem(
                Kind::RowWithoutReceipt,
                format!("the row of message {id} cites no receipt that exists"),
            );
        }
    }
    Ok(())
}

enum Fate {
    Staged,
    Duplicate,
    Error,
    Filtered,
}

fn fate(receipt: &Receipt, rows: &[Cited], cited: &mut [u64], failed: &HashSet<MessageId>) -> Option<Fate> {
    if receipt.filtered_by.is_some() {
        return Some(Fate::Filtered);
    }
    let id = receipt.message_id;
    let first = rows.partition_point(|row| row.0 < id);
    let is_staged = rows.get(first).is_some_and(|row| row.0 == id);
    if !is_staged {
        return failed.contains(&id).then_some(Fate::Error);
    }
    let wanted = (id, citation(receipt));
    let own = (first..rows.len()).take_while(|&at| rows[at].0 == id).find(|&at| rows[at] == wanted);
    match own {
        Some(at) if cited[at / 64] & 1 << (at % 64) == 0 => {
            cited[at / 64] |= 1 << (at % 64);
            Some(Fate::Staged)
        }
        _ => Some(Fate::Duplicate),
    }
}
